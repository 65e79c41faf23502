//! Where vowels begin in a sound, heard and not planned.
//!
//! A vowel opens the mouth: the bands of the lower formants rise together, whatever consonant was before it (D. Hermes,
//! "Vowel-onset detection", JASA 87(2), 1990, on the same ground). Near each expected onset the steepest common rise
//! counts, and of two that are alike the nearer one.

use realfft::RealFftPlanner;
use serde::{Deserialize, Serialize};

/// Bands that vowels fill and hiss does not, in Hz.
const VOWEL_EDGES_HZ: Edges = [200.0, 400.0, 600.0, 850.0, 1150.0, 1500.0, 1900.0, 2400.0, 3000.0, 3800.0];
/// Bands from a bass drum to cymbals.
const ATTACK_EDGES_HZ: Edges = [40.0, 90.0, 180.0, 360.0, 720.0, 1400.0, 2800.0, 5000.0, 8500.0, 14000.0];
const BANDS: usize = 9;
type Edges = [f64; BANDS + 1];
const HOP_SECONDS: f64 = 0.0025;
const WINDOW_SECONDS: f64 = 0.016;
/// Frames before and after a moment that its rise is taken between: 20 ms each.
const SIDE_FRAMES: usize = 8;
/// A place is the steepest if it is steeper than the 10 ms to each side.
const PEAK_FRAMES: usize = 4;
/// Onsets are looked for this far around where they are expected, or half the way to the next one.
const REACH_SECONDS: f64 = 0.12;
/// A weaker rise, in dB as the mean of all bands, is none.
const LEAST_RISE_DB: f64 = 1.0;
/// Levels this far below the loud ones are silence, in dB.
const FLOOR_DB: f64 = 45.0;

/// How far the vowels of a sound begin from where they should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct VowelOnsets {
    /// Onsets expected.
    pub expected: usize,
    /// Of those, how many were heard at all. One that was not counts with the whole reach, 120 ms.
    pub heard: usize,
    /// Median distance in milliseconds, early and late alike.
    pub median_ms: f64,
    /// Nine in ten are nearer than this.
    pub p90_ms: f64,
    /// Share (0–1) within 50 ms.
    pub within_50_ms: f64,
}

/// What begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onset {
    /// Vowels of a voice.
    Vowel,
    /// Strokes of instruments and drums.
    Attack,
}

/// Where something begins in a mono sound near each of some moments, in seconds from that moment, at most `reach_seconds`
/// away or half the way to the next one. `None` where nothing does. The moments are in order.
pub fn onsets_near(
    samples: &[f32],
    sample_rate_hz: u32,
    moments: &[f64],
    reach_seconds: f64,
    what: Onset,
) -> Vec<Option<f64>> {
    if moments.is_empty() {
        return Vec::new();
    }
    let edges = match what {
        Onset::Vowel => &VOWEL_EDGES_HZ,
        Onset::Attack => &ATTACK_EDGES_HZ,
    };
    let rises = rises(&levels(samples, f64::from(sample_rate_hz.max(1)), edges));
    (0..moments.len()).map(|index| nearest_rise(&rises, moments, index, reach_seconds)).collect()
}

/// Finds the vowel onsets of a mono sound and holds them against the expected ones, in seconds, in order. With no
/// expectation all figures are 0.
pub fn vowel_onset_error(samples: &[f32], sample_rate_hz: u32, expected: &[f64]) -> VowelOnsets {
    if expected.is_empty() {
        return VowelOnsets::default();
    }
    let found = onsets_near(samples, sample_rate_hz, expected, REACH_SECONDS, Onset::Vowel);
    let mut errors: Vec<f64> = found.iter().map(|error| 1000.0 * error.map_or(REACH_SECONDS, f64::abs)).collect();
    errors.sort_by(f64::total_cmp);
    let at = |share: f64| errors[((share * (errors.len() - 1) as f64).round() as usize).min(errors.len() - 1)];
    VowelOnsets {
        expected: expected.len(),
        heard: found.iter().flatten().count(),
        median_ms: at(0.5),
        p90_ms: at(0.9),
        within_50_ms: errors.partition_point(|error| *error <= 50.0) as f64 / errors.len() as f64,
    }
}

/// Seconds from the expected onset to the steepest rise near it.
fn nearest_rise(rises: &[f64], expected: &[f64], index: usize, reach: f64) -> Option<f64> {
    let at = expected[index];
    let before = index.checked_sub(1).map_or(f64::INFINITY, |i| 0.5 * (at - expected[i]));
    let after = expected.get(index + 1).map_or(f64::INFINITY, |next| 0.5 * (next - at));
    let frame = |seconds: f64| ((seconds / HOP_SECONDS).round().max(0.0) as usize).min(rises.len());
    let from = frame(at - before.clamp(0.0, reach));
    let to = frame(at + after.clamp(0.0, reach));
    // The foot of a rise whose steepest place lies outside is no onset here.
    let is_peak = |at: &usize| {
        let around = at.saturating_sub(PEAK_FRAMES)..(at + PEAK_FRAMES + 1).min(rises.len());
        rises[around].iter().all(|near| *near <= rises[*at])
    };
    // A burst of the consonant before a vowel may be as steep as the vowel: the nearer one counts for more, up to twice.
    let weighed = |frame: usize| {
        let away = (frame as f64 * HOP_SECONDS - at).abs() / reach.max(HOP_SECONDS);
        rises[frame] * (1.0 - 0.5 * away)
    };
    let steepest = (from..to).filter(is_peak).max_by(|a, b| weighed(*a).total_cmp(&weighed(*b)))?;
    (rises[steepest] >= LEAST_RISE_DB).then_some(steepest as f64 * HOP_SECONDS - at)
}

