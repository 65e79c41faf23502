//! A look-ahead limiter for true peaks: it sees a peak coming, turns down smoothly before it and up again after it, so
//! that no inter-sample peak passes the ceiling and no wave is bent.

use std::{collections::VecDeque, f32::consts::PI};

/// How far ahead (and behind) a peak pulls the gain down.
const LOOK_AHEAD_SECONDS: f64 = 0.004;
/// Time in which the gain comes back by 63 %.
const RELEASE_SECONDS: f64 = 0.08;
/// Points between two samples at which the wave is looked at, and neighbours that say where it runs. Four-fold is what
/// ITU-R BS.1770-4, annex 2 asks for at 48 kHz.
const PHASES: usize = 4;
const TAPS: usize = 16;

/// Frames that are interpolated at once.
const BLOCK_FRAMES: usize = 4096;

/// Limits interleaved samples in place to a linear `ceiling`, all channels by the same gain.
pub(crate) fn limit(samples: &mut [f32], sample_rate_hz: u32, channels: u16, ceiling: f32) {
    let channels = usize::from(channels.max(1));
    let frames = samples.len() / channels;
    if frames == 0 {
        return;
    }
    let look_ahead = ((LOOK_AHEAD_SECONDS * f64::from(sample_rate_hz)) as usize).max(1);
    let mut gains = needed_gains(samples, channels, ceiling);
    hold_minimum(&mut gains, look_ahead);
    release(&mut gains, sample_rate_hz);
    smooth(&mut gains, look_ahead);
    for (frame, gain) in samples.chunks_exact_mut(channels).zip(&gains) {
        for sample in frame {
            *sample *= gain;
        }
    }
}

/// The gain that each frame needs on its own: 1 where neither it nor the wave around it exceeds the ceiling.
fn needed_gains(samples: &[f32], channels: usize, ceiling: f32) -> Vec<f32> {
    let frames = samples.len() / channels;
    let filters = interpolators();
    let mut peaks = vec![0.0f32; frames];
    // Block by block: five minutes have no second copy in memory.
    let mut padded = vec![0.0f32; BLOCK_FRAMES + TAPS];
    for channel in 0..channels {
        for (block, peaks) in peaks.chunks_mut(BLOCK_FRAMES).enumerate() {
            let first = block * BLOCK_FRAMES;
            for (place, value) in padded.iter_mut().enumerate() {
                let frame = (first + place).checked_sub(TAPS / 2 - 1);
                *value = frame.and_then(|frame| samples.get(frame * channels + channel)).copied().unwrap_or(0.0);
            }
            for (peak, around) in peaks.iter_mut().zip(padded.windows(TAPS)) {
                *peak = peak.max(around[TAPS / 2 - 1].abs());
                for filter in &filters {
                    let between: f32 = filter.iter().zip(around).map(|(weight, sample)| weight * sample).sum();
                    *peak = peak.max(between.abs());
                }
            }
        }
    }
    // The wave between two samples belongs to both of them.
    for i in (1..frames).rev() {
        peaks[i] = peaks[i].max(peaks[i - 1]);
    }
    peaks.into_iter().map(|peak| if peak > ceiling { ceiling / peak } else { 1.0 }).collect()
}

/// Weights of the samples around a point a quarter, a half and three quarters after sample `TAPS / 2 - 1`: a sinc under
/// a Hann window, scaled to pass a constant unchanged.
fn interpolators() -> [[f32; TAPS]; PHASES - 1] {
    std::array::from_fn(|phase| {
        let offset = (phase + 1) as f32 / PHASES as f32;
        let mut filter: [f32; TAPS] = std::array::from_fn(|tap| {
            let distance = tap as f32 - (TAPS / 2 - 1) as f32 - offset;
            let sinc = (PI * distance).sin() / (PI * distance);
            let window = 0.5 + 0.5 * (2.0 * PI * distance / TAPS as f32).cos();
            sinc * window
        });
        let sum: f32 = filter.iter().sum();
        filter.iter_mut().for_each(|weight| *weight /= sum);
        filter
    })
}

