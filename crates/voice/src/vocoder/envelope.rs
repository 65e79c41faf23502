//! The spectral envelope of one moment, without the pitch: CheapTrick (M. Morise, "CheapTrick, a spectral envelope
//! estimator for high-quality speech synthesis", Speech Communication 67, 2015).

use std::{f64::consts::PI, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex64};

use super::{BINS, FFT_LEN, windowed};

/// Windows are this many periods long.
const PERIODS: f64 = 3.0;
/// The lifter that takes back what smoothing took: `q0 + 2 q1 cos(2πτ/T0)`, with the constants of the paper.
const Q1: f64 = -0.09;
const Q0: f64 = 1.0 - 2.0 * Q1;
/// Power of the quietest bin, against which the logarithm is safe: −120 dB.
const FLOOR: f64 = 1e-12;

/// Estimates envelopes, one at a time.
pub struct Envelope {
    rate: f64,
    forward: Arc<dyn RealToComplex<f64>>,
    time: Vec<f64>,
    spectrum: Vec<Complex64>,
    power: Vec<f64>,
    sums: Vec<f64>,
}

impl Envelope {
    pub fn new(rate: f64) -> Self {
        let forward = RealFftPlanner::<f64>::new().plan_fft_forward(FFT_LEN);
        Self {
            rate,
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            forward,
            power: vec![0.0; BINS],
            sums: Vec::with_capacity(3 * BINS),
        }
    }

    /// Natural logarithm of the power density around sample `centre`.
    pub fn at(&mut self, samples: &[f32], centre: f64, f0_hz: f64) -> Vec<f32> {
        self.periodogram(samples, centre, f0_hz);
        self.mirror_below(f0_hz);
        self.smooth(2.0 * f0_hz / 3.0);
        self.lifter(f0_hz)
    }

    /// Power spectrum under a Hann window of three periods, whatever their phase: of a periodic sound it has the same
    /// total at every moment.
    fn periodogram(&mut self, samples: &[f32], centre: f64, f0_hz: f64) {
        let reach = 0.5 * PERIODS * self.rate / f0_hz;
        let half = (reach as usize).min(FFT_LEN / 2 - 1);
        let length = 2 * half + 1;
        let shape = |offset: f64| 0.5 + 0.5 * (PI * offset / reach).cos();
        self.time.fill(0.0);
        windowed(samples, centre, half, shape, &mut self.time);
        let weights = (0..length).map(|place| shape(place as f64 - half as f64));
        let (energy, area) = weights.fold((0.0, 0.0), |(e, a), w| (e + w * w, a + w));
        let mean = self.time[..length].iter().sum::<f64>() / area;
        for (place, sample) in self.time[..length].iter_mut().enumerate() {
            *sample -= mean * shape(place as f64 - half as f64);
        }
        transform(&*self.forward, &mut self.time, &mut self.spectrum);
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum) {
            *power = bin.norm_sqr() / energy;
        }
    }

    /// Below the first harmonic there is nothing to see: what lies as far above 0 Hz as the bin lies below F0 stands in.
    fn mirror_below(&mut self, f0_hz: f64) {
        let f0_bins = f0_hz * FFT_LEN as f64 / self.rate;
        let original: Vec<f64> = self.power[..(f0_bins as usize + 2).min(BINS)].to_vec();
        for bin in 0..(f0_bins.ceil() as usize).min(original.len()) {
            let place = (f0_bins - bin as f64).max(0.0);
            let (low, share) = (place as usize, place.fract());
            let high = original.get(low + 1).or(original.last()).copied().unwrap_or(0.0);
            self.power[bin] += original[low.min(original.len() - 1)] * (1.0 - share) + high * share;
        }
    }

    /// Mean over `width_hz` around each bin; the spectrum goes on as its mirror image at both ends.
    fn smooth(&mut self, width_hz: f64) {
        let width = (width_hz * FFT_LEN as f64 / self.rate).max(1.0);
        let margin = (0.5 * width) as usize + 2;
        let mirrored = |at: i64| {
            let at = at.unsigned_abs() as usize;
            if at >= BINS { 2 * (BINS - 1) - at } else { at }
        };
        self.sums.clear();
        let mut sum = 0.0;
        self.sums.push(0.0);
        for at in -(margin as i64)..(BINS + margin) as i64 {
            sum += self.power[mirrored(at)];
            self.sums.push(sum);
        }
        // `sums` at place x is the integral up to x − margin − ½ bins.
        let integral = |bin: f64| {
            let place = bin + margin as f64 + 0.5;
            let (low, share) = (place as usize, place.fract());
            self.sums[low] + (self.sums[low + 1] - self.sums[low]) * share
        };
        for (bin, power) in self.power.iter_mut().enumerate() {
            let (from, to) = (bin as f64 - 0.5 * width, bin as f64 + 0.5 * width);
            *power = ((integral(to) - integral(from)) / width).max(0.0);
        }
    }

    /// Smooths the logarithm by sinc(F0·τ) over quefrencies τ, which removes the ripple of the harmonics, and gives back
    /// what the two smoothings took from the peaks.
    fn lifter(&mut self, f0_hz: f64) -> Vec<f32> {
        for bin in 0..BINS {
            let log = (self.power[bin] + FLOOR).ln();
            self.time[bin] = log;
            if bin > 0 && bin < BINS - 1 {
                self.time[FFT_LEN - bin] = log;
            }
        }
        transform(&*self.forward, &mut self.time, &mut self.spectrum);
        for tau in 0..BINS {
            let periods = f0_hz * tau as f64 / self.rate;
            let sinc = if tau == 0 { 1.0 } else { (PI * periods).sin() / (PI * periods) };
            let lifted = self.spectrum[tau].re * sinc * (Q0 + 2.0 * Q1 * (2.0 * PI * periods).cos()) / FFT_LEN as f64;
            self.time[tau] = lifted;
            if tau > 0 && tau < BINS - 1 {
                self.time[FFT_LEN - tau] = lifted;
            }
        }
        transform(&*self.forward, &mut self.time, &mut self.spectrum);
        self.spectrum.iter().map(|bin| bin.re as f32).collect()
    }
}

/// Lengths are fixed by the planner, so the transform cannot refuse.
pub(super) fn transform(plan: &dyn RealToComplex<f64>, time: &mut [f64], spectrum: &mut [Complex64]) {
    let done = plan.process(time, spectrum);
    debug_assert!(done.is_ok());
}
