//! Notes that are longer than a breath. A drone is held by a machine or hummed with breaths that no dip in loudness tells;
//! a singer gives it breaths and, as on a reciting tone, syllables.

use crate::melody::{Melody, Note, Phrase};

/// The longest note that a singer holds.
const LONGEST_SECONDS: f64 = 10.0;
/// What is sung of a longer one in a breath, about.
const BREATH_SECONDS: f64 = 6.0;
/// Taken from the end of each breath to breathe in.
const INHALE_SECONDS: f64 = 0.35;
/// Syllables of a reciting tone are about two quarters long, within these bounds.
const SYLLABLE_SECONDS: std::ops::RangeInclusive<f64> = 0.8..=1.5;

/// The melody with every note longer than a breath sung in several, a phrase each, and struck again for syllables. Other
/// notes stay as they are, and so does a melody that was corrected: its notes belong one by one to those that were sung.
pub fn with_breaths(melody: Melody) -> Melody {
    let is_long = |note: &Note| note.duration_seconds > LONGEST_SECONDS;
    if melody.uncorrected.is_some() || !melody.notes.iter().any(is_long) {
        return melody;
    }
    let syllable_seconds = (120.0 / melody.tempo_bpm).clamp(*SYLLABLE_SECONDS.start(), *SYLLABLE_SECONDS.end());
    let (mut notes, mut phrases) = (Vec::with_capacity(melody.notes.len()), Vec::new());
    for phrase in &melody.phrases {
        let mut start = notes.len();
        for note in melody.phrase_notes(phrase) {
            if !is_long(note) {
                notes.push(*note);
                continue;
            }
            let breaths = breaths(note);
            for (index, breath) in breaths.iter().enumerate() {
                notes.extend(struck_again(breath, syllable_seconds));
                // The last breath carries what follows in the phrase.
                if index + 1 < breaths.len() {
                    phrases.push(Phrase { start, end: notes.len() });
                    start = notes.len();
                }
            }
        }
        phrases.push(Phrase { start, end: notes.len() });
    }
    Melody { notes, phrases, ..melody }
}

fn breaths(note: &Note) -> Vec<Note> {
    let count = (note.duration_seconds / BREATH_SECONDS).ceil().max(1.0);
    let each = note.duration_seconds / count;
    let breath = |index: usize| {
        let is_last = index + 1 == count as usize;
        let duration_seconds = if is_last { each } else { each - INHALE_SECONDS };
        Note { onset_seconds: note.onset_seconds + index as f64 * each, duration_seconds, ..*note }
    };
    (0..count as usize).map(breath).collect()
}

fn struck_again(breath: &Note, syllable_seconds: f64) -> impl Iterator<Item = Note> {
    let count = (breath.duration_seconds / syllable_seconds).round().max(1.0);
    let each = breath.duration_seconds / count;
    let breath = *breath;
    (0..count as usize).map(move |index| Note {
        onset_seconds: breath.onset_seconds + index as f64 * each,
        duration_seconds: each,
        ..breath
    })
}
