//! How loud samples are and how much of them is clipped, in the decoder's own sample format and without a copy.

use crate::clipping::{Rule, Top};

/// A sample format: how a stored value relates to full scale.
pub(crate) trait Sample: Copy {
    /// Relative to full scale: −1 to 1 for integers, anything for floats.
    fn unit(self) -> f32;
}

impl Sample for u8 {
    #[inline(always)]
    fn unit(self) -> f32 {
        (i16::from(self) - 128) as f32 * (1.0 / 128.0)
    }
}

impl Sample for i16 {
    #[inline(always)]
    fn unit(self) -> f32 {
        f32::from(self) * (1.0 / 32768.0)
    }
}

impl Sample for i32 {
    #[inline(always)]
    fn unit(self) -> f32 {
        self as f32 * (1.0 / 2_147_483_648.0)
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn unit(self) -> f32 {
        self
    }
}

impl Sample for f64 {
    #[inline(always)]
    fn unit(self) -> f32 {
        self as f32
    }
}

/// Beyond +20 dBFS no honest recording goes; damaged lossy streams do.
const ABSURD: f32 = 10.0;
/// Frames looked at in one go. Keeps sums in 32 bits exact to a millionth and everything in the first-level cache.
const BLOCK: usize = 512;
const LANES: usize = 16;

/// Levels of the sound seen so far.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    rule: Rule,
    energy: f64,
    peak: f32,
    samples: u64,
    clipped: u64,
    absurd: bool,
    /// Where each channel is.
    tops: Vec<Top>,
}

impl Levels {
    pub(crate) const fn new(rule: Rule) -> Self {
        Self { rule, energy: 0.0, peak: 0.0, samples: 0, clipped: 0, absurd: false, tops: Vec::new() }
    }

    /// Adds samples of all channels in turn.
    pub(crate) fn add_interleaved<S: Sample>(&mut self, samples: &[S], channels: usize) {
        let channels = channels.max(1);
        self.tops.resize(channels, Top::default());
        for block in samples.chunks(BLOCK * channels) {
            let peak = self.add_block(block);
            let last = block.len().saturating_sub(channels);
            for channel in 0..channels.min(block.len()) {
                if peak < self.rule.floor() {
                    self.skip(channel, block[last + channel]);
                } else {
                    self.count_clipped(channel, block.iter().skip(channel).step_by(channels));
                }
            }
        }
    }

    /// Adds samples of one channel.
    pub(crate) fn add_channel<S: Sample>(&mut self, samples: &[S], channel: usize) {
        if self.tops.len() <= channel {
            self.tops.resize(channel + 1, Top::default());
        }
        for block in samples.chunks(BLOCK) {
            if self.add_block(block) < self.rule.floor() {
                self.skip(channel, block[block.len() - 1]);
            } else {
                self.count_clipped(channel, block.iter());
            }
        }
    }

    /// Energy and peak of one block; returns its peak.
    #[inline]
    fn add_block<S: Sample>(&mut self, block: &[S]) -> f32 {
        let (mut energy, mut peak) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (whole, rest) = block.as_chunks::<LANES>();
        for lanes in whole {
            for i in 0..LANES {
                let value = lanes[i].unit();
                energy[i] += value * value;
                let magnitude = value.abs();
                peak[i] = if magnitude > peak[i] { magnitude } else { peak[i] };
            }
        }
        for (i, sample) in rest.iter().enumerate() {
            let value = sample.unit();
            energy[i] += value * value;
            peak[i] = peak[i].max(value.abs());
        }
        let block_energy: f64 = energy.iter().map(|&e| f64::from(e)).sum();
        let block_peak = peak.iter().copied().fold(0.0, f32::max);
        self.samples += block.len() as u64;
        if block_energy.is_finite() && block_peak <= ABSURD {
            self.energy += block_energy;
            self.peak = self.peak.max(block_peak);
            return block_peak;
        }
        self.add_absurd_block(block)
    }

