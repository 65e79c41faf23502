//! Vibrato taken out of a contour: a swing of the pitch round a steady middle, 4 to 8 times a second, is one note at
//! its middle, however wide it is. Slower turns are notes, and so are turns between two levels that are held.
//!
//! The contour is read as a zigzag between its turns; a run of swings that are alike in time, width and middle is a
//! vibrato (as in E. Prame, "Measurements of the vibrato rate of ten singers", JASA 96(4), 1994, rate and extent are
//! taken from the turns).

use std::ops::RangeInclusive;

/// Frames of 10 ms from one turn to the next: half a period at 9 to 3.8 Hz, with a frame for the turn's place.
const SWING_FRAMES: RangeInclusive<usize> = 5..=14;
/// Semitones from one turn to the next. What is narrower harms no note, what is wider is a yodel.
const SWING_SEMITONES: RangeInclusive<f32> = 0.5..=5.0;
/// A turn is one where the contour comes back by this much.
const TURN_SEMITONES: f32 = 0.25;
/// Swings in a row that make a vibrato: two periods.
const LEAST_SWINGS: usize = 4;
/// Neighbouring swings differ at most by these factors in time and width, and their middles by this share of the narrower one.
const TIME_RATIO: f32 = 1.7;
const WIDTH_RATIO: f32 = 2.2;
const MIDDLE_SHARE: f32 = 0.3;
/// Mean distance from the middle, of half the width: 0.64 for a sine, 1 between two held levels.
const HELD: f32 = 0.79;
/// Turns between held levels are notes only if these are as long as notes.
const LEAST_HELD_FRAMES: f32 = 9.5;
/// Middles further apart than this are those of two notes.
const STEP_SEMITONES: f32 = 0.6;
/// Unvoiced frames that a vibrato bridges: where it is fastest the tracker may lose it.
const BRIDGED_FRAMES: usize = 4;

/// A turn of the contour.
#[derive(Clone, Copy)]
struct Turn {
    at: usize,
    midi: f32,
}

/// The contour with vibrato replaced by its middle.
pub(super) fn steadied(contour: &[Option<f32>]) -> Vec<Option<f32>> {
    let mut steady = contour.to_vec();
    let mut start = 0;
    while let Some(first) = (start..contour.len()).find(|&at| contour[at].is_some()) {
        let run = bridged(contour, first);
        start = first + run.len();
        let turns = turns(&run);
        for chain in chains(&turns) {
            if !is_held(&run, chain) {
                flatten(&run, chain, &mut steady[first..start]);
            }
        }
    }
    steady
}

/// The voiced run that begins at `first`, with straight lines over short gaps.
fn bridged(contour: &[Option<f32>], first: usize) -> Vec<f32> {
    let mut run: Vec<f32> = Vec::new();
    let mut gap = 0;
    for &frame in &contour[first..] {
        match (frame, run.last().copied()) {
            (Some(midi), Some(before)) => {
                run.extend((1..=gap).map(|step| before + (midi - before) * step as f32 / (gap + 1) as f32));
                run.push(midi);
                gap = 0;
            }
            (Some(midi), None) => run.push(midi),
            (None, _) => gap += 1,
        }
        if gap > BRIDGED_FRAMES {
            break;
        }
    }
    run
}

/// Highest and lowest points in turn.
fn turns(run: &[f32]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let Some(&first) = run.first() else { return turns };
    let start = Turn { at: 0, midi: first };
    let (mut highest, mut lowest) = (start, start);
    // Whether the contour is known to rise since the last turn.
    let mut rising: Option<bool> = None;
    for (at, &midi) in run.iter().enumerate() {
        let here = Turn { at, midi };
        if midi > highest.midi {
            highest = here;
        }
        if midi < lowest.midi {
            lowest = here;
        }
        let falls = rising != Some(false) && midi < highest.midi - TURN_SEMITONES;
        let rises = rising != Some(true) && midi > lowest.midi + TURN_SEMITONES;
        if falls {
            turns.push(highest);
            (rising, lowest) = (Some(false), here);
        } else if rises {
            turns.push(lowest);
            (rising, highest) = (Some(true), here);
        }
    }
    match rising {
        Some(true) => turns.push(highest),
        Some(false) => turns.push(lowest),
        None => {}
    }
    turns
}

