//! Loudness by EBU R128 (ITU-R BS.1770-4).

use ebur128::{EbuR128, Mode};

use crate::{clipping::Rule, levels::Levels};

/// How loud a whole recording is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Loudness {
    /// Gated integrated loudness in LUFS; `None` below the gate of −70 LUFS or for less than 0.4 s.
    pub integrated_lufs: Option<f64>,
    /// Highest inter-sample magnitude of any channel in dBTP; `None` for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// Loudness range (EBU Tech 3342) in LU.
    pub range_lu: f64,
    /// Share (0–1) of samples in runs of at least three at full scale.
    pub clipped_share: f64,
}

/// Measures interleaved samples. Answers with no level at all where there is nothing to measure: no samples, a rate or
/// channel count out of the standard's reach, or samples that are not finite.
pub fn measure_loudness(samples: &[f32], sample_rate_hz: u32, channels: u16) -> Loudness {
    let mut meter = Meter::new(sample_rate_hz, channels);
    meter.push(samples);
    meter.read()
}

/// Measures a sound that comes block by block; where the blocks end makes no difference.
pub struct Meter {
    channels: u16,
    /// `None` where the standard does not reach.
    standard: Option<EbuR128>,
    levels: Levels,
    has_sound: bool,
}

impl Meter {
    /// A meter for interleaved samples.
    pub fn new(sample_rate_hz: u32, channels: u16) -> Self {
        Self::with(Mode::I | Mode::LRA | Mode::TRUE_PEAK, sample_rate_hz, channels)
    }

    /// Measures only the loudness, in half of the time; the peak it gives is that of the samples, and there is no range.
    pub(crate) fn draft(sample_rate_hz: u32, channels: u16) -> Self {
        Self::with(Mode::I, sample_rate_hz, channels)
    }

    fn with(mode: Mode, sample_rate_hz: u32, channels: u16) -> Self {
        let standard = EbuR128::new(channels.into(), sample_rate_hz, mode).ok();
        Self { channels, standard, levels: Levels::new(Rule::FullScale), has_sound: false }
    }

    /// Takes interleaved samples; only the last block may end inside a frame, whose beginning is then not measured.
    pub fn push(&mut self, samples: &[f32]) {
        self.levels.add_interleaved(samples, self.channels.into());
        let whole = samples.len() - samples.len() % usize::from(self.channels.max(1));
        let Some(standard) = &mut self.standard else { return };
        if standard.add_frames_f32(&samples[..whole]).is_err() {
            self.standard = None;
        }
        self.has_sound |= whole > 0;
    }

    /// What was measured so far.
    pub fn read(&self) -> Loudness {
        let clipped_share = self.levels.clipped_share();
        let Some(standard) = self.standard.as_ref().filter(|_| self.has_sound) else {
            return Loudness { integrated_lufs: None, true_peak_dbtp: None, range_lu: 0.0, clipped_share };
        };
        let channels = 0..u32::from(self.channels);
        let peaks: Result<Vec<f64>, _> = channels.map(|channel| standard.true_peak(channel)).collect();
        let peak = peaks.map_or_else(
            |_| self.levels.peak_dbfs().map_or(0.0, |peak| 10f64.powf(peak / 20.0)),
            |peaks| peaks.into_iter().fold(0.0, f64::max),
        );
        Loudness {
            integrated_lufs: standard.loudness_global().ok().filter(|loudness| loudness.is_finite()),
            true_peak_dbtp: (peak > 0.0 && peak.is_finite()).then(|| 20.0 * peak.log10()),
            range_lu: standard.loudness_range().ok().filter(|range| range.is_finite()).unwrap_or(0.0),
            clipped_share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_blocks_end_makes_no_difference() {
        let samples: Vec<f32> =
            crate::sample::voice(5.0, 44_100, 2).iter().map(|x| (x * 2.0).clamp(-1.0, 1.0)).collect();
        let whole = measure_loudness(&samples, 44_100, 2);
        assert!(whole.clipped_share > 0.0 && whole.integrated_lufs.is_some());
        for frames in [1, 333, 4096] {
            let mut meter = Meter::new(44_100, 2);
            samples.chunks(2 * frames).for_each(|block| meter.push(block));
            assert_eq!(meter.read(), whole, "blocks of {frames}");
        }
    }
}
