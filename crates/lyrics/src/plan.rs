//! Which notes each written line is sung to.

use std::ops::Range;

use music::{Melody, Note};

/// Lines longer than this are cut in two or more.
const MOST_NOTES: usize = 10;
/// What a cut line should come near to.
const COMFORTABLE_NOTES: usize = 8;

/// One line to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePlan {
    pub phrase: usize,
    /// Into the notes of the melody.
    pub notes: Range<usize>,
    /// Notes at the end that hold the last vowel and take no syllable of their own.
    pub held: usize,
}

impl LinePlan {
    /// The notes that take a syllable each.
    pub fn sung_notes(&self) -> Range<usize> {
        self.notes.start..self.notes.end - self.held
    }

    pub fn syllables(&self) -> usize {
        self.sung_notes().len()
    }
}

/// Notes at the end of a line that are too quick for words: an ornament or a fall off the last long note. Each begins
/// where the one before ends, is no longer than 0.18 s and than half the long note before them, and is a step or small
/// leap away. At most three, and only in lines that keep three syllables.
fn gliding(notes: &[Note]) -> usize {
    const MOST: usize = 3;
    const LONGEST_SECONDS: f64 = 0.18;
    const GAP_SECONDS: f64 = 0.04;
    const LEAP_SEMITONES: f64 = 4.5;
    let glides = |i: usize| {
        let (before, note) = (&notes[i - 1], &notes[i]);
        note.duration_seconds <= LONGEST_SECONDS
            && note.onset_seconds - before.end_seconds() <= GAP_SECONDS
            && (note.sung_midi() - before.sung_midi()).abs() <= LEAP_SEMITONES
    };
    let held = (1..notes.len()).rev().take_while(|&i| glides(i)).count();
    if held == 0 || held > MOST || notes.len() < held + 3 {
        return 0;
    }
    let (head, tail) = notes.split_at(notes.len() - held);
    let longest = tail.iter().map(|n| n.duration_seconds).fold(0.0, f64::max);
    if head[head.len() - 1].duration_seconds >= 2.0 * longest { held } else { 0 }
}

/// One line for each phrase, several for a phrase too long for one line, two when the melody is one single phrase:
/// a song has more than one line.
pub fn lines(melody: &Melody) -> Vec<LinePlan> {
    let filled = melody.phrases.iter().filter(|p| p.note_count() > 0).count();
    let mut plans = Vec::new();
    for (phrase, span) in melody.phrases.iter().enumerate() {
        let n = span.note_count();
        let parts = match n {
            0 => 0,
            _ if n > MOST_NOTES => n.div_ceil(COMFORTABLE_NOTES),
            2.. if filled == 1 => 2,
            _ => 1,
        };
        let mut start = span.start;
        for part in 1..=parts {
            let end = if part == parts {
                span.end
            } else {
                cut_near(&melody.notes, span.start + part * n / parts, start, span.end)
            };
            let held = gliding(&melody.notes[start..end]);
            plans.push(LinePlan { phrase, notes: start..end, held });
            start = end;
        }
    }
    plans
}

/// The best place to breathe within two notes of `wanted`: after a long note or before a gap.
fn cut_near(notes: &[Note], wanted: usize, start: usize, end: usize) -> usize {
    let low = wanted.saturating_sub(2).max(start + 1);
    let high = (wanted + 2).min(end - 1);
    let pause = |i: usize| notes[i].onset_seconds - notes[i - 1].onset_seconds - 0.02 * i.abs_diff(wanted) as f64;
    (low..=high.max(low)).max_by(|a, b| pause(*a).total_cmp(&pause(*b))).unwrap_or(wanted)
}
