//! The contour cut into notes: the exact minimum, by dynamic programming, of what a reading of it as notes and rests
//! costs.
//!
//! A note is a level pitch. Each of its frames pays its distance from the level, capped so that a glide or an octave
//! slip of the tracker is worth no note of its own; each note pays a fixed price, less where the loudness dips as it does
//! at a new syllable. A rest is free where nothing is voiced. The idea of a piecewise-constant contour with a price per
//! note is common (e.g. M. Mauch et al., "Computer-aided melody note transcription using the Tony software", TENOR
//! 2015); the costs are our own, chosen on one recording with two human transcriptions.

/// A note as the search found it, in frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub start: usize,
    /// Exclusive.
    pub end: usize,
    /// Median of its voiced frames, as a fractional MIDI number.
    pub midi: f32,
}

/// Costs, in semitones times frames of 10 ms.
struct Costs {
    note: f32,
    /// Taken off the price of a note where the loudness dips fully.
    articulation: f32,
    /// Most that one frame pays for its distance.
    distance_cap: f32,
    unvoiced_in_note: f32,
    voiced_in_rest: f32,
}

const COSTS: Costs =
    Costs { note: 5.0, articulation: 7.0, distance_cap: 0.9, unvoiced_in_note: 0.6, voiced_in_rest: 1.0 };
/// Shortest note: nobody sings more than ten a second.
const LEAST_FRAMES: usize = 10;
/// Levels of pitch that a note may have lie this far apart.
const STEP_SEMITONES: f32 = 0.2;
/// Fewer voiced frames than this make no note.
const LEAST_VOICED_FRAMES: usize = 5;

#[derive(Clone, Copy)]
enum Kind {
    Rest,
    Note,
}

/// Best reading of the frames up to some moment: what came last, and where that began.
#[derive(Clone, Copy)]
struct Last {
    start: usize,
    kind: Kind,
}

/// Cuts a contour (fractional MIDI numbers, `None` where unvoiced) into notes. `articulation` tells, frame by frame, how
/// much the loudness dips, 0 to 1.
pub(super) fn segment(contour: &[Option<f32>], articulation: &[f32]) -> Vec<Span> {
    let Some(levels) = levels(contour) else { return Vec::new() };
    read_back(contour, &search(contour, articulation, &levels).0)
}

/// The cheapest reading, as what came last at each moment, and its cost.
fn search(contour: &[Option<f32>], articulation: &[f32], levels: &[f32]) -> (Vec<Last>, f64) {
    let frames = contour.len();
    // `best[t]` is the least cost of frames 0..t.
    let mut best = vec![0.0f64; frames + 1];
    let mut last = vec![Last { start: 0, kind: Kind::Rest }; frames + 1];
    // For each level: cost and start of the cheapest open note, and the cost of the latest `LEAST_FRAMES` frames at it.
    let mut open = vec![(f64::INFINITY, 0usize); levels.len()];
    let mut recent = vec![0.0f64; levels.len()];

    for t in 1..=frames {
        let frame = contour[t - 1];
        let rest = if frame.is_some() { f64::from(COSTS.voiced_in_rest) } else { 0.0 };
        best[t] = best[t - 1] + rest;
        last[t] = Last { start: t - 1, kind: Kind::Rest };
        let fresh = t.checked_sub(LEAST_FRAMES).map(|start| {
            let dip = articulation.get(start).copied().unwrap_or(0.0);
            (start, best[start] + f64::from(COSTS.note - COSTS.articulation * dip))
        });
        for (index, &level) in levels.iter().enumerate() {
            let cost = f64::from(frame_cost(frame, level));
            recent[index] += cost;
            if t > LEAST_FRAMES {
                recent[index] -= f64::from(frame_cost(contour[t - 1 - LEAST_FRAMES], level));
            }
            open[index].0 += cost;
            if let Some((start, price)) = fresh
                && price + recent[index] < open[index].0
            {
                open[index] = (price + recent[index], start);
            }
            if open[index].0 < best[t] {
                best[t] = open[index].0;
                last[t] = Last { start: open[index].1, kind: Kind::Note };
            }
        }
    }
    (last, best[frames])
}

/// The levels that the contour needs, or `None` when nothing is voiced.
fn levels(contour: &[Option<f32>]) -> Option<Vec<f32>> {
    let voiced = || contour.iter().flatten().copied();
    let lowest = voiced().fold(f32::INFINITY, f32::min);
    let highest = voiced().fold(f32::NEG_INFINITY, f32::max);
    if lowest > highest {
        return None;
    }
    let count = ((highest - lowest) / STEP_SEMITONES).ceil() as usize + 1;
    Some((0..count).map(|step| lowest + step as f32 * STEP_SEMITONES).collect())
}

fn frame_cost(frame: Option<f32>, level: f32) -> f32 {
    frame.map_or(COSTS.unvoiced_in_note, |midi| (midi - level).abs().min(COSTS.distance_cap))
}

fn read_back(contour: &[Option<f32>], last: &[Last]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut t = contour.len();
    while t > 0 {
        let Last { start, kind } = last[t];
        if let Kind::Note = kind {
            spans.extend(trimmed(contour, start, t));
        }
        t = start;
    }
    spans.reverse();
    spans
}

