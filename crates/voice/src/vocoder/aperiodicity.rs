//! How much of a voice is noise, band by band.
//!
//! D4C (M. Morise, "D4C, a band-aperiodicity estimator for high-quality speech synthesis", Speech Communication 84,
//! 2016) asks it of the group delay; here the correlation of each band with itself one period later answers, as in the
//! band-wise voicing of mixed excitation coders (A. McCree, T. Barnwell, IEEE Trans. Speech Audio Proc. 3(4), 1995):
//! one transform a frame.

use std::{
    f64::consts::{PI, TAU},
    sync::Arc,
};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex64};

use super::{FFT_LEN, envelope::transform, windowed};

pub const BANDS: usize = 6;
/// Edges of the bands in Hz.
const EDGES_HZ: [f64; BANDS + 1] = [60.0, 1000.0, 2000.0, 3200.0, 4600.0, 6200.0, 7900.0];
/// Where each band's figure is taken to lie.
pub const BAND_CENTRES_HZ: [f64; BANDS] = [500.0, 1500.0, 2600.0, 3900.0, 5400.0, 7000.0];
/// Windows are this many periods long.
const PERIODS: f64 = 5.0;
/// The period is looked for this far from where F0 says, as a share of it.
const SEARCH: f64 = 0.02;
const SEARCH_STEPS: i32 = 4;

pub struct Aperiodicity {
    rate: f64,
    forward: Arc<dyn RealToComplex<f64>>,
    time: Vec<f64>,
    spectrum: Vec<Complex64>,
}

impl Aperiodicity {
    pub fn new(rate: f64) -> Self {
        let forward = RealFftPlanner::<f64>::new().plan_fft_forward(FFT_LEN);
        Self { rate, time: forward.make_input_vec(), spectrum: forward.make_output_vec(), forward }
    }

    /// Share of noise in the power of each band around sample `centre`.
    pub fn at(&mut self, samples: &[f32], centre: f64, f0_hz: f64) -> [f32; BANDS] {
        let period = self.rate / f0_hz;
        // The correlation one period on must not wrap round.
        let reach = (0.5 * PERIODS * period).min(0.5 * FFT_LEN as f64 - 0.55 * period);
        let half = reach as usize;
        let shape = |offset: f64| 0.5 + 0.5 * (PI * offset / reach).cos();
        self.time.fill(0.0);
        windowed(samples, centre, half, shape, &mut self.time);
        transform(&*self.forward, &mut self.time, &mut self.spectrum);
        let mut noise = [1.0; BANDS];
        for (band, noise) in noise.iter_mut().enumerate() {
            *noise = 1.0 - self.likeness(band, period, reach, &shape) as f32;
        }
        noise
    }

    /// Correlation of a band with itself one period later, 0–1, corrected for what the window takes.
    fn likeness(&self, band: usize, period: f64, reach: f64, shape: &impl Fn(f64) -> f64) -> f64 {
        let bin_of = |hz: f64| ((hz * FFT_LEN as f64 / self.rate) as usize).min(self.spectrum.len() - 1);
        let bins = bin_of(EDGES_HZ[band])..bin_of(EDGES_HZ[band + 1]);
        let total: f64 = self.spectrum[bins.clone()].iter().map(Complex64::norm_sqr).sum();
        if total < 1e-12 {
            return 0.0;
        }
        let candidates = (-SEARCH_STEPS..=SEARCH_STEPS).map(|step| {
            let lag = period * (1.0 + SEARCH * f64::from(step) / f64::from(SEARCH_STEPS));
            let turn = TAU * lag / FFT_LEN as f64;
            let shared: f64 = bins.clone().map(|k| self.spectrum[k].norm_sqr() * (turn * k as f64).cos()).sum();
            shared / total / overlap(shape, reach, lag)
        });
        candidates.fold(0.0, f64::max).min(1.0)
    }
}

/// What the window leaves of the correlation of a perfectly periodic sound.
fn overlap(shape: &impl Fn(f64) -> f64, reach: f64, lag: f64) -> f64 {
    const POINTS: usize = 48;
    let (mut shared, mut whole) = (0.0, 1e-12);
    for point in 0..POINTS {
        let at = reach * (2.0 * (point as f64 + 0.5) / POINTS as f64 - 1.0);
        whole += shape(at).powi(2);
        if (at + lag).abs() < reach {
            shared += shape(at) * shape(at + lag);
        }
    }
    (shared / whole).max(0.05)
}
