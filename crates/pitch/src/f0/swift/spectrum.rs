//! What the network sees: how loud each of 128 bands is, in three resolutions.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};

use super::planes::Planes;
use crate::{error::PitchError, f0::weights::Weights};

pub(super) const BANDS: usize = 128;
/// Keeps the logarithm of silence finite.
const FLOOR: f32 = 1e-8;

/// Names in the file of swift-f0 0.3.0: the window, and the bands as places in a matrix of bins × bands and what stands
/// there. Longest window of the three last: the order is that of the network's channels.
const RESOLUTIONS: [(usize, &str, &str, &str); 3] =
    [(1_024, "v41", "v123", "v124"), (2_048, "v161", "v241", "v242"), (512, "v262", "v342", "v343")];
pub(super) const LONGEST_WINDOW: usize = 2_048;

/// Magnitude spectra through filter banks, as logarithms.
pub(super) struct Spectra {
    resolutions: Vec<Resolution>,
    signal: Vec<f32>,
    bins: Vec<Complex32>,
}

#[derive(Clone)]
struct Resolution {
    window: Vec<f32>,
    /// Bin, band and weight.
    filters: Vec<(usize, usize, f32)>,
    transform: Arc<dyn RealToComplex<f32>>,
}

impl Clone for Spectra {
    fn clone(&self) -> Self {
        Self { resolutions: self.resolutions.clone(), signal: Vec::new(), bins: Vec::new() }
    }
}

impl Spectra {
    /// # Errors
    /// [`PitchError::Weights`] naming the tensor that is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self, PitchError> {
        let mut planner = RealFftPlanner::new();
        let mut resolutions = Vec::new();
        for (len, window, places, values) in RESOLUTIONS {
            let window = weights.of_shape(window, &[len])?.to_vec();
            let at = weights.any_shape(places)?;
            let values = weights.of_shape(values, &at.shape)?;
            let bins = len / 2 + 1;
            let filter = |(&place, &value): (&f32, &f32)| {
                // Negative numbers become 0 and large ones stay too large.
                let place = place as usize;
                (place < bins * BANDS).then_some((place / BANDS, place % BANDS, value))
            };
            let filters: Option<Vec<_>> = at.values.iter().zip(values).map(filter).collect();
            let filters = filters.ok_or_else(|| PitchError::Weights(format!("{places} points outside its matrix")))?;
            resolutions.push(Resolution { window, filters, transform: planner.plan_fft_forward(len) });
        }
        Ok(Self { resolutions, signal: Vec::new(), bins: Vec::new() })
    }

    /// Writes the bands of `times` frames, `hop` samples apart, into `out`: 3 × 128 × times. The first frame is centred
    /// on `samples[LONGEST_WINDOW / 2]`.
    pub fn write(&mut self, samples: &[f32], hop: usize, times: usize, out: &mut Planes) {
        out.reshape(RESOLUTIONS.len(), BANDS, times);
        let mut bands = [0.0f32; BANDS];
        for (channel, resolution) in self.resolutions.iter().enumerate() {
            let len = resolution.window.len();
            self.bins.resize(len / 2 + 1, Complex32::default());
            for time in 0..times {
                let frame = &samples[time * hop + (LONGEST_WINDOW - len) / 2..][..len];
                self.signal.clear();
                self.signal.extend(frame.iter().zip(&resolution.window).map(|(x, window)| x * window));
                // Lengths are those of the plan, so the transform cannot refuse.
                let done = resolution.transform.process(&mut self.signal, &mut self.bins);
                debug_assert!(done.is_ok());
                bands.fill(0.0);
                for &(bin, band, weight) in &resolution.filters {
                    bands[band] += weight * self.bins[bin].norm_sqr().sqrt();
                }
                for (band, &value) in bands.iter().enumerate() {
                    out.row_mut(channel, band)[time] = (value + FLOOR).ln();
                }
            }
        }
    }
}