/// Runs of swings that are alike.
fn chains(turns: &[Turn]) -> Vec<&[Turn]> {
    let swings: Vec<(usize, f32, f32)> = turns
        .windows(2)
        .map(|pair| {
            let width = (pair[1].midi - pair[0].midi).abs();
            (pair[1].at - pair[0].at, width, 0.5 * (pair[0].midi + pair[1].midi))
        })
        .collect();
    let fits =
        |&(frames, width, _): &(usize, f32, f32)| SWING_FRAMES.contains(&frames) && SWING_SEMITONES.contains(&width);
    let alike = |a: &(usize, f32, f32), b: &(usize, f32, f32)| {
        let ratio = |x: f32, y: f32| x.max(y) / x.min(y);
        ratio(a.0 as f32, b.0 as f32) <= TIME_RATIO
            && ratio(a.1, b.1) <= WIDTH_RATIO
            && (a.2 - b.2).abs() <= MIDDLE_SHARE * a.1.min(b.1)
    };
    let mut chains = Vec::new();
    let mut start = 0;
    while start < swings.len() {
        let mut end = start + usize::from(fits(&swings[start]));
        while end > start && end < swings.len() && fits(&swings[end]) && alike(&swings[end - 1], &swings[end]) {
            end += 1;
        }
        if end - start >= LEAST_SWINGS {
            // A first or last swing that leads from or to another note is none of it.
            let leads = |outer: usize, inner: usize| (swings[outer].2 - swings[inner].2).abs() > STEP_SEMITONES;
            let (from, to) = (start + usize::from(leads(start, start + 1)), end - usize::from(leads(end - 1, end - 2)));
            chains.push(&turns[from..=to]);
        }
        start = end.max(start + 1);
    }
    chains
}

/// Whether the chain goes between two levels that are held for as long as notes are.
fn is_held(run: &[f32], chain: &[Turn]) -> bool {
    let (mut sum, mut count) = (0.0, 0.0f32);
    for pair in chain.windows(2) {
        let (middle, half) = (0.5 * (pair[0].midi + pair[1].midi), 0.5 * (pair[0].midi - pair[1].midi).abs());
        for midi in &run[pair[0].at..pair[1].at] {
            sum += ((midi - middle).abs() / half).min(1.0);
            count += 1.0;
        }
    }
    let swings = (chain.len() - 1) as f32;
    sum / count.max(1.0) > HELD && count / swings >= LEAST_HELD_FRAMES
}

/// Replaces the chain, and the quarter periods on both sides of it, by its middle.
fn flatten(run: &[f32], chain: &[Turn], steady: &mut [Option<f32>]) {
    let middles = middles(chain);
    let (Some(&first), Some(&last)) = (middles.first(), middles.last()) else { return };
    let from = reach(run, chain[0], chain[1], first.midi, -1);
    let to = reach(run, chain[chain.len() - 1], chain[chain.len() - 2], last.midi, 1);
    for (at, frame) in steady.iter_mut().enumerate().take(to + 1).skip(from) {
        let after = middles.partition_point(|middle| middle.at < at);
        *frame = Some(match (after.checked_sub(1).map(|before| middles[before]), middles.get(after)) {
            (Some(before), Some(after)) if (before.midi - after.midi).abs() > STEP_SEMITONES => {
                if at - before.at < after.at - at { before.midi } else { after.midi }
            }
            (Some(before), Some(after)) => {
                let share = (at - before.at) as f32 / (after.at - before.at) as f32;
                before.midi + share * (after.midi - before.midi)
            }
            (None, _) => first.midi,
            (Some(_), None) => last.midi,
        });
    }
}

