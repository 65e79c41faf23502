//! What notes ask of syllables: stress on strong notes, open vowels on long high ones.

use music::Note;

use super::{Syllable, english::dictionary::is_vowel};

/// What one note asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Strength among the notes of its line, 0–1: long and loud notes are strong.
    pub weight: f64,
    /// How much it wants an open vowel, 0–1: long and high among its line.
    pub open: f64,
}

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
    note_weights(notes).into_iter().zip(notes).map(|(weight, note)| Demand { weight, open: open(note) }).collect()
}

/// Weight of each note among its line, 0–1: long and loud notes are strong.
pub fn note_weights(notes: &[Note]) -> Vec<f64> {
    let raw: Vec<f64> = notes
        .iter()
        .map(|note| note.duration_seconds.max(0.02).ln() + 0.3 * f64::from(note.velocity) / 127.0)
        .collect();
    let low = raw.iter().copied().fold(f64::INFINITY, f64::min);
    let high = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if high - low < 0.05 {
        // All alike: nothing in the sound decides, so take the alternation of a song in twos.
        return (0..notes.len()).map(|i| if i % 2 == 0 { 0.6 } else { 0.4 }).collect();
    }
    raw.iter().map(|w| (w - low) / (high - low)).collect()
}

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
}