/// Level of each band in dB above silence, at each hop.
fn levels(samples: &[f32], rate: f64, edges: &Edges) -> Vec<[f64; BANDS]> {
    let length = ((WINDOW_SECONDS * rate) as usize).max(16);
    let forward = RealFftPlanner::<f64>::new().plan_fft_forward(length.next_power_of_two());
    let bin_hz = rate / forward.len() as f64;
    let (mut time, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let frames = (samples.len() as f64 / rate / HOP_SECONDS) as usize + 1;
    let mut powers = Vec::with_capacity(frames);
    for frame in 0..frames {
        let start = (frame as f64 * HOP_SECONDS * rate) as i64 - (length / 2) as i64;
        time.fill(0.0);
        for (place, slot) in time.iter_mut().enumerate().take(length) {
            let sample = usize::try_from(start + place as i64).ok().and_then(|at| samples.get(at)).copied();
            let turn = std::f64::consts::TAU * (place as f64 + 0.5) / length as f64;
            *slot = f64::from(sample.unwrap_or(0.0)) * (0.5 - 0.5 * turn.cos());
        }
        let done = forward.process(&mut time, &mut spectrum);
        debug_assert!(done.is_ok());
        let mut bands = [0.0; BANDS];
        for (bin, value) in spectrum.iter().enumerate() {
            let above = edges.partition_point(|edge| *edge <= bin as f64 * bin_hz);
            if (1..=BANDS).contains(&above) {
                bands[above - 1] += value.norm_sqr();
            }
        }
        powers.push(bands);
    }
    let mut totals: Vec<f64> = powers.iter().map(|bands| bands.iter().sum()).collect();
    totals.sort_by(f64::total_cmp);
    let loud = totals.get(totals.len() * 9 / 10).copied().unwrap_or(0.0).max(1e-12);
    let floor = loud * 10f64.powf(-FLOOR_DB / 10.0);
    powers.into_iter().map(|bands| bands.map(|power| 10.0 * (power / floor + 1.0).log10())).collect()
}

/// How much the bands rise at each frame, in dB: from the 20 ms before it to the 20 ms after it, mean over the bands,
/// falls not counted.
fn rises(levels: &[[f64; BANDS]]) -> Vec<f64> {
    let mean = |from: usize, to: usize, band: usize| {
        let part = &levels[from.min(levels.len())..to.min(levels.len())];
        part.iter().map(|bands| bands[band]).sum::<f64>() / part.len().max(1) as f64
    };
    (0..levels.len())
        .map(|at| {
            let rise = |band| {
                (mean(at, at + SIDE_FRAMES, band) - mean(at.saturating_sub(SIDE_FRAMES), at.max(1), band)).max(0.0)
            };
            (0..BANDS).map(rise).sum::<f64>() / BANDS as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    const RATE: u32 = 16_000;

    /// Syllables of 0.3 s whose vowels begin at `onsets`, each with a murmur or a hiss of 80 ms before it.
    fn syllables(onsets: &[f64]) -> Vec<f32> {
        let mut dice = 7u32;
        let length = ((onsets.last().copied().unwrap_or(0.0) + 0.5) * f64::from(RATE)) as usize;
        (0..length)
            .map(|i| {
                let now = i as f64 / f64::from(RATE);
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = f64::from(dice >> 8) / f64::from(1 << 24) - 0.5;
                let vowel = onsets.iter().any(|t| (*t..*t + 0.22).contains(&now));
                let consonant = onsets.iter().position(|t| (*t - 0.08..*t).contains(&now));
                let voice = |top: u32| (1..=top).map(|k| (TAU * 130.0 * f64::from(k) * now).sin()).sum::<f64>();
                let sound = match (vowel, consonant) {
                    (true, _) => 0.03 * voice(20),
                    (_, Some(index)) if index % 2 == 0 => 0.03 * voice(2),
                    (_, Some(_)) => 0.02 * hiss,
                    _ => 0.0,
                };
                sound as f32
            })
            .collect()
    }

    fn onsets() -> Vec<f64> {
        (0..12).map(|i| 0.5 + 0.35 * f64::from(i)).collect()
    }

    #[test]
    fn a_known_shift_is_what_is_measured() {
        let sound = syllables(&onsets());
        for shift_ms in [0.0, 15.0, -25.0, 40.0, -40.0, 80.0] {
            let expected: Vec<f64> = onsets().iter().map(|t| t - shift_ms / 1000.0).collect();
            let found = vowel_onset_error(&sound, RATE, &expected);
            assert_eq!(found.heard, 12);
            assert!((found.median_ms - f64::abs(shift_ms)).abs() <= 5.0, "{found:?} for a shift of {shift_ms} ms");
            assert_eq!(found.within_50_ms > 0.5, f64::abs(shift_ms) < 50.0);
        }
    }

    #[test]
    fn one_late_vowel_in_ten_is_seen_and_none_is_invented() {
        let mut late = onsets();
        late[4] += 0.07;
        late[9] += 0.07;
        let found = vowel_onset_error(&syllables(&late), RATE, &onsets());
        assert!(found.median_ms <= 5.0 && (found.p90_ms - 70.0).abs() <= 6.0, "{found:?}");
        let silent = vowel_onset_error(&[0.0; 80_000], RATE, &onsets());
        assert_eq!((silent.heard, silent.median_ms, silent.within_50_ms), (0, 120.0, 0.0));
        assert_eq!(vowel_onset_error(&[], RATE, &[]), VowelOnsets::default());
        assert_eq!(vowel_onset_error(&[], RATE, &[1.0]).heard, 0);
    }
}
