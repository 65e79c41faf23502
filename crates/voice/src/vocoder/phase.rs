//! From the power of a spectrum to the impulse response that has it and begins at once: minimum phase, by way of the
//! cepstrum (A. Oppenheim, R. Schafer, "Discrete-Time Signal Processing", chapter on cepstra and homomorphic
//! deconvolution).

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex64};

/// Samples of a response: 46 ms at 44.1 kHz.
pub const RESPONSE_LEN: usize = 2048;
pub const RESPONSE_BINS: usize = RESPONSE_LEN / 2 + 1;

pub struct MinimumPhase {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    time: Vec<f64>,
    cepstrum: Vec<Complex64>,
}

impl MinimumPhase {
    pub fn new() -> Self {
        let mut planner = RealFftPlanner::<f64>::new();
        let forward = planner.plan_fft_forward(RESPONSE_LEN);
        let inverse = planner.plan_fft_inverse(RESPONSE_LEN);
        Self { time: forward.make_input_vec(), cepstrum: forward.make_output_vec(), forward, inverse }
    }

    /// Writes the spectrum whose squared magnitude has the natural logarithm `log_power`, both of [`RESPONSE_BINS`] bins.
    pub fn spectrum(&mut self, log_power: &[f64], out: &mut [Complex64]) {
        for (bin, log) in log_power.iter().enumerate() {
            self.time[bin] = 0.5 * log;
            if bin > 0 && bin < RESPONSE_BINS - 1 {
                self.time[RESPONSE_LEN - bin] = 0.5 * log;
            }
        }
        let done = self.forward.process(&mut self.time, &mut self.cepstrum);
        debug_assert!(done.is_ok());
        // Fold what lies before 0 onto what lies after.
        for (quefrency, slot) in self.time.iter_mut().enumerate() {
            let value = self.cepstrum.get(quefrency).map_or(0.0, |c| c.re / RESPONSE_LEN as f64);
            *slot = if quefrency == 0 || quefrency == RESPONSE_BINS - 1 { value } else { 2.0 * value };
        }
        self.time[RESPONSE_BINS..].fill(0.0);
        let done = self.forward.process(&mut self.time, &mut self.cepstrum);
        debug_assert!(done.is_ok());
        for (slot, log) in out.iter_mut().zip(&self.cepstrum) {
            *slot = log.exp();
        }
    }

    /// The spectrum of real samples.
    pub fn forward(&self, time: &mut [f64], out: &mut [Complex64]) {
        let done = self.forward.process(time, out);
        debug_assert!(done.is_ok());
    }

    /// The real samples of a spectrum, scaled so that `forward` gives it back.
    pub fn inverse(&self, spectrum: &mut [Complex64], out: &mut [f64]) {
        spectrum[0].im = 0.0;
        spectrum[RESPONSE_BINS - 1].im = 0.0;
        let done = self.inverse.process(spectrum, out);
        debug_assert!(done.is_ok());
        out.iter_mut().for_each(|sample| *sample /= RESPONSE_LEN as f64);
    }
}