/// A note without unvoiced frames at its ends, or nothing when hardly a frame is left.
fn trimmed(contour: &[Option<f32>], start: usize, end: usize) -> Option<Span> {
    let inside = &contour[start..end];
    let first = inside.iter().position(Option::is_some)?;
    let after = inside.iter().rposition(Option::is_some)? + 1;
    let (start, end) = (start + first, start + after);
    let mut voiced: Vec<f32> = contour[start..end].iter().flatten().copied().collect();
    if voiced.len() < LEAST_VOICED_FRAMES {
        return None;
    }
    let middle = voiced.len() / 2;
    let midi = *voiced.select_nth_unstable_by(middle, f32::total_cmp).1;
    Some(Span { start, end, midi })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contour(parts: &[(Option<f32>, usize)]) -> Vec<Option<f32>> {
        parts.iter().flat_map(|&(pitch, frames)| std::iter::repeat_n(pitch, frames)).collect()
    }

    fn check(parts: &[(Option<f32>, usize)], expected: &[(usize, usize, f32)]) {
        let contour = contour(parts);
        let found = segment(&contour, &vec![0.0; contour.len()]);
        let found: Vec<_> = found.iter().map(|span| (span.start, span.end, span.midi)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn steps_and_rests_are_cut_exactly() {
        check(&[(Some(60.0), 20), (Some(62.0), 20)], &[(0, 20, 60.0), (20, 40, 62.0)]);
        check(&[(None, 9), (Some(60.0), 20), (None, 30), (Some(60.0), 20)], &[(9, 29, 60.0), (59, 79, 60.0)]);
        check(&[(Some(60.0), 30), (Some(61.0), 30)], &[(0, 30, 60.0), (30, 60, 61.0)]);
    }

    #[test]
    fn a_slip_of_the_tracker_is_no_note() {
        check(&[(Some(60.0), 20), (Some(72.0), 3), (Some(60.0), 20)], &[(0, 43, 60.0)]);
        check(&[(Some(60.0), 20), (None, 2), (Some(60.0), 20)], &[(0, 42, 60.0)]);
        check(&[(None, 30), (Some(60.0), 4), (None, 30)], &[]);
    }

    #[test]
    fn nothing_voiced_gives_nothing() {
        check(&[], &[]);
        check(&[(None, 50)], &[]);
    }

    /// What a reading costs, by the definition: rests pay for voiced frames, notes their price and their distances.
    fn cost(contour: &[Option<f32>], articulation: &[f32], reading: &[(usize, usize, Option<f32>)]) -> f64 {
        let sum = |frames: &[Option<f32>], of: &dyn Fn(Option<f32>) -> f32| -> f64 {
            frames.iter().map(|&frame| f64::from(of(frame))).sum()
        };
        reading
            .iter()
            .map(|&(start, end, level)| match level {
                None => sum(&contour[start..end], &|frame| if frame.is_some() { COSTS.voiced_in_rest } else { 0.0 }),
                Some(level) => {
                    f64::from(COSTS.note - COSTS.articulation * articulation[start])
                        + sum(&contour[start..end], &|frame| frame_cost(frame, level))
                }
            })
            .sum()
    }

    /// Least cost of every reading of the frames from `start` on, found by trying them all.
    fn least_cost(contour: &[Option<f32>], articulation: &[f32], start: usize) -> f64 {
        let end = contour.len();
        if start == end {
            return 0.0;
        }
        let rest = cost(contour, articulation, &[(start, start + 1, None)]);
        let mut least = rest + least_cost(contour, articulation, start + 1);
        for until in start + LEAST_FRAMES..=end {
            for level in levels(contour).unwrap_or_default() {
                let note = cost(contour, articulation, &[(start, until, Some(level))]);
                least = least.min(note + least_cost(contour, articulation, until));
            }
        }
        least
    }

    #[test]
    fn the_search_finds_the_least_cost_of_all_readings() {
        let mut seed = 7u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for _ in 0..60 {
            let frames = 20 + random(6) as usize;
            let turn = random(frames as u32) as usize;
            let contour: Vec<Option<f32>> = (0..frames)
                .map(|at| {
                    let level = if at < turn { 60.0 } else { 60.0 + 0.2 * (turn % 4) as f32 };
                    (random(6) > 0).then(|| level + 0.1 * random(4) as f32)
                })
                .collect();
            let articulation: Vec<f32> = (0..frames).map(|_| if random(8) == 0 { 1.0 } else { 0.0 }).collect();
            let (_, found) = search(&contour, &articulation, &levels(&contour).unwrap_or_default());
            let least = least_cost(&contour, &articulation, 0);
            assert!((found - least).abs() < 1e-3, "{found} found, {least} is possible: {contour:?}");
        }
    }

    #[test]
    fn vibrato_is_one_note() {
        let contour: Vec<_> =
            (0..100).map(|i| Some(60.0 + 0.8 * (i as f32 * 0.01 * 5.5 * std::f32::consts::TAU).sin())).collect();
        assert_eq!(segment(&contour, &[0.0; 100]).len(), 1);
    }

    #[test]
    fn a_dip_in_loudness_parts_two_notes_of_one_pitch() {
        let mut articulation = vec![0.0; 80];
        articulation[40] = 1.0;
        let found = segment(&[Some(60.0); 80], &articulation);
        assert_eq!(found.iter().map(|span| (span.start, span.end)).collect::<Vec<_>>(), [(0, 40), (40, 80)]);
    }
}