/// Each gain becomes the lowest within `reach` frames on both sides.
fn hold_minimum(gains: &mut [f32], reach: usize) {
    // Candidates with rising gains, and where they stood: the first is the window's minimum. What is read lies ahead of
    // what is written.
    let mut candidates: VecDeque<(usize, f32)> = VecDeque::new();
    for right in 0..gains.len() + reach {
        if let Some(&gain) = gains.get(right) {
            while candidates.back().is_some_and(|(_, last)| *last >= gain) {
                candidates.pop_back();
            }
            candidates.push_back((right, gain));
        }
        let Some(centre) = right.checked_sub(reach) else { continue };
        while candidates.front().is_some_and(|(first, _)| first + reach < centre) {
            candidates.pop_front();
        }
        gains[centre] = candidates.front().map_or(1.0, |(_, gain)| *gain);
    }
}

/// Down at once, up slowly.
fn release(gains: &mut [f32], sample_rate_hz: u32) {
    let step = 1.0 - (-1.0 / (RELEASE_SECONDS * f64::from(sample_rate_hz.max(1)))).exp() as f32;
    let mut current = 1.0f32;
    for gain in gains {
        current = (current + (1.0 - current) * step).min(*gain);
        *gain = current;
    }
}

/// Averages over `reach` frames on both sides. Each of the averaged gains already holds for the frame in the middle, so
/// the average does too; what it takes away is the edge that would be heard.
fn smooth(gains: &mut [f32], reach: usize) {
    let (Some(&first), Some(&last)) = (gains.first(), gains.last()) else { return };
    // The gains around the frame in the middle, as they were; beyond the ends lie the first and the last one.
    let ahead = |gains: &[f32], i: usize| gains.get(i).copied().unwrap_or(last);
    let mut around: VecDeque<f32> = std::iter::repeat_n(first, reach).collect();
    around.extend((0..=reach).map(|i| ahead(gains, i)));
    let mut sum: f64 = around.iter().map(|gain| f64::from(*gain)).sum();
    let width = (2 * reach + 1) as f64;
    for i in 0..gains.len() {
        let next = ahead(gains, i + reach + 1);
        gains[i] = (sum / width) as f32;
        sum += f64::from(next) - around.pop_front().map_or(0.0, f64::from);
        around.push_back(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_ceiling_is_left_alone() {
        let tone: Vec<f32> = (0..4410).map(|i| (i as f32 * 0.05).sin() * 0.5).collect();
        let mut limited = tone.clone();
        limit(&mut limited, 44_100, 1, 0.6);
        assert_eq!(tone, limited);
    }

    #[test]
    fn no_sample_passes_the_ceiling_and_the_gain_has_no_steps() {
        let mut burst: Vec<f32> = (0..44_100)
            .map(|i| (i as f32 * 0.05).sin() * if (20_000..20_500).contains(&i) { 3.0 } else { 0.3 })
            .collect();
        let original = burst.clone();
        limit(&mut burst, 44_100, 1, 0.5);
        assert!(burst.iter().all(|sample| sample.abs() <= 0.5001));
        let gains: Vec<f32> =
            original.iter().zip(&burst).filter(|(from, _)| from.abs() > 0.05).map(|(from, to)| to / from).collect();
        let step = gains.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.05, "gain jumps by {step}");
        assert!(gains[10] > 0.999, "far from the burst nothing changes");
    }

    #[test]
    fn peaks_between_samples_are_seen() {
        // A quarter of the sample rate, sampled at 45 degrees: samples at 0.707, the wave at 1.
        let tone: Vec<f32> = (0..1000).map(|i| (PI * (i as f32 / 2.0 + 0.25)).sin()).collect();
        let gains = needed_gains(&tone, 1, 0.9);
        assert!(gains[500] < 0.92, "{}", gains[500]);
    }

    #[test]
    fn the_held_minimum_reaches_both_ways() {
        let mut gains = vec![1.0; 20];
        gains[10] = 0.5;
        hold_minimum(&mut gains, 3);
        let low: Vec<usize> = (0..20).filter(|&i| gains[i] == 0.5).collect();
        assert_eq!(low, (7..=13).collect::<Vec<_>>());
    }

    #[test]
    fn tiny_inputs_do_not_break_it() {
        limit(&mut [], 44_100, 2, 0.5);
        let mut one = [2.0, -2.0];
        limit(&mut one, 44_100, 2, 0.5);
        assert!(one.iter().all(|sample| sample.abs() <= 0.5001));
    }
}
