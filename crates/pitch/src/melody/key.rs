//! The key: how long each pitch class was sung, against the profiles that listeners gave ([`music::key_profile`]).

use music::{Key, Mode, Note, Phrase, key_profile};

/// Tunes come home: the last note of a phrase counts more, that of the whole tune most.
const PHRASE_END_WEIGHT: f64 = 1.3;
const TUNE_END_WEIGHT: f64 = 2.0;
/// A note longer than this says no more about the key.
const LONGEST_SECONDS: f64 = 1.5;
/// Lead in correlation over the next key at which the estimate is certain.
const SURE_LEAD: f64 = 0.2;

/// The best of the 24 keys. Its confidence is the lead over the second best, so a tune of three notes that fits several
/// keys is unsure of all of them.
pub(super) fn estimate(notes: &[Note], phrases: &[Phrase]) -> Key {
    let mut classes = [0.0; 12];
    for (index, note) in notes.iter().enumerate() {
        let ends_phrase = phrases.iter().any(|phrase| phrase.end == index + 1);
        let weight = match (index + 1 == notes.len(), ends_phrase) {
            (true, _) => TUNE_END_WEIGHT,
            (false, true) => PHRASE_END_WEIGHT,
            (false, false) => 1.0,
        };
        classes[usize::from(note.pitch.class())] += weight * note.duration_seconds.min(LONGEST_SECONDS);
    }
    let mut keys: Vec<(f64, u8, Mode)> = (0..12)
        .flat_map(|tonic| [(tonic, Mode::Major), (tonic, Mode::Minor)])
        .map(|(tonic, mode)| (key_profile::correlation(&classes, tonic, mode), tonic as u8, mode))
        .collect();
    keys.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (best, tonic, mode) = keys[0];
    let lead = (best - keys[1].0) / SURE_LEAD;
    Key { tonic, mode, confidence: (lead.min(1.0) * best.max(0.0)).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    fn check(pitches: &[u8], expected: &str) -> Key {
        let notes: Vec<Note> = pitches
            .iter()
            .enumerate()
            .map(|(i, &number)| Note {
                onset_seconds: i as f64 * 0.5,
                duration_seconds: 0.45,
                pitch: MidiPitch::new(number),
                cents: 0.0,
                velocity: 90,
            })
            .collect();
        let key = estimate(&notes, &[Phrase { start: 0, end: notes.len() }]);
        assert_eq!(key.to_string(), expected);
        assert!((0.0..=1.0).contains(&key.confidence));
        key
    }

    #[test]
    fn well_known_tunes_have_their_keys() {
        // Ode to Joy in D; Frère Jacques in C; the opening of Greensleeves in A minor.
        let ode = check(&[66, 66, 67, 69, 69, 67, 66, 64, 62, 62, 64, 66, 64, 62, 62], "D major");
        check(&[60, 62, 64, 60, 60, 62, 64, 60, 64, 65, 67, 64, 65, 67, 67, 69, 67, 65, 64, 60, 60, 55, 60], "C major");
        check(&[69, 72, 74, 76, 77, 76, 74, 71, 67, 69, 71, 72, 69, 69, 68, 69, 71, 68, 64, 69], "A minor");
        let vague = check(&[60], "C major");
        assert!(vague.confidence < ode.confidence.max(0.5));
    }
}