    /// A block with samples that no recording has: those are left out of the levels.
    #[cold]
    fn add_absurd_block<S: Sample>(&mut self, block: &[S]) -> f32 {
        self.absurd = true;
        let mut peak = 0.0f32;
        for value in block.iter().map(|sample| sample.unit()).filter(|value| value.abs() <= ABSURD) {
            self.energy += f64::from(value) * f64::from(value);
            peak = peak.max(value.abs());
        }
        self.peak = self.peak.max(peak);
        peak
    }

    fn skip<S: Sample>(&mut self, channel: usize, last: S) {
        self.clipped += u64::from(self.tops[channel].skip(last.unit().abs(), self.rule));
    }

    #[cold]
    fn count_clipped<'a, S: Sample + 'a>(&mut self, channel: usize, samples: impl Iterator<Item = &'a S>) {
        let mut top = self.tops[channel];
        for sample in samples {
            self.clipped += u64::from(top.step(sample.unit().abs(), self.rule));
        }
        self.tops[channel] = top;
    }

    /// Adds what was measured elsewhere about a later part of the same sound. A run across the seam counts as two.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.energy += later.energy;
        self.peak = self.peak.max(later.peak);
        self.samples += later.samples;
        self.clipped += self.pending() + later.clipped;
        self.absurd |= later.absurd;
        self.tops.clone_from(&later.tops);
    }

    /// Clipped samples in runs that have not ended.
    fn pending(&self) -> u64 {
        self.tops.iter().map(|top| u64::from(top.end(self.rule))).sum()
    }

    /// Root mean square over the samples of all channels in dBFS, as ffmpeg's `volumedetect` defines `mean_volume`.
    pub(crate) fn mean_dbfs(&self) -> Option<f64> {
        (self.energy > 0.0).then(|| 10.0 * (self.energy / self.samples as f64).log10())
    }

    /// Highest magnitude in dBFS, `max_volume` of `volumedetect`.
    pub(crate) fn peak_dbfs(&self) -> Option<f64> {
        (self.peak > 0.0).then(|| 20.0 * f64::from(self.peak).log10())
    }

    /// Share (0–1) of samples that are clipped by the rule.
    pub(crate) fn clipped_share(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { (self.clipped + self.pending()) as f64 / self.samples as f64 }
    }

    pub(crate) const fn absurd(&self) -> bool {
        self.absurd
    }
}

/// Share (0–1) of interleaved samples in runs of at least three at full scale.
pub fn clipped_share(samples: &[f32], channels: u16) -> f64 {
    let mut levels = Levels::new(Rule::FullScale);
    levels.add_interleaved(samples, channels.into());
    levels.clipped_share()
}

