//! Pitches for a tune, by dynamic programming over pairs of neighbours: close to the contour of its motifs, on the chords where it
//! counts, by steps with some leaps that are answered.

use crate::dice::Dice;

/// How a pitch class goes with the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    Chord,
    Scale,
    /// In the scale, and a semitone above a note of the chord.
    Rub,
    No,
}

/// A note that wants a pitch.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub classes: [Fit; 12],
    pub is_strong: bool,
    pub is_long: bool,
    /// It ends a phrase.
    pub is_close: bool,
    /// It may lean although it is strong.
    pub lean: bool,
    /// Semitones above the middle of the range.
    pub target: f64,
    pub motif: (u8, u8),
    /// What a semitone off the contour costs.
    pub pull: f64,
    /// What a strong note costs that is of the scale and not of the chord.
    pub strictness: f64,
}

/// How much chance has a say, in the unit of costs.
const WHIM: f64 = 0.7;
const IMPOSSIBLE: f64 = 1e9;

/// A pitch for each spot, within a range of MIDI keys (both inclusive).
pub fn fit(spots: &[Spot], (low, high): (u8, u8), leap_share: f64, dice: &mut Dice) -> Vec<u8> {
    let pitches: Vec<u8> = (low..=high.max(low)).collect();
    let count = pitches.len();
    let whims: Vec<f64> = (0..64 * count).map(|_| WHIM * dice.share()).collect();
    let own: Vec<Vec<f64>> = spots
        .iter()
        .map(|spot| {
            let row = (usize::from(spot.motif.0) * 7 + usize::from(spot.motif.1)) % 64;
            pitches
                .iter()
                .enumerate()
                .map(|(at, &pitch)| alone(spot, pitch, low, high) + whims[row * count + at])
                .collect()
        })
        .collect();
    let Some(first) = own.first() else { return Vec::new() };
    if spots.len() == 1 {
        return vec![pitches[least(first)]];
    }
    // State: the pitches of this note and the one before.
    let at = |before: usize, now: usize| before * count + now;
    let mut cost = vec![IMPOSSIBLE; count * count];
    for before in 0..count {
        for now in 0..count {
            cost[at(before, now)] =
                first[before] + own[1][now] + between(pitches[before], pitches[now], &spots[0], leap_share);
        }
    }
    let mut came: Vec<Vec<u16>> = Vec::with_capacity(spots.len());
    for index in 2..spots.len() {
        let mut next = vec![IMPOSSIBLE; count * count];
        let mut from = vec![0u16; count * count];
        for now in 0..count {
            if own[index][now] >= IMPOSSIBLE {
                continue;
            }
            for middle in 0..count {
                let step = between(pitches[middle], pitches[now], &spots[index - 1], leap_share) + own[index][now];
                let mut best = (f64::MAX, 0);
                for before in 0..count {
                    let total = cost[at(before, middle)] + over(pitches[before], pitches[middle], pitches[now]);
                    if total < best.0 {
                        best = (total, before);
                    }
                }
                next[at(middle, now)] = best.0 + step;
                from[at(middle, now)] = best.1 as u16;
            }
        }
        cost = next;
        came.push(from);
    }
    let state = least(&cost);
    let (mut before, mut now) = (state / count, state % count);
    let mut path = vec![now, before];
    for from in came.iter().rev() {
        let earlier = usize::from(from[at(before, now)]);
        (now, before) = (before, earlier);
        path.push(earlier);
    }
    path.iter().rev().map(|index| pitches[*index]).collect()
}

fn least(costs: &[f64]) -> usize {
    (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0)
}

/// What a pitch costs by itself.
fn alone(spot: &Spot, pitch: u8, low: u8, high: u8) -> f64 {
    let middle = (f64::from(low) + f64::from(high)) / 2.0 - 0.5;
    let off = (f64::from(pitch) - middle - spot.target).abs();
    let edge = pitch.abs_diff(low).min(pitch.abs_diff(high));
    let at_edge = match edge {
        0 => 1.6,
        1 => 0.8,
        2 => 0.3,
        _ => 0.0,
    };
    let fits = match (spot.classes[usize::from(pitch % 12)], spot.is_close, spot.is_strong && !spot.lean) {
        (Fit::No, ..) => IMPOSSIBLE,
        (Fit::Chord, ..) => 0.0,
        (Fit::Scale | Fit::Rub, true, _) => 6.0,
        (Fit::Scale, _, true) => spot.strictness,
        (Fit::Rub, _, true) => 3.5,
        (Fit::Scale, ..) => 0.3,
        (Fit::Rub, ..) => {
            if spot.is_long {
                2.5
            } else {
                0.8
            }
        }
    };
    spot.pull * off + at_edge + fits
}

/// What it costs that one pitch follows another.
fn between(before: u8, now: u8, spot: &Spot, leap_share: f64) -> f64 {
    let leap = 1.0 - 1.5 * leap_share;
    let interval = match before.abs_diff(now) {
        0 => 1.3,
        1 | 2 => 0.0,
        3 | 4 => 0.35 * leap,
        5 | 7 => 0.9 * leap,
        6 => 2.6,
        8 | 9 => 1.7 * leap,
        12 => 2.2 * leap,
        10 | 11 => 4.5,
        _ => 9.0,
    };
    // What is foreign to the chord resolves by a step.
    let is_foreign = spot.classes[usize::from(before % 12)] != Fit::Chord;
    let resolves = if is_foreign && before.abs_diff(now) > 2 { if spot.is_strong { 3.0 } else { 1.2 } } else { 0.0 };
    interval + resolves
}

/// What three pitches in a row cost: a leap that is not answered, a note that will not go away.
fn over(first: u8, second: u8, third: u8) -> f64 {
    let (one, two) = (i32::from(second) - i32::from(first), i32::from(third) - i32::from(second));
    let repeats = if one == 0 && two == 0 { 4.0 } else { 0.0 };
    let unanswered = if one.abs() >= 5 {
        match two * one.signum() {
            5.. => 3.0,
            1.. => 0.8,
            _ => 0.0,
        }
    } else {
        0.0
    };
    let to_and_fro = if first == third && one != 0 { 0.25 } else { 0.0 };
    repeats + unanswered + to_and_fro
}