/// What lies between each two turns.
fn middles(chain: &[Turn]) -> Vec<Turn> {
    let mut middles: Vec<Turn> = chain
        .windows(2)
        .map(|pair| Turn { at: (pair[0].at + pair[1].at) / 2, midi: 0.5 * (pair[0].midi + pair[1].midi) })
        .collect();
    // A swing that leads from one note to the next has a middle of neither.
    for index in 1..middles.len().saturating_sub(1) {
        let [before, here, after] = [index - 1, index, index + 1].map(|at| middles[at].midi);
        if (before - after).abs() > STEP_SEMITONES && (here - before) * (after - here) > 0.0 {
            middles[index].midi = if (here - before).abs() < (here - after).abs() { before } else { after };
        }
    }
    middles
}

/// How far the swing goes on beyond its outermost turn: back through the middle, as long as it stays near.
fn reach(run: &[f32], turn: Turn, inner: Turn, middle: f32, step: isize) -> usize {
    // To the next turn, which a glide to another note may have hidden; at the end of a note also half of the way back.
    let swing = turn.at.abs_diff(inner.at);
    let swing = if step > 0 { swing * 8 / 5 } else { swing };
    let width = (turn.midi - inner.midi).abs();
    let mut at = turn.at;
    for _ in 0..swing {
        let Some(next) = at.checked_add_signed(step).filter(|next| *next < run.len()) else { break };
        if (run[next] - middle).abs() > 0.6 * width {
            break;
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swinging(semitones: f32, hz: f32, shape: fn(f32) -> f32) -> Vec<Option<f32>> {
        (0..200).map(|at| Some(60.0 + semitones * shape(at as f32 * 0.01 * hz))).collect()
    }

    fn sine(turns: f32) -> f32 {
        (turns * std::f32::consts::TAU).sin()
    }

    /// Two levels with short glides between them.
    fn held(turns: f32) -> f32 {
        (4.0 * sine(turns)).clamp(-1.0, 1.0)
    }

    fn deviation(contour: &[Option<f32>]) -> f32 {
        contour.iter().flatten().map(|midi| (midi - 60.0).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn vibrato_of_any_width_and_rate_becomes_its_middle() {
        for semitones in [0.5, 1.0, 1.5, 2.0] {
            for hz in [4.0, 5.0, 6.0, 7.0, 8.0] {
                let most = deviation(&steadied(&swinging(semitones, hz, sine)));
                assert!(most < 0.25 * semitones, "{semitones} at {hz} Hz: {most}");
            }
        }
    }

    #[test]
    fn gaps_in_it_are_bridged() {
        let mut contour = swinging(1.5, 6.0, sine);
        for at in (20..180).step_by(17) {
            contour[at..at + 3].fill(None);
        }
        let steady = steadied(&contour);
        assert!(deviation(&steady) < 0.4 && steady.iter().all(Option::is_some));
    }

    #[test]
    fn notes_in_turn_stay_notes() {
        for hz in [1.0, 2.0, 3.0] {
            let contour = swinging(1.0, hz, sine);
            assert_eq!(steadied(&contour), contour, "{hz} Hz");
        }
        // Eight notes a second, each held.
        let contour = swinging(1.0, 4.0, held);
        assert_eq!(steadied(&contour), contour);
        // Faster than anybody sings notes: a shake.
        assert!(deviation(&steadied(&swinging(1.0, 7.0, held))) < 0.3);
        let scale: Vec<_> = (0..200).map(|at| Some(60.0 + (at / 12) as f32)).collect();
        assert_eq!(steadied(&scale), scale);
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert_eq!(steadied(&[]), []);
        assert_eq!(steadied(&[None; 9]), [None; 9]);
        assert_eq!(steadied(&[Some(60.0)]), [Some(60.0)]);
    }
}
