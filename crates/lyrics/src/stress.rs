//! What notes ask of syllables: stress on strong notes, open vowels on long high ones, and nothing on a long note that
//! speech would pass over: a held "the" is neither good setting nor understood.

use music::Note;

use super::{Language, Syllable, english::dictionary::is_vowel, language::stress_of};

/// What one note asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Strength among the notes of its line, 0–1: long and loud notes are strong.
    pub weight: f64,
    /// How much it wants an open vowel, 0–1: long and high among its line.
    pub open: f64,
    /// How much longer than its line's median it is held: 0 up to [`HELD_FROM`], 1 from twice the median on.
    pub held: f64,
}

/// Up to so many medians a note is not heard as long.
const HELD_FROM: f64 = 1.15;

/// What the notes of one line ask for.
pub fn demands(notes: &[Note]) -> Vec<Demand> {
    let highest = notes.iter().map(|n| n.pitch.number()).max().unwrap_or(0);
    let lowest = notes.iter().map(|n| n.pitch.number()).min().unwrap_or(0);
    let mut lengths: Vec<f64> = notes.iter().map(|n| n.duration_seconds).collect();
    lengths.sort_by(f64::total_cmp);
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
    let open = |note: &Note| {
        let height = f64::from(note.pitch.number() - lowest) / f64::from((highest - lowest).max(1));
        let length = (note.duration_seconds / median.max(0.01) - 1.0).clamp(0.0, 1.0);
        length * (0.4 + 0.6 * height)
    };
    let held =
        |note: &Note| ((note.duration_seconds / median.max(0.01) - HELD_FROM) / (2.0 - HELD_FROM)).clamp(0.0, 1.0);
    note_weights(notes)
        .into_iter()
        .zip(notes)
        .map(|(weight, note)| Demand { weight, open: open(note), held: held(note) })
        .collect()
}

/// Weight of each note among its line, 0–1: long and loud notes are strong. The strongest has 1 where it is at least as
/// much stronger than the weakest as twice the length makes.
pub fn note_weights(notes: &[Note]) -> Vec<f64> {
    let raw: Vec<f64> = notes
        .iter()
        .map(|note| note.duration_seconds.max(0.02).ln() + 0.3 * f64::from(note.velocity) / 127.0)
        .collect();
    let low = raw.iter().copied().fold(f64::INFINITY, f64::min);
    let high = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if high - low < 0.05 {
        // All alike: nothing in the sound decides, so lean to the alternation of a song in twos.
        return (0..notes.len()).map(|i| if i % 2 == 0 { 0.55 } else { 0.45 }).collect();
    }
    // Lines of nearly even notes stay nearly even: what nobody hears is no strength.
    let range = (high - low).max(EVEN);
    raw.iter().map(|w| (w - low) / range).collect()
}

/// A range of log length and loudness in which the strongest note counts as strong: from one length to twice it.
const EVEN: f64 = std::f64::consts::LN_2;

/// Correlation of note weights and syllable stresses, −1 to 1; 0 where either does not vary.
pub fn agreement(weights: &[f64], stresses: &[f64]) -> f64 {
    let n = weights.len().min(stresses.len());
    if n < 2 {
        return 0.0;
    }
    let mean = |v: &[f64]| v[..n].iter().sum::<f64>() / n as f64;
    let (mw, ms) = (mean(weights), mean(stresses));
    let (mut cross, mut ww, mut ss) = (0.0, 0.0, 0.0);
    for (w, s) in weights.iter().zip(stresses) {
        cross += (w - mw) * (s - ms);
        ww += (w - mw) * (w - mw);
        ss += (s - ms) * (s - ms);
    }
    if ww < 1e-9 || ss < 1e-9 { 0.0 } else { cross / (ww * ss).sqrt() }
}

/// From so much on notes of one line differ in strength.
pub const WEIGHT_DIFFERS: f64 = 0.15;

/// Neighbouring syllables whose stress differs (by 0.3 of 1) and whose notes differ in strength (by 0.15 of the line's
/// range of log length and loudness): where the stronger syllable has the stronger note, and all of them.
pub fn in_order(weights: &[f64], stresses: &[f64]) -> (usize, usize) {
    const STRESS_DIFFERS: f64 = 0.3;
    let (mut good, mut all) = (0, 0);
    for (weight, stress) in weights.windows(2).zip(stresses.windows(2)) {
        let (heavier, stronger) = (weight[1] - weight[0], stress[1] - stress[0]);
        if heavier.abs() >= WEIGHT_DIFFERS && stronger.abs() >= STRESS_DIFFERS {
            all += 1;
            good += usize::from(heavier > 0.0 && stronger > 0.0 || heavier < 0.0 && stronger < 0.0);
        }
    }
    (good, all)
}

/// How badly each syllable bears a long note, 0–1: articles and prepositions worst, words such as "me" and syllables
/// without stress less, stressed ones not at all.
fn frailty(language: Language, syllable: &Syllable, words: &[String]) -> f64 {
    let stress = stress_of(language, syllable, words);
    match words.get(syllable.word_index) {
        Some(word) if language.is_function_word(word) && !language.may_end_a_line(word) => 1.0,
        Some(word) if language.is_function_word(word) => 0.7,
        _ if stress < 0.5 => 0.5,
        _ => 0.3 * (1.0 - stress),
    }
}

