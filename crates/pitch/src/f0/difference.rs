//! YIN's difference function of one frame.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

/// Lags are kept at half samples: at 1 kHz a period is 16 samples, too few for a parabola alone.
pub(super) const LAGS_PER_SAMPLE: usize = 2;

/// Computes the cumulative-mean-normalised difference function of frames of one length.
///
/// The difference is tapered and centred, `d(τ) = Σ a_j a_{j+τ} (x_j − x_{j+τ})² / Σ a_j a_{j+τ}` with a Hann window
/// `a`: still exactly 0 at the period of a periodic sound, but every lag looks at the same moment, so vibrato is neither
/// delayed nor skewed. It expands into three correlations, so two forward transforms and one inverse do it.
pub(super) struct Difference {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    window_spectrum: Vec<Complex32>,
    /// `Σ a_j a_{j+τ}` on the lag grid.
    window_overlap: Vec<f32>,
    input: Vec<f32>,
    plain: Vec<Complex32>,
    squared: Vec<Complex32>,
    product: Vec<Complex32>,
    lags: Vec<f32>,
}

impl Difference {
    /// For frames of `frame_len` samples and lags below `lag_count` (in half samples). `fft_len` must hold the frame and
    /// the longest lag without wrapping.
    pub fn new(frame_len: usize, fft_len: usize, lag_count: usize) -> Self {
        debug_assert!(fft_len >= frame_len + lag_count / LAGS_PER_SAMPLE);
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(fft_len);
        let inverse = planner.plan_fft_inverse(fft_len * LAGS_PER_SAMPLE);
        let window: Vec<f32> = (0..frame_len)
            .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / frame_len as f32).cos())
            .collect();
        let mut made = Self {
            plain: forward.make_output_vec(),
            squared: forward.make_output_vec(),
            product: inverse.make_input_vec(),
            lags: inverse.make_output_vec(),
            input: forward.make_input_vec(),
            window_spectrum: Vec::new(),
            window_overlap: Vec::new(),
            forward,
            inverse,
            window,
        };
        made.input[..frame_len].copy_from_slice(&made.window);
        made.transform_plain();
        made.window_spectrum.clone_from(&made.plain);
        for (out, a) in made.product.iter_mut().zip(&made.window_spectrum) {
            *out = Complex32::new(a.norm_sqr(), 0.0);
        }
        made.fill_lags();
        made.window_overlap = made.lags[..lag_count].to_vec();
        made
    }

    /// Spectrum of the last frame under its window.
    pub fn spectrum(&self) -> &[Complex32] {
        &self.plain
    }

    /// Writes the normalised difference of `frame` (step 3 of YIN: each lag divided by the mean over all shorter ones)
    /// to `normalised`.
    pub fn compute(&mut self, frame: &[f32], normalised: &mut Vec<f32>) {
        self.input.fill(0.0);
        for ((out, x), a) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *out = x * x * a;
        }
        let done = self.forward.process(&mut self.input, &mut self.squared);
        debug_assert!(done.is_ok());
        self.input.fill(0.0);
        for ((out, x), a) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *out = x * a;
        }
        self.transform_plain();
        self.product.fill(Complex32::new(0.0, 0.0));
        for (k, out) in self.product.iter_mut().take(self.plain.len()).enumerate() {
            let cross = self.window_spectrum[k].conj() * self.squared[k];
            *out = Complex32::new(2.0 * cross.re - 2.0 * self.plain[k].norm_sqr(), 0.0);
        }
        self.fill_lags();
        self.normalise(normalised);
    }

    /// Lengths are fixed by the planner, so the transforms cannot refuse.
    fn transform_plain(&mut self) {
        let done = self.forward.process(&mut self.input, &mut self.plain);
        debug_assert!(done.is_ok());
    }

    fn fill_lags(&mut self) {
        // The bins above the old Nyquist stay 0: that is the interpolation between whole lags. DC must be real.
        self.product[0].im = 0.0;
        let done = self.inverse.process(&mut self.product, &mut self.lags);
        debug_assert!(done.is_ok());
    }

    fn normalise(&self, normalised: &mut Vec<f32>) {
        normalised.clear();
        normalised.push(1.0);
        let mut sum = 0.0f64;
        for (lag, overlap) in self.window_overlap.iter().enumerate().skip(1) {
            let difference = f64::from((self.lags[lag] / overlap).max(0.0));
            sum += difference;
            normalised.push(if sum > 0.0 { (difference * lag as f64 / sum) as f32 } else { 1.0 });
        }
    }
}
