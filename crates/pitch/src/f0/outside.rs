//! What sounds outside of a tracker's range. A period that is too short or too long for a tracker reads as one of its
//! multiples or parts, so the tracker itself cannot know.

use std::ops::RangeInclusive;

use music::{OutOfRange, PitchTrack};
use realfft::RealFftPlanner;

use super::{
    front::{self, FFT_LEN, FRAME_LEN, RATE_HZ},
    tone::Tone,
};

/// Every so many frames of 10 ms one is looked at for high tones.
const STRIDE: usize = 2;
/// Log odds from which a tone is believed.
const SURE: f32 = 2.0;
/// A pitch this much outside the range is outside.
const TOLERANCE: f64 = 1.01;
/// Frames quieter than this against the loud ones are not heard, in dB.
const FAINT_DB: f64 = 30.0;
/// And none below this level.
const SILENCE_DB: f64 = -60.0;

/// Takes the voice from frames of `track` in which a tone above `range_hz` sounds, and says how long that and pitches
/// below it last.
pub(super) fn silence_outside(
    samples: &[f32],
    sample_rate_hz: u32,
    range_hz: &RangeInclusive<f64>,
    track: &mut PitchTrack,
) -> OutOfRange {
    let tones = tones(samples, sample_rate_hz);
    silence(&tones, STRIDE, samples, sample_rate_hz, range_hz, track)
}

/// The same where a tracker has heard the tones itself, each with the level in dB, one for every `stride` hops.
pub(super) fn silence(
    tones: &[(Option<Tone>, f64)],
    stride: usize,
    samples: &[f32],
    sample_rate_hz: u32,
    range_hz: &RangeInclusive<f64>,
    track: &mut PitchTrack,
) -> OutOfRange {
    let limit_hz = *range_hz.end() * TOLERANCE;
    let is_above = |tone: &Tone| tone.log_odds >= SURE && f64::from(tone.hz) > limit_hz;
    let looks: Vec<(bool, f64)> =
        tones.iter().map(|(tone, level)| (tone.as_ref().is_some_and(is_above), *level)).collect();
    let above = audible(&looks);
    let per_look = stride as f64 * front::HOP as f64 / f64::from(RATE_HZ);
    for look in (0..above.len()).filter(|&look| above[look]) {
        let at = |look: f64| (look * per_look / track.hop_seconds).round().max(0.0) as usize;
        let until = at(look as f64 + 1.0).min(track.frames.len());
        for frame in &mut track.frames[at(look as f64 - 1.0).min(until)..until] {
            frame.voiced = false;
            frame.confidence = frame.confidence.min(0.49);
        }
    }
    OutOfRange {
        above_seconds: above.iter().filter(|above| **above).count() as f64 * per_look,
        below_seconds: low::seconds_below(samples, sample_rate_hz, *range_hz.start() / TOLERANCE),
        lowest_hz: *range_hz.start(),
        highest_hz: *range_hz.end(),
    }
}

/// The tone, if there is one, and the level of every other frame.
fn tones(samples: &[f32], sample_rate_hz: u32) -> Vec<(Option<Tone>, f64)> {
    let forward = RealFftPlanner::<f32>::new().plan_fft_forward(FFT_LEN);
    let (mut input, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let taper: Vec<f32> = (0..FRAME_LEN)
        .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / FRAME_LEN as f32).cos())
        .collect();
    let mut looks = Vec::new();
    front::for_each_frame(samples, sample_rate_hz, FRAME_LEN, |index, frame| {
        if index % STRIDE != 0 {
            return;
        }
        input.fill(0.0);
        let mut power = 0.0f32;
        for ((out, x), weight) in input.iter_mut().zip(frame).zip(&taper) {
            *out = x * weight;
            power += *out * *out;
        }
        let done = forward.process(&mut input, &mut spectrum);
        debug_assert!(done.is_ok());
        looks.push((Tone::of(&spectrum), decibels(f64::from(power) / FRAME_LEN as f64)));
    });
    looks
}

pub(super) fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}

/// Which of the moments, each with its level, are loud enough to be meant.
fn audible(looks: &[(bool, f64)]) -> Vec<bool> {
    let mut levels: Vec<f64> = looks.iter().map(|look| look.1).collect();
    levels.sort_by(f64::total_cmp);
    let loud = levels.get(levels.len() * 19 / 20).copied().unwrap_or(SILENCE_DB);
    looks.iter().map(|&(outside, level)| outside && level > (loud - FAINT_DB).max(SILENCE_DB)).collect()
}

