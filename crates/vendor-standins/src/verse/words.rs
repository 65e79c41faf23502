//! Short lines of common English words with known syllables.

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const LIGHT: [&str; 8] = ["the", "a", "and", "in", "my", "we", "on", "to"];
const ONE: [&str; 16] = [
    "heart", "wind", "hand", "sun", "dream", "snow", "tree", "blue", "home", "song", "star", "boat", "door", "leaf",
    "bell", "stone",
];
const TWO: [&str; 14] = [
    "river", "morning", "silver", "golden", "summer", "window", "paper", "harbor", "evening", "shadow", "gather",
    "water", "lantern", "little",
];
const THREE: [&str; 6] = ["yesterday", "melody", "memory", "tomorrow", "remember", "holiday"];
/// Ends of lines, two and two.
const RHYMES: [[&str; 2]; 6] =
    [["night", "light"], ["day", "way"], ["sea", "free"], ["rain", "train"], ["moon", "June"], ["sky", "fly"]];

/// A line for each count, with exactly so many syllables; two by two they rhyme.
pub fn lines(counts: &[usize], dice: u64) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(dice);
    let mut rhyme = RHYMES[0];
    let mut lines = Vec::with_capacity(counts.len());
    for (index, count) in counts.iter().enumerate() {
        if index.is_multiple_of(2) {
            rhyme = *RHYMES.choose(&mut rng).unwrap_or(&RHYMES[0]);
        }
        let mut words = Vec::new();
        let mut left = count.saturating_sub(1);
        let mut light = rng.random_bool(0.5);
        while left > 0 {
            let (word, syllables) = match left {
                _ if light => (LIGHT.choose(&mut rng), 1),
                1 => (ONE.choose(&mut rng), 1),
                2 => (TWO.choose(&mut rng), 2),
                _ if rng.random_bool(0.2) => (THREE.choose(&mut rng), 3),
                _ if rng.random_bool(0.5) => (TWO.choose(&mut rng), 2),
                _ => (ONE.choose(&mut rng), 1),
            };
            words.extend(word.copied());
            left -= syllables;
            light = !light;
        }
        words.push(rhyme[index % 2]);
        let line = words.join(" ");
        let capital = line.get(..1).map(str::to_uppercase).unwrap_or_default();
        lines.push(capital + line.get(1..).unwrap_or_default());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_syllables() {
        let syllables = |word: &str| {
            let word = word.to_lowercase();
            let known = |list: &[&str]| list.contains(&word.as_str());
            if known(&THREE) {
                3
            } else if known(&TWO) {
                2
            } else {
                1
            }
        };
        let counts: Vec<usize> = (1..=24).collect();
        for dice in 0..20 {
            let written = lines(&counts, dice);
            let got: Vec<usize> = written.iter().map(|line| line.split(' ').map(syllables).sum()).collect();
            assert_eq!(got, counts, "{written:?}");
        }
        assert_eq!(lines(&counts, 3), lines(&counts, 3));
        assert_ne!(lines(&counts, 3), lines(&counts, 4));
    }
}
