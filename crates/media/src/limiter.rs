//! A look-ahead limiter for true peaks: it sees a peak coming, turns down smoothly before it and up again after it, so
//! that no inter-sample peak passes the ceiling and no wave is bent. It takes a sound block by block and gives it back
//! some milliseconds later; where the blocks end makes no difference.

use std::{collections::VecDeque, f32::consts::PI};

/// How far ahead (and behind) a peak pulls the gain down.
const LOOK_AHEAD_SECONDS: f64 = 0.004;
/// Time in which the gain comes back by 63 %.
const RELEASE_SECONDS: f64 = 0.08;
/// Points between two samples at which the wave is looked at, and neighbours that say where it runs. Four-fold is what
/// ITU-R BS.1770-4, annex 2 asks for at 48 kHz.
const PHASES: usize = 4;
const TAPS: usize = 16;
/// Frames that are looked at in step.
const LANES: usize = 16;

/// Limits all channels by the same gain.
pub(crate) struct Limiter {
    channels: usize,
    peaks: Peaks,
    ceiling: f32,
    minimum: HeldMinimum,
    release: Release,
    average: Average,
    /// Interleaved samples whose gain is not known yet.
    held: Vec<f32>,
}

impl Limiter {
    /// Listens to the first `heard` of all `channels` and limits all of them by the same gain. `ceiling` is linear, 1 for
    /// full scale.
    pub(crate) fn new(sample_rate_hz: u32, channels: usize, heard: u16, ceiling: f32) -> Self {
        let channels = channels.max(1);
        let look_ahead = ((LOOK_AHEAD_SECONDS * f64::from(sample_rate_hz)) as usize).max(1);
        Self {
            channels,
            peaks: Peaks::new(channels, usize::from(heard.max(1)).min(channels)),
            ceiling,
            minimum: HeldMinimum::new(look_ahead),
            release: Release::new(sample_rate_hz),
            average: Average::new(look_ahead),
            held: Vec::new(),
        }
    }

    /// Takes whole frames of interleaved samples and appends to `limited` what is done: never more than was taken.
    pub(crate) fn push(&mut self, samples: &[f32], limited: &mut Vec<f32>) {
        self.held.extend_from_slice(samples);
        let mut gains = Vec::new();
        for peak in self.peaks.push(samples) {
            let needed = self.needed(peak);
            gains.extend(self.minimum.push(needed).and_then(|held| self.average.push(self.release.step(held))));
        }
        self.apply(&gains, limited);
    }

    /// Appends what is left once the last sample was taken.
    pub(crate) fn finish(mut self, limited: &mut Vec<f32>) {
        let mut gains = Vec::new();
        for peak in self.peaks.finish() {
            let needed = self.needed(peak);
            gains.extend(self.minimum.push(needed).and_then(|held| self.average.push(self.release.step(held))));
        }
        for held in self.minimum.finish() {
            gains.extend(self.average.push(self.release.step(held)));
        }
        gains.extend(self.average.finish());
        self.apply(&gains, limited);
    }

    /// The gain that a frame needs on its own: 1 where neither it nor the wave around it exceeds the ceiling.
    fn needed(&self, peak: f32) -> f32 {
        if peak > self.ceiling { self.ceiling / peak } else { 1.0 }
    }

    fn apply(&mut self, gains: &[f32], limited: &mut Vec<f32>) {
        for (frame, gain) in self.held.chunks_exact(self.channels).zip(gains) {
            limited.extend(frame.iter().map(|sample| sample * gain));
        }
        self.held.drain(..gains.len() * self.channels);
    }
}

/// The highest magnitude of each frame and of the wave on both sides of it.
struct Peaks {
    filters: [[f32; TAPS]; PHASES - 1],
    /// Samples from one frame to the next.
    stride: usize,
    /// What the filters still need of each channel; silence lies before the beginning.
    channels: Vec<Vec<f32>>,
    /// Of the frame before.
    last: f32,
}

impl Peaks {
    fn new(stride: usize, channels: usize) -> Self {
        Self { filters: interpolators(), stride, channels: vec![vec![0.0; TAPS / 2 - 1]; channels], last: 0.0 }
    }

    fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.extend(samples.iter().skip(index).step_by(self.stride));
        }
        self.found()
    }

    /// Silence lies behind the end, too.
    fn finish(&mut self) -> Vec<f32> {
        self.channels.iter_mut().for_each(|channel| channel.extend([0.0; TAPS / 2]));
        self.found()
    }

    /// Of all frames whose neighbours are known.
    fn found(&mut self) -> Vec<f32> {
        let frames = self.channels.first().map_or(0, |channel| channel.len().saturating_sub(TAPS - 1));
        let mut peaks = vec![0.0f32; frames];
        for channel in &mut self.channels {
            let whole = frames - frames % LANES;
            for at in (0..whole).step_by(LANES) {
                raise(&mut peaks[at..at + LANES], &channel[at..at + LANES + TAPS - 1], &self.filters);
            }
            if whole < frames {
                // Silence behind the last ones keeps the lanes full.
                let (mut padded, mut lanes) = ([0.0; LANES + TAPS - 1], [0.0; LANES]);
                padded[..channel.len() - whole].copy_from_slice(&channel[whole..]);
                lanes[..frames - whole].copy_from_slice(&peaks[whole..]);
                raise(&mut lanes, &padded, &self.filters);
                peaks[whole..].copy_from_slice(&lanes[..frames - whole]);
            }
            channel.drain(..frames);
        }
        // The wave between two samples belongs to both of them.
        for peak in &mut peaks {
            let before = std::mem::replace(&mut self.last, *peak);
            *peak = peak.max(before);
        }
        peaks
    }
}

/// Raises the peaks of `LANES` frames to what one channel has in and between them: many frames in step, as processors like
/// it, each with its sums in the order of its samples.
fn raise(peaks: &mut [f32], around: &[f32], filters: &[[f32; TAPS]; PHASES - 1]) {
    for (peak, sample) in peaks.iter_mut().zip(&around[TAPS / 2 - 1..]) {
        *peak = peak.max(sample.abs());
    }
    for filter in filters {
        let mut between = [0.0f32; LANES];
        for (tap, weight) in filter.iter().enumerate() {
            for (sum, sample) in between.iter_mut().zip(&around[tap..tap + LANES]) {
                *sum += weight * sample;
            }
        }
        for (peak, between) in peaks.iter_mut().zip(between) {
            *peak = peak.max(between.abs());
        }
    }
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
struct HeldMinimum {
    reach: usize,
    /// Rising gains, and where they stood: the first is the window's minimum.
    candidates: VecDeque<(usize, f32)>,
    seen: usize,
}

impl HeldMinimum {
    fn new(reach: usize) -> Self {
        Self { reach, candidates: VecDeque::new(), seen: 0 }
    }

    /// Takes the next gain, and answers for the one `reach` frames before it.
    fn push(&mut self, gain: f32) -> Option<f32> {
        while self.candidates.back().is_some_and(|(_, last)| *last >= gain) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.seen, gain));
        self.seen += 1;
        (self.seen - 1).checked_sub(self.reach).map(|centre| self.around(centre))
    }

    fn finish(&mut self) -> Vec<f32> {
        (self.seen.saturating_sub(self.reach)..self.seen).map(|centre| self.around(centre)).collect()
    }

    fn around(&mut self, centre: usize) -> f32 {
        while self.candidates.front().is_some_and(|(first, _)| first + self.reach < centre) {
            self.candidates.pop_front();
        }
        self.candidates.front().map_or(1.0, |(_, gain)| *gain)
    }
}

/// Down at once, up slowly.
struct Release {
    step: f32,
    current: f32,
}

impl Release {
    fn new(sample_rate_hz: u32) -> Self {
        let step = 1.0 - (-1.0 / (RELEASE_SECONDS * f64::from(sample_rate_hz.max(1)))).exp() as f32;
        Self { step, current: 1.0 }
    }

    fn step(&mut self, gain: f32) -> f32 {
        self.current = (self.current + (1.0 - self.current) * self.step).min(gain);
        self.current
    }
}

/// Averages over `reach` frames on both sides; beyond the ends lie the first and the last gain. Each of the averaged
/// gains already holds for the frame in the middle, so the average does too; what it takes away is the edge that would
/// be heard.
struct Average {
    reach: usize,
    around: VecDeque<f32>,
    sum: f64,
    last: f32,
    /// Gains taken whose average is not out yet.
    waiting: usize,
}

impl Average {
    fn new(reach: usize) -> Self {
        Self { reach, around: VecDeque::new(), sum: 0.0, last: 1.0, waiting: 0 }
    }

    /// Takes the next gain, and answers for the one `reach` frames before it.
    fn push(&mut self, gain: f32) -> Option<f32> {
        if self.around.is_empty() {
            self.around.extend(std::iter::repeat_n(gain, self.reach));
        }
        self.last = gain;
        self.waiting += 1;
        self.slide(gain)
    }

    fn finish(&mut self) -> Vec<f32> {
        let mut rest = Vec::new();
        while self.waiting > 0 {
            rest.extend(self.slide(self.last));
        }
        rest
    }