/// Lowest and highest sample of each of `buckets` equal parts, for drawing a waveform. Interleaved channels are drawn
/// as one. Fewer buckets come back when there are fewer samples.
pub fn waveform_peaks(samples: &[f32], buckets: usize) -> Vec<(f32, f32)> {
    let buckets = buckets.min(samples.len());
    (0..buckets)
        .map(|i| {
            let part = &samples[i * samples.len() / buckets..(i + 1) * samples.len() / buckets];
            part.iter()
                .filter(|sample| sample.is_finite())
                .fold((0.0f32, 0.0f32), |(low, high), &sample| (low.min(sample), high.max(sample)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interleaved(samples: &[f32], channels: usize) -> Levels {
        let mut levels = Levels::new(Rule::FullScale);
        levels.add_interleaved(samples, channels);
        levels
    }

    #[test]
    fn a_full_scale_square_wave_is_at_zero_and_a_sine_three_decibels_below() {
        let square: Vec<f32> = (0..44_100).map(|i| if i / 50 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let levels = interleaved(&square, 1);
        assert!(levels.mean_dbfs().unwrap().abs() < 1e-6 && levels.peak_dbfs().unwrap().abs() < 1e-6);
        assert_eq!(levels.clipped_share(), 1.0);
        let sine: Vec<f32> = (0..44_100).map(|i| (i as f32 * 0.1).sin()).collect();
        assert!((interleaved(&sine, 1).mean_dbfs().unwrap() + 3.01).abs() < 0.01);
    }

    #[test]
    fn all_formats_and_layouts_measure_alike() {
        let tone: Vec<f32> = (0..10_007).map(|i| (i as f32 * 0.05).sin() * 0.5).collect();
        let expected = interleaved(&tone, 1);
        let shorts: Vec<i16> = tone.iter().map(|x| (x * 32768.0).round() as i16).collect();
        let ints: Vec<i32> = tone.iter().map(|x| (f64::from(*x) * 2_147_483_648.0) as i32).collect();
        let bytes: Vec<u8> = tone.iter().map(|x| ((x * 128.0).round() + 128.0) as u8).collect();
        let doubles: Vec<f64> = tone.iter().map(|&x| f64::from(x)).collect();
        let measured = |add: &dyn Fn(&mut Levels)| {
            let mut levels = Levels::new(Rule::FullScale);
            add(&mut levels);
            (levels.mean_dbfs().unwrap(), levels.peak_dbfs().unwrap())
        };
        for (mean, peak) in [
            measured(&|l| l.add_channel(&shorts, 0)),
            measured(&|l| l.add_channel(&ints, 0)),
            measured(&|l| l.add_channel(&bytes, 0)),
            measured(&|l| l.add_channel(&doubles, 0)),
        ] {
            assert!((mean - expected.mean_dbfs().unwrap()).abs() < 0.05, "{mean}");
            assert!((peak - expected.peak_dbfs().unwrap()).abs() < 0.1, "{peak}");
        }
    }

    #[test]
    fn clipping_needs_three_in_a_row_in_one_channel() {
        assert_eq!(interleaved(&[1.0, 1.0, 0.0, 1.0, 1.0], 1).clipped_share(), 0.0);
        assert_eq!(interleaved(&[1.0, -1.0, 1.0, 0.0], 1).clipped_share(), 0.75);
        // Left at full scale three times, right silent: three of six.
        assert_eq!(interleaved(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 2).clipped_share(), 0.5);
        // Alternating channels look like a run only when they are mixed up.
        assert_eq!(interleaved(&[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0], 2).clipped_share(), 0.0);
    }

    #[test]
    fn a_run_across_blocks_and_calls_is_one_run() {
        let mut samples = vec![0.0f32; BLOCK - 1];
        samples.extend([1.0; 3]);
        assert_eq!((interleaved(&samples, 1).clipped_share() * samples.len() as f64).round(), 3.0);
        let mut levels = Levels::new(Rule::FullScale);
        levels.add_channel(&[0.0f32, 1.0], 0);
        levels.add_channel(&[1.0f32, 1.0, 0.0], 0);
        assert_eq!(levels.clipped_share(), 0.6);
    }

    #[test]
    fn what_no_recording_has_is_absurd_and_does_not_spoil_the_levels() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -11.0] {
            let mut samples = vec![0.5f32; 100];
            samples[40] = bad;
            let levels = interleaved(&samples, 1);
            assert!(levels.absurd(), "{bad}");
            assert!((levels.peak_dbfs().unwrap() + 6.02).abs() < 0.01, "{bad}");
            assert!(levels.mean_dbfs().unwrap().is_finite(), "{bad}");
        }
        assert!(!interleaved(&[9.9], 1).absurd());
    }

    #[test]
    fn nothing_and_silence_have_no_level() {
        assert_eq!(interleaved(&[], 1).mean_dbfs(), None);
        assert_eq!(interleaved(&[0.0; 100], 2).peak_dbfs(), None);
    }

    #[test]
    fn a_waveform_has_as_many_buckets_as_asked() {
        let samples: Vec<f32> = (0..1000).map(|i| if i % 2 == 0 { 0.5 } else { -0.25 }).collect();
        let peaks = waveform_peaks(&samples, 7);
        assert_eq!(peaks.len(), 7);
        assert!(peaks.iter().all(|&(low, high)| low == -0.25 && high == 0.5));
        assert_eq!(waveform_peaks(&samples, 5000).len(), 1000);
        assert!(waveform_peaks(&[], 10).is_empty());
    }
}
