//! Notes into phrases, one line of lyrics each.
//!
//! The best set of cuts by dynamic programming: a cut is worth the rest it falls into (a breath) and the length of the
//! note before it (a cadence); a phrase costs what it is away from a line that can be sung and remembered.

use music::{Note, Phrase};

/// Longest line.
const MOST_NOTES: usize = 12;
/// Lines of these lengths cost nothing.
const EASY_NOTES: std::ops::RangeInclusive<usize> = 4..=10;
/// Shorter rests are consonants.
const LEAST_REST_SECONDS: f64 = 0.08;
/// A rest this long ends a phrase whatever the phrase is like.
const SURE_REST_SECONDS: f64 = 0.9;

/// Covers all notes, in order, each phrase with at most [`MOST_NOTES`].
pub(super) fn find(notes: &[Note]) -> Vec<Phrase> {
    let typical = median(notes.iter().map(|note| note.duration_seconds));
    // `best[end]` is the least cost of notes 0..end, `from[end]` the start of the phrase that ends there.
    let mut best = vec![f64::INFINITY; notes.len() + 1];
    let mut from = vec![0; notes.len() + 1];
    best[0] = 0.0;
    for end in 1..=notes.len() {
        for start in end.saturating_sub(MOST_NOTES)..end {
            let cut = if end < notes.len() { cut_cost(&notes[end - 1], &notes[end], typical) } else { 0.0 };
            let cost = best[start] + length_cost(end - start) + passed_over(&notes[start..end]) + cut;
            if cost < best[end] {
                best[end] = cost;
                from[end] = start;
            }
        }
    }
    let mut phrases = Vec::new();
    let mut end = notes.len();
    while end > 0 {
        phrases.push(Phrase { start: from[end], end });
        end = from[end];
    }
    phrases.reverse();
    phrases
}

fn length_cost(notes: usize) -> f64 {
    match notes {
        1 => 1.6,
        2 => 0.7,
        3 => 0.25,
        n if EASY_NOTES.contains(&n) => 0.0,
        _ => 0.2,
    }
}

/// Every cut costs something; a breath and a long note before it pay for that.
fn cut_cost(before: &Note, after: &Note, typical_seconds: f64) -> f64 {
    let rest = (after.onset_seconds - before.end_seconds() - LEAST_REST_SECONDS).max(0.0);
    let breath = 1.8 * (rest / 0.35).min(1.0);
    // Onset to onset, so that a long note and a short note with a rest count alike.
    let hold = (after.onset_seconds - before.onset_seconds) / typical_seconds.max(0.05);
    let cadence = 0.5 * ((hold - 1.2) / 1.5).clamp(0.0, 1.0);
    0.9 - breath - cadence
}

/// What it costs to sing on over long rests.
fn passed_over(notes: &[Note]) -> f64 {
    notes
        .windows(2)
        .filter(|pair| pair[1].onset_seconds - pair[0].end_seconds() >= SURE_REST_SECONDS)
        .map(|_| 3.0)
        .sum()
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    /// Notes given as (length, rest after it).
    fn notes(parts: &[(f64, f64)]) -> Vec<Note> {
        let mut onset_seconds = 0.0;
        parts
            .iter()
            .map(|&(duration_seconds, rest)| {
                let pitch = MidiPitch::new(60);
                let note = Note { onset_seconds, duration_seconds, pitch, cents: 0.0, velocity: 90 };
                onset_seconds += duration_seconds + rest;
                note
            })
            .collect()
    }

    fn check(parts: &[(f64, f64)], expected: &[usize]) {
        let lengths: Vec<usize> = find(&notes(parts)).iter().map(Phrase::note_count).collect();
        assert_eq!(lengths, expected);
    }

    #[test]
    fn phrases_end_at_breaths() {
        let mut parts = vec![(0.4, 0.02); 12];
        parts[4].1 = 0.5;
        check(&parts, &[5, 7]);
        check(&[(0.4, 0.02); 5], &[5]);
    }

    #[test]
    fn a_long_run_without_a_breath_is_cut_at_its_long_note() {
        let mut parts = vec![(0.3, 0.0); 16];
        parts[7].0 = 0.9;
        check(&parts, &[8, 8]);
    }

    #[test]
    fn a_lone_note_joins_its_neighbours_unless_far_from_them() {
        let mut parts = vec![(0.4, 0.02); 7];
        parts[0].1 = 0.3;
        check(&parts, &[7]);
        parts[0].1 = 3.0;
        check(&parts, &[1, 6]);
        check(&[(1.0, 0.0)], &[1]);
    }

    #[test]
    fn no_phrase_is_too_long_and_none_is_lost() {
        for count in 1..80 {
            let found = find(&notes(&vec![(0.25, 0.0); count]));
            assert!(found.iter().all(|phrase| (1..=MOST_NOTES).contains(&phrase.note_count())));
            assert_eq!(found.iter().map(Phrase::note_count).sum::<usize>(), count);
            assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