    fn slide(&mut self, gain: f32) -> Option<f32> {
        let width = 2 * self.reach + 1;
        self.around.push_back(gain);
        if self.around.len() < width {
            return None;
        }
        if self.around.len() == width {
            self.sum = self.around.iter().map(|gain| f64::from(*gain)).sum();
        } else {
            self.sum += f64::from(gain) - self.around.pop_front().map_or(0.0, f64::from);
        }
        self.waiting -= 1;
        Some((self.sum / width as f64) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn limited(samples: &[f32], channels: u16, ceiling: f32, block: usize) -> Vec<f32> {
        let mut limiter = Limiter::new(RATE, channels.into(), channels, ceiling);
        let mut limited = Vec::new();
        for (taken, part) in samples.chunks(block * usize::from(channels)).enumerate() {
            limiter.push(part, &mut limited);
            assert!(limited.len() <= (taken + 1) * block * usize::from(channels));
        }
        limiter.finish(&mut limited);
        limited
    }

    /// A loud burst in a quiet tone, in two channels that differ.
    fn burst(frames: usize) -> Vec<f32> {
        let level = |i: usize| if (frames / 3..frames / 3 + 500).contains(&i) { 3.0 } else { 0.3 };
        (0..frames).flat_map(|i| [0.05f32, 0.081].map(|step| (i as f32 * step).sin() * level(i))).collect()
    }

    #[test]
    fn what_is_below_the_ceiling_is_left_alone() {
        let tone: Vec<f32> = (0..4410).map(|i| (i as f32 * 0.05).sin() * 0.5).collect();
        assert_eq!(tone, limited(&tone, 1, 0.6, 1000));
    }

    #[test]
    fn no_sample_passes_the_ceiling_and_the_gain_has_no_steps() {
        let original: Vec<f32> = burst(44_100).into_iter().step_by(2).collect();
        let burst = limited(&original, 1, 0.5, 4096);
        assert!(burst.iter().all(|sample| sample.abs() <= 0.5001));
        let gains: Vec<f32> =
            original.iter().zip(&burst).filter(|(from, _)| from.abs() > 0.05).map(|(from, to)| to / from).collect();
        let step = gains.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.05, "gain jumps by {step}");
        assert!(gains[10] > 0.999, "far from the burst nothing changes");
    }

    #[test]
    fn where_blocks_end_makes_no_difference() {
        for frames in [1, 7, 16, 177, 353, 20_011] {
            let sound = burst(frames);
            let whole = limited(&sound, 2, 0.5, frames);
            assert_eq!(whole.len(), sound.len());
            for block in [1, 5, 64, 4096] {
                assert_eq!(limited(&sound, 2, 0.5, block), whole, "{frames} frames in blocks of {block}");
            }
        }
    }

    #[test]
    fn channels_that_are_not_heard_get_the_gain_of_the_others() {
        let heard = burst(20_011);
        let wide: Vec<f32> = heard.chunks_exact(2).flat_map(|pair| [pair[0], pair[1], 7.0 * pair[1], -1.0]).collect();
        let mut limiter = Limiter::new(RATE, 4, 2, 0.5);
        let mut done = Vec::new();
        wide.chunks(4 * 1_000).for_each(|part| limiter.push(part, &mut done));
        limiter.finish(&mut done);
        let alone = limited(&heard, 2, 0.5, 1_000);
        for (frame, pair) in done.chunks_exact(4).zip(alone.chunks_exact(2)) {
            assert_eq!(&frame[..2], pair);
            assert!((frame[2] - 7.0 * pair[1]).abs() < 1e-5 && frame[3] < 0.0);
        }
    }

    #[test]
    fn peaks_between_samples_are_seen() {
        // A quarter of the sample rate, sampled at 45 degrees: samples at 0.707, the wave at 1.
        let tone: Vec<f32> = (0..1000).map(|i| (PI * (i as f32 / 2.0 + 0.25)).sin()).collect();
        let peaks = Peaks::new(1, 1).push(&tone);
        assert!(0.9 / peaks[500] < 0.92, "{}", peaks[500]);
    }

    #[test]
    fn the_held_minimum_reaches_both_ways() {
        let mut minimum = HeldMinimum::new(3);
        let mut held: Vec<f32> = (0..20).filter_map(|i| minimum.push(if i == 10 { 0.5 } else { 1.0 })).collect();
        held.extend(minimum.finish());
        let low: Vec<usize> = (0..20).filter(|&i| held[i] == 0.5).collect();
        assert_eq!((low, held.len()), ((7..=13).collect::<Vec<_>>(), 20));
    }

    #[test]
    fn tiny_inputs_do_not_break_it() {
        assert!(limited(&[], 2, 0.5, 1).is_empty());
        assert!(limited(&[2.0, -2.0], 2, 0.5, 1).iter().all(|sample| sample.abs() <= 0.5001));
    }
}
