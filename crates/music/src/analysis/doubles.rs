//! Parts that play what another part plays: in unison, in octaves, or later as an echo.

use super::{Double, material::Voice};

/// Share of its notes that the other part must have.
const LEAST_SHARE: f64 = 0.7;
/// Fewer notes are alike by chance.
const LEAST_NOTES: usize = 8;
/// Onsets of the same note in both parts are no further apart.
const TOLERANCE_QUARTERS: f64 = 0.09;
/// Delays at which echoes are looked for, in quarters.
const LAGS: [f64; 9] = [0.0, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 0.125];
/// Of two parts the one that is this much louder speaks, as a logarithm of velocities (15 %).
const LOUDER: f64 = 0.14;
/// Else, of two that are this many semitones apart, the higher one.
const OCTAVE_APART: f64 = 6.0;

/// What a comparison needs of a part.
struct Outline {
    /// Onsets by pitch class.
    classes: [Vec<f64>; 12],
    count: usize,
    mean_pitch: f64,
    mean_velocity: f64,
}

impl Outline {
    fn of(voice: &Voice<'_>) -> Self {
        let mut classes: [Vec<f64>; 12] = Default::default();
        let (mut pitches, mut velocities) = (0.0, 0.0);
        for sound in &voice.sounds {
            // An octave inside a part is one note.
            let onsets = &mut classes[sound.class()];
            if onsets.last().is_none_or(|last| sound.onset - last > TOLERANCE_QUARTERS / 2.0) {
                onsets.push(sound.onset);
            }
            pitches += f64::from(sound.pitch);
            velocities += f64::from(sound.velocity);
        }
        let notes = voice.sounds.len().max(1) as f64;
        let count = classes.iter().map(Vec::len).sum();
        Self { classes, count, mean_pitch: pitches / notes, mean_velocity: velocities / notes }
    }

    /// How many notes could be common at any lag.
    fn most_common(&self, other: &Self) -> usize {
        self.classes.iter().zip(&other.classes).map(|(a, b)| a.len().min(b.len())).sum()
    }

    /// How many notes of this come again in the other, `lag` later.
    fn common(&self, other: &Self, lag: f64) -> usize {
        let mut count = 0;
        for (ours, theirs) in self.classes.iter().zip(&other.classes) {
            let mut next = 0;
            for onset in ours {
                while theirs.get(next).is_some_and(|other| *other < onset + lag - TOLERANCE_QUARTERS) {
                    next += 1;
                }
                if theirs.get(next).is_some_and(|other| *other <= onset + lag + TOLERANCE_QUARTERS) {
                    count += 1;
                    next += 1;
                }
            }
        }
        count
    }
}

/// For each part, which other it doubles; the other is none itself. `may_double(double, of)` has a veto: what gives the
/// ground is not silenced by what it is heard with.
pub(super) fn find(voices: &[Voice<'_>], may_double: impl Fn(usize, usize) -> bool) -> Vec<Option<Double>> {
    let mut doubles: Vec<Option<Double>> = vec![None; voices.len()];
    let candidates: Vec<usize> = (0..voices.len()).filter(|&index| voices[index].is_pitched()).collect();
    let outlines: Vec<Option<Outline>> =
        voices.iter().map(|voice| voice.is_pitched().then(|| Outline::of(voice))).collect();
    for (position, &later) in candidates.iter().enumerate() {
        for &earlier in &candidates[..position] {
            if doubles[earlier].is_some() {
                continue;
            }
            let (Some(a), Some(b)) = (&outlines[earlier], &outlines[later]) else { continue };
            let Some((lag, share)) = likeness(a, b) else { continue };
            // `lag` above 0: the later one in the list is the echo.
            let later_is_double = if lag != 0.0 {
                lag > 0.0
            } else if (a.mean_velocity / b.mean_velocity.max(1.0)).ln().abs() > LOUDER {
                a.mean_velocity > b.mean_velocity
            } else {
                (a.mean_pitch - b.mean_pitch).abs() <= OCTAVE_APART || a.mean_pitch > b.mean_pitch
            };
            let pair = [(later, earlier, lag), (earlier, later, 0.0 - lag)];
            let (first, second) = if later_is_double { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
            let allowed = [first, second].into_iter().find(|&(double, of, _)| may_double(double, of));
            let Some((double, of, lag)) = allowed else { continue };
            doubles[double] = Some(Double { of, lag_quarters: lag, share });
            for other in doubles.iter_mut().flatten().filter(|other| other.of == double) {
                *other = Double { of, lag_quarters: other.lag_quarters + lag, share: other.share.min(share) };
            }
            if double == later {
                break;
            }
        }
    }
    doubles
}

/// Delay of `b` behind `a` and the share of notes that both have, if they are one thing.
fn likeness(a: &Outline, b: &Outline) -> Option<(f64, f64)> {
    let (fewer, more) = (a.count.min(b.count), a.count.max(b.count));
    let needed = LEAST_SHARE * fewer as f64;
    if fewer < LEAST_NOTES || 2 * fewer < more || (a.most_common(b) as f64) < needed {
        return None;
    }
    let mut best: Option<(f64, usize)> = None;
    for lag in LAGS {
        let signs: &[f64] = if lag == 0.0 { &[1.0] } else { &[1.0, -1.0] };
        for sign in signs {
            let common = a.common(b, sign * lag);
            if common as f64 >= needed && best.is_none_or(|(_, most)| common > most) {
                best = Some((sign * lag, common));
            }
        }
        // Together is together, even if a repeated figure fits later as well.
        if lag == 0.0 && best.is_some() {
            break;
        }
    }
    best.map(|(lag, common)| (lag, common as f64 / fewer as f64))
}
