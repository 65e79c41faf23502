//! The difference function of one frame, and the periods it suggests.

use std::sync::Arc;

use music::{PitchFrame, PitchTrack};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use super::{
    F0Tracker, HIGHEST_HZ, HOP_SECONDS, LOWEST_HZ, SAMPLE_RATES_HZ,
    front::{self, RATE_HZ},
    path::{self, Candidate, Observation, PathCosts},
};
use crate::error::EngineError;

/// Samples per frame: 64 ms, tapered, so that about the middle 30 ms count.
const FRAME_LEN: usize = 1_024;
/// Lags are kept at half samples: at 1 kHz a period is 16 samples, too few for a parabola alone.
const LAGS_PER_SAMPLE: usize = 2;
/// Transform length: frame and longest lag must fit without wrapping.
const FFT_LEN: usize = 1_536;
/// Share of the work that goes into frames; the rest is the path.
const FRAMES_SHARE: f64 = 0.95;

/// YIN with a cheapest path over candidates.
#[derive(Clone, Debug, Default)]
pub struct YinTracker {
    costs: PathCosts,
}

impl F0Tracker for YinTracker {
    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, EngineError> {
        if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
            return Err(EngineError::SampleRate(sample_rate_hz));
        }
        let expected = (samples.len() as f64 / f64::from(sample_rate_hz) / HOP_SECONDS).max(1.0);
        let mut difference = Difference::new(self.costs.octave);
        let mut observations = Vec::with_capacity(expected as usize + 2);
        front::for_each_frame(samples, sample_rate_hz, FRAME_LEN, |index, frame| {
            observations.push(difference.observe(frame));
            if index % 256 == 0 {
                progress((index as f64 / expected).min(1.0) * FRAMES_SHARE);
            }
        });
        let frames: Vec<PitchFrame> = path::cheapest(&observations, &self.costs);
        progress(1.0);
        Ok(PitchTrack { hop_seconds: HOP_SECONDS, frames })
    }
}

/// Computes the cumulative-mean-normalised difference function of frames.
///
/// The difference is tapered and centred, `d(τ) = Σ a_j a_{j+τ} (x_j − x_{j+τ})² / Σ a_j a_{j+τ}` with a Hann window
/// `a`: still exactly 0 at the period of a periodic sound, but every lag looks at the same moment, so vibrato is neither
/// delayed nor skewed. It expands into three correlations, so two forward transforms and one inverse do it.
struct Difference {
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
    normalised: Vec<f32>,
    octave_cost: f32,
}

impl Difference {
    fn new(octave_cost: f32) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(FFT_LEN);
        let inverse = planner.plan_fft_inverse(FFT_LEN * LAGS_PER_SAMPLE);
        let window: Vec<f32> = (0..FRAME_LEN)
            .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / FRAME_LEN as f32).cos())
            .collect();
        let mut made = Self {
            plain: forward.make_output_vec(),
            squared: forward.make_output_vec(),
            product: inverse.make_input_vec(),
            lags: inverse.make_output_vec(),
            input: forward.make_input_vec(),
            window_spectrum: Vec::new(),
            window_overlap: Vec::new(),
            normalised: Vec::with_capacity(longest_lag() + 2),
            forward,
            inverse,
            window,
            octave_cost,
        };
        made.input[..FRAME_LEN].copy_from_slice(&made.window);
        made.transform_plain();
        made.window_spectrum.clone_from(&made.plain);
        for (out, a) in made.product.iter_mut().zip(&made.window_spectrum) {
            *out = Complex32::new(a.norm_sqr(), 0.0);
        }
        made.fill_lags();
        made.window_overlap = made.lags[..longest_lag() + 2].to_vec();
        made
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

    fn observe(&mut self, frame: &[f32]) -> Observation {
        let mut energy = 0.0;
        self.input.fill(0.0);
        for ((out, x), a) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *out = x * x * a;
            energy += *out;
        }
        let level = (2.0 * energy / FRAME_LEN as f32).sqrt();
        if level < SILENCE {
            return Observation { level, local_level: 0.0, candidates: Vec::new() };
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
        self.normalise();
        Observation { level, local_level: middle_level(frame), candidates: self.candidates() }
    }

    /// YIN's step 3: divides the difference at each lag by its mean over all shorter lags.
    fn normalise(&mut self) {
        self.normalised.clear();
        self.normalised.push(1.0);
        let mut sum = 0.0f64;
        for lag in 1..longest_lag() + 2 {
            let difference = f64::from((self.lags[lag] / self.window_overlap[lag]).max(0.0));
            sum += difference;
            self.normalised.push(if sum > 0.0 { (difference * lag as f64 / sum) as f32 } else { 1.0 });
        }
    }

    /// The best local minima, refined by a parabola. Depth alone must not choose: a clean high tone has more multiples
    /// of its period than places in the list, all as deep as the period itself.
    fn candidates(&self) -> Vec<Candidate> {
        let d = &self.normalised;
        let mut found: Vec<Candidate> = Vec::with_capacity(MOST_CANDIDATES + 1);
        for lag in shortest_lag()..=longest_lag() {
            if !(d[lag] < d[lag - 1] && d[lag] <= d[lag + 1]) {
                continue;
            }
            let (before, here, after) = (d[lag - 1], d[lag], d[lag + 1]);
            let curve = before - 2.0 * here + after;
            let shift = if curve > 1e-9 { (0.5 * (before - after) / curve).clamp(-0.5, 0.5) } else { 0.0 };
            let depth = (here - 0.25 * (before - after) * shift).max(0.0);
            let hz = (RATE_HZ as usize * LAGS_PER_SAMPLE) as f32 / (lag as f32 + shift);
            let candidate = Candidate { hz, octaves: hz.log2(), depth };
            let cost = path::sung_cost(&candidate, self.octave_cost);
            let at = found.partition_point(|other| path::sung_cost(other, self.octave_cost) <= cost);
            if at < MOST_CANDIDATES {
                found.insert(at, candidate);
                found.truncate(MOST_CANDIDATES);
            }
        }
        found
    }
}

/// Below this RMS (−90 dBFS) a frame is digital silence.
const SILENCE: f32 = 3e-5;
/// Periods kept per frame.
const MOST_CANDIDATES: usize = 10;

/// RMS of the middle quarter of a frame: 16 ms, one period of the lowest voice.
fn middle_level(frame: &[f32]) -> f32 {
    let middle = &frame[FRAME_LEN * 3 / 8..FRAME_LEN * 5 / 8];
    (middle.iter().map(|x| x * x).sum::<f32>() / middle.len() as f32).sqrt()
}

fn shortest_lag() -> usize {
    (f64::from(RATE_HZ) * LAGS_PER_SAMPLE as f64 / HIGHEST_HZ).floor() as usize
}

fn longest_lag() -> usize {
    (f64::from(RATE_HZ) * LAGS_PER_SAMPLE as f64 / LOWEST_HZ).ceil() as usize
}
