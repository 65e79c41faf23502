//! A recording at the rate that the neural models were trained at, a stretch at a time.

use super::{SAMPLE_RATES_HZ, resample::Resampler};
use crate::error::PitchError;

/// The rate of every neural model here.
pub(super) const RATE_HZ: u32 = 16_000;

/// Reads stretches of a recording as if it stood there at [`RATE_HZ`] with silence around it. A recording at that rate
/// already is passed on untouched.
pub(super) struct Mono<'a> {
    samples: &'a [f32],
    resampler: Option<Resampler>,
}

impl<'a> Mono<'a> {
    /// # Errors
    /// [`PitchError::SampleRate`] outside [`SAMPLE_RATES_HZ`].
    pub fn new(samples: &'a [f32], sample_rate_hz: u32) -> Result<Self, PitchError> {
        if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
            return Err(PitchError::SampleRate(sample_rate_hz));
        }
        let resampler = (sample_rate_hz != RATE_HZ).then(|| Resampler::new(sample_rate_hz, RATE_HZ));
        Ok(Self { samples, resampler })
    }

    /// Length at [`RATE_HZ`].
    pub fn len(&self) -> usize {
        self.resampler.as_ref().map_or(self.samples.len(), |resampler| resampler.output_len(self.samples.len()))
    }

    /// Replaces `out` by `count` samples from `start` on, which may lie before the recording. Not-finite samples are
    /// silence.
    pub fn read(&self, start: isize, count: usize, out: &mut Vec<f32>) {
        out.clear();
        out.resize(start.min(0).unsigned_abs().min(count), 0.0);
        let first = start.max(0) as usize;
        let end = (first + count - out.len()).min(self.len());
        if first < end {
            match &self.resampler {
                Some(resampler) => resampler.append_range(self.samples, first, end, out),
                None => {
                    let finite = |&x: &f32| if x.is_finite() { x } else { 0.0 };
                    out.extend(self.samples[first..end].iter().map(finite));
                }
            }
        }
        out.resize(count, 0.0);
    }
}
