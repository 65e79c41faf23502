//! Which notes each written line is sung to.

use std::ops::Range;

use music::{Melody, Note};

/// Lines longer than this are cut in two or more.
const MOST_NOTES: usize = 12;
/// What a cut line should come near to.
const COMFORTABLE_NOTES: usize = 8;

/// One line to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePlan {
    pub phrase: usize,
    /// Into the notes of the melody.
    pub notes: Range<usize>,
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
            plans.push(LinePlan { phrase, notes: start..end });
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