/// Pitches below every tracker's range, by YIN's difference function on the recording at about 1 kHz.
mod low {
    use super::{audible, decibels};

    const RATE_HZ: f64 = 1_000.0;
    const FRAME_LEN: usize = 256;
    const HOP: usize = 100;
    /// 20 Hz: below is no pitch but wind and handling.
    const LONGEST_LAG: usize = 50;
    /// A difference this small is a period, and no shorter lag may come near it.
    const PERIOD: f32 = 0.1;
    const NOT_YET: f32 = 0.3;
    /// The mains is no voice.
    const MAINS_HZ: f64 = 50.0;
    const MAINS_TOLERANCE_HZ: f64 = 1.0;
    /// Least share of the power that must lie down there with the first harmonics.
    const LEAST_SHARE: f64 = 0.25;

    pub(super) fn seconds_below(samples: &[f32], sample_rate_hz: u32, limit_hz: f64) -> f64 {
        let step = (f64::from(sample_rate_hz) / RATE_HZ).round().max(1.0) as usize;
        let rate = f64::from(sample_rate_hz) / step as f64;
        let (slow, powers) = slowed(samples, step);
        let shortest = (rate / limit_hz).ceil() as usize;
        let looks: Vec<(bool, f64)> = (0..slow.len().saturating_sub(FRAME_LEN) / HOP
            + usize::from(slow.len() >= FRAME_LEN))
            .map(|index| {
                let at = index * HOP..index * HOP + FRAME_LEN;
                let frame = &slow[at.clone()];
                let power = powers[at].iter().sum::<f64>() / FRAME_LEN as f64;
                let low = frame.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / FRAME_LEN as f64;
                let is_low = low > LEAST_SHARE * power && has_long_period(frame, shortest, rate);
                (is_low, decibels(power))
            })
            .collect();
        audible(&looks).iter().filter(|low| **low).count() as f64 * HOP as f64 / rate
    }

    /// Every `step`th sample through a triangle twice as wide, and the mean power of each step.
    fn slowed(samples: &[f32], step: usize) -> (Vec<f32>, Vec<f64>) {
        let finite = |x: f32| if x.is_finite() { x.clamp(-1e3, 1e3) } else { 0.0 };
        let weights: Vec<f32> = (0..2 * step)
            .map(|i| (i as f32 + 0.5).min((2 * step) as f32 - i as f32 - 0.5) / (step * step) as f32)
            .collect();
        let windows = samples.windows(2 * step).step_by(step);
        windows
            .map(|window| {
                let slow = window.iter().zip(&weights).map(|(x, weight)| finite(*x) * weight).sum::<f32>();
                let power = window[..step].iter().map(|x| f64::from(finite(*x)).powi(2)).sum::<f64>() / step as f64;
                (slow, power)
            })
            .unzip()
    }

    fn has_long_period(frame: &[f32], shortest: usize, rate: f64) -> bool {
        let mean = frame.iter().sum::<f32>() / frame.len() as f32;
        let compared = frame.len() - LONGEST_LAG;
        let mut sum = 0.0;
        let mut normalised = vec![1.0f32];
        for lag in 1..=LONGEST_LAG {
            let pairs = frame[..compared].iter().zip(&frame[lag..]);
            let difference: f32 = pairs.map(|(a, b)| (a - mean - (b - mean)).powi(2)).sum();
            sum += difference;
            normalised.push(if sum > 0.0 { difference * lag as f32 / sum } else { 1.0 });
        }
        // Very short lags are small by themselves: start behind the first hill.
        let hill = normalised.iter().position(|d| *d > 1.0).unwrap_or(normalised.len());
        let first = (hill.max(2)..normalised.len()).find(|&lag| normalised[lag] < NOT_YET);
        let Some(first) = first.filter(|first| *first + 2 >= shortest) else { return false };
        let end = (first + 6).min(normalised.len() - 1);
        let Some(lag) = (first..end).min_by(|a, b| normalised[*a].total_cmp(&normalised[*b])) else { return false };
        let (before, here, after) = (normalised[lag - 1], normalised[lag], normalised[lag + 1]);
        let curve = before - 2.0 * here + after;
        let shift = if curve > 1e-9 { (0.5 * (before - after) / curve).clamp(-0.5, 0.5) } else { 0.0 };
        let hz = rate / f64::from(lag as f32 + shift);
        here < PERIOD && lag >= shortest && (hz - MAINS_HZ).abs() > MAINS_TOLERANCE_HZ
    }
}
