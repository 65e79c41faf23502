//! Tails of a room told from notes. In a room the last note goes on after the singer stopped, fades in and out where
//! echoes meet, and reads as further notes of its pitch. A note is sung when something begins; a tail only dies away.

use super::{loudness::Loudness, segment::Span};

/// A tail is of a pitch heard within so many frames before it ends.
const MEMORY_FRAMES: usize = 150;
const SAME_SEMITONES: f32 = 0.7;
/// It never comes back nearer than this to the level of the note that it is left of.
const LEAST_FALL_DB: f32 = 5.0;
/// It dies away at least as fast as in a room of 2.5 s.
const LEAST_DECAY_DB_PER_FRAME: f32 = 0.24;
/// Where two echoes meet, the level falls and comes back by less than this; behind silence it is a new note.
const DEEPEST_FADE_DB: f32 = 20.0;
/// What stays this far below its source is a tail also where echoes make it swell.
const FAINT_DB: f32 = 18.0;
/// A note begins with a rise of at least this much where neither its pitch nor silence shows it.
const LEAST_ATTACK_DB: f32 = 6.0;
/// The attack comes within so many frames.
const ATTACK_FRAMES: usize = 30;
/// Shorter than this behind the attack is the end of a tail and the beginning of the next note.
const LEAST_FRAMES: usize = 8;
/// How far before a note's start that is looked at.
const FADE_FRAMES: usize = 10;

/// The spans that somebody sang.
pub(super) fn without_tails(spans: Vec<Span>, loudness: &Loudness) -> Vec<Span> {
    let mut sung: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let db = loudness.levels_db();
        if is_tail(&span, &sung, db) {
            continue;
        }
        sung.extend(begun_at_the_attack(span, sung.last(), db));
    }
    sung
}

fn is_tail(span: &Span, sung: &[Span], db: &[f32]) -> bool {
    let mut near = sung.iter().rev().take_while(|before| span.start.saturating_sub(before.end) < MEMORY_FRAMES);
    let Some(source) = near.find(|before| (before.midi - span.midi).abs() < SAME_SEMITONES) else {
        return false;
    };
    let (own, its) = (&db[span.start..span.end.min(db.len())], &db[source.start..source.end.min(db.len())]);
    let highest = |levels: &[f32]| levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let lowest_before =
        db[span.start.saturating_sub(FADE_FRAMES)..span.start].iter().copied().fold(f32::INFINITY, f32::min);
    let (fall, back) = (highest(its) - highest(own), highest(own) - lowest_before);
    if fall < LEAST_FALL_DB {
        return false;
    }
    let dies_away = slope(own) <= -LEAST_DECAY_DB_PER_FRAME && back < DEEPEST_FADE_DB;
    let is_faint = fall >= FAINT_DB && back < DEEPEST_FADE_DB;
    back < LEAST_ATTACK_DB || dies_away || is_faint
}

/// Moves the start of notes that follow one of their own pitch to where the sound comes back: until then a tail fills
/// the gap. What then is too short for a note ends with it.
fn begun_at_the_attack(span: Span, before: Option<&Span>, db: &[f32]) -> Option<Span> {
    let same = before.is_some_and(|before| {
        (before.midi - span.midi).abs() < SAME_SEMITONES && span.start.saturating_sub(before.end) < ATTACK_FRAMES
    });
    let levels = &db[span.start..(span.start + ATTACK_FRAMES).min(span.end).min(db.len())];
    if !same || levels.len() < 2 {
        return Some(span);
    }
    let top = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let lowest = levels.iter().copied().fold(f32::INFINITY, f32::min);
    if top - lowest < LEAST_ATTACK_DB {
        return Some(span);
    }
    let half = 0.5 * (top + lowest);
    // Low from the start on, then high: anything else is no gap.
    let Some(attack) = levels.iter().position(|level| *level > half).filter(|attack| *attack > 0) else {
        return Some(span);
    };
    let start = span.start + attack;
    (span.end - start >= LEAST_FRAMES).then_some(Span { start, ..span })
}

/// Of the line through the levels, in dB per frame.
fn slope(levels: &[f32]) -> f32 {
    let middle = (levels.len() as f32 - 1.0) / 2.0;
    let mean = levels.iter().sum::<f32>() / levels.len().max(1) as f32;
    let (mut product, mut square) = (0.0, 0.0);
    for (index, level) in levels.iter().enumerate() {
        let away = index as f32 - middle;
        product += away * (level - mean);
        square += away * away;
    }
    if square > 0.0 { product / square } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(midi: f32, level: impl Fn(usize) -> f32) -> usize {
        let db: Vec<f32> = (0..100).map(|at| if at < 50 { -20.0 } else { level(at - 50) }).collect();
        let spans = vec![Span { start: 0, end: 50, midi: 60.0 }, Span { start: 58, end: 90, midi }];
        without_tails(spans, &Loudness::of_levels(db)).len()
    }

    #[test]
    fn what_only_dies_away_is_no_note() {
        let fading = |at: usize| -24.0 - 0.6 * at as f32 - if at == 6 { 12.0 } else { 0.0 };
        assert_eq!(kept(60.1, fading), 1);
        // Another pitch was sung, however quietly.
        assert_eq!(kept(64.0, fading), 2);
        // It is held.
        assert_eq!(kept(60.1, |at| if at < 7 { -40.0 } else { -30.0 }), 2);
        // It begins out of silence.
        assert_eq!(kept(60.1, |at| if at < 8 { -70.0 } else { -26.0 - 0.4 * at as f32 }), 2);
        // It is as loud as the one before.
        assert_eq!(kept(60.1, |at| if at < 8 { -30.0 } else { -18.0 - 0.3 * at as f32 }), 2);
    }
}