/// What the long notes of a line lose by their syllables: for each note how long it is held times how badly its syllable
/// bears that. 0 when every long note has a stressed syllable of a word that says something.
pub fn misplaced(language: Language, demands: &[Demand], syllables: &[Syllable], words: &[String]) -> f64 {
    let cost = |(demand, syllable): (&Demand, &Syllable)| demand.held * frailty(language, syllable, words);
    demands.iter().zip(syllables).map(cost).sum()
}

/// How much of a line is words that are understood when sung, 0–1: the share of syllables whose word says something,
/// those of two sounds or fewer ("go", "eye") by half, and up to a third less where syllables have few consonants.
pub fn substance(language: Language, syllables: &[Syllable], words: &[String]) -> f64 {
    let worth = |own: &[Syllable]| {
        if words.get(own[0].word_index).is_none_or(|word| language.is_function_word(word)) {
            return 0.0;
        }
        let phones = own.iter().flat_map(|s| &s.phones);
        let (vowels, consonants): (Vec<&String>, Vec<&String>) = phones.partition(|phone| is_vowel(phone));
        let size = if vowels.len() + consonants.len() <= 2 { 0.5 } else { 1.0 };
        let framed = (consonants.len() as f64 / (2.0 * own.len() as f64)).min(1.0);
        own.len() as f64 * size * (2.0 + framed) / 3.0
    };
    let all = syllables.chunk_by(|a, b| a.word_index == b.word_index).map(worth).sum::<f64>();
    all / syllables.len().max(1) as f64
}

/// Mean singability of the vowels on notes that want open ones, 0–1, weighted by how much; 1 where none does.
pub fn openness_met(demands: &[Demand], syllables: &[Syllable]) -> f64 {
    let (mut met, mut wanted) = (0.0, 0.0);
    for (demand, syllable) in demands.iter().zip(syllables) {
        let vowel = syllable.phones.iter().map(|p| singability(p)).fold(0.0, f64::max);
        met += demand.open * vowel;
        wanted += demand.open;
    }
    if wanted < 1e-9 { 1.0 } else { met / wanted }
}

/// How well a vowel carries a long note, 0–1: open and long vowels and diphthongs well, short lax ones badly.
pub fn singability(phone: &str) -> f64 {
    if !is_vowel(phone) {
        return 0.0;
    }
    match phone.trim_end_matches(['0', '1', '2']) {
        "AA" | "AO" | "OW" | "AY" | "EY" => 1.0,
        "IY" | "UW" | "AW" | "AE" => 0.85,
        "EH" | "OY" => 0.6,
        "ER" => 0.4,
        _ => 0.3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_a_correlation() {
        assert!((agreement(&[0.0, 1.0, 0.0, 1.0], &[0.1, 1.0, 0.1, 1.0]) - 1.0).abs() < 1e-9);
        assert!(agreement(&[0.0, 1.0], &[1.0, 0.0]) < -0.99);
        assert_eq!(agreement(&[0.5, 0.5], &[1.0, 0.0]), 0.0);
        assert_eq!(agreement(&[], &[]), 0.0);
    }

    #[test]
    fn only_neighbours_that_differ_clearly_have_an_order() {
        assert_eq!(in_order(&[0.0, 1.0, 0.2, 0.3], &[0.1, 1.0, 0.1, 1.0]), (2, 2));
        assert_eq!(in_order(&[0.0, 1.0, 0.0], &[1.0, 0.1, 0.2]), (0, 1));
        assert_eq!(in_order(&[0.5], &[1.0]), (0, 0));
    }

    fn line(text: &str, seconds: &[f64]) -> (Vec<Demand>, Vec<Syllable>, Vec<String>) {
        let note = |&duration_seconds| Note {
            onset_seconds: 0.0,
            duration_seconds,
            pitch: music::MidiPitch::new(60),
            cents: 0.0,
            velocity: 80,
        };
        let notes: Vec<Note> = seconds.iter().map(note).collect();
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let syllables = Language::English.realise(&words, None).expect("known words");
        assert_eq!(syllables.len(), notes.len(), "{text}");
        (demands(&notes), syllables, words)
    }

    #[test]
    fn long_notes_cost_by_what_they_carry() {
        let cost = |text: &str, seconds: &[f64]| {
            let (demands, syllables, words) = line(text, seconds);
            misplaced(Language::English, &demands, &syllables, &words)
        };
        let long_second = [0.3, 0.9, 0.3, 0.3];
        let costs = ["find the bright moon", "find me bright moons", "river lights shine", "find bright moons here"]
            .map(|text| cost(text, &long_second));
        assert!((costs[0] - 1.0).abs() < 1e-9 && (costs[3]).abs() < 1e-9, "{costs:?}");
        assert!(costs.windows(2).all(|pair| pair[0] > pair[1]), "{costs:?}");
        assert_eq!(cost("find the bright moon", &[0.3; 4]), 0.0);
    }

    #[test]
    fn lines_of_small_words_say_little() {
        let says = |text: &str, count: usize| {
            let (_, syllables, words) = line(text, &vec![0.3; count]);
            substance(Language::English, &syllables, &words)
        };
        assert!(says("if I go to the", 5) < 0.15);
        assert!(says("stars", 1) > 0.99);
        assert!(says("bright stars shine", 3) > says("I see stars", 3));
        assert_eq!(substance(Language::English, &[], &[]), 0.0);
    }
}
