//! Excitation through envelopes into sound: a minimum-phase response for each period of the voice, at its exact place
//! between samples, and noise through the same throat.

use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use realfft::num_complex::Complex64;

use super::phase::{MinimumPhase, RESPONSE_BINS, RESPONSE_LEN};

/// Time between responses where there is no pitch.
const UNVOICED_STEP_SECONDS: f64 = 0.0025;
/// Power of what is left out: −100 dB against a full voice.
const NOTHING: f64 = 1e-10;

/// What sounds at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Excitation {
    /// F0 in Hz, 20 or more; `None` where nothing swings.
    pub f0_hz: Option<f64>,
    /// Natural logarithm of the power density, in equal steps from 0 Hz to half the output's rate.
    pub log_power: Vec<f64>,
    /// Share of noise in that power, 0–1, at the same places. Without pitch all is noise.
    pub noise: Vec<f64>,
}

impl Excitation {
    /// Silence, of the right lengths.
    pub fn silent() -> Self {
        Self { f0_hz: None, log_power: vec![NOTHING.ln(); RESPONSE_BINS], noise: vec![1.0; RESPONSE_BINS] }
    }

    /// Frequency in Hz of place `bin` at an output rate.
    pub fn hz_of(bin: usize, rate_hz: u32) -> f64 {
        bin as f64 * f64::from(rate_hz) / RESPONSE_LEN as f64
    }

    fn is_silent(&self) -> bool {
        self.log_power.iter().all(|log| *log <= 1.01 * NOTHING.ln())
    }
}

/// Makes `count` samples. `excitation` is asked for moments in seconds, in order, and fills what it is given. `progress`
/// hears of the share done. The same seed gives the same noise.
pub fn synthesize(
    count: usize,
    rate_hz: u32,
    seed: u64,
    excitation: &mut dyn FnMut(f64, &mut Excitation),
    progress: &mut dyn FnMut(f64),
) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let mut synthesizer = Synthesizer::new(seed);
    let mut out = vec![0.0f64; count + RESPONSE_LEN];
    let mut now = Excitation::silent();
    let (mut at, mut pulses) = (0.0f64, 0usize);
    while at < count as f64 {
        excitation(at / rate, &mut now);
        let step = match now.f0_hz {
            Some(hz) => rate / hz.max(20.0),
            None => UNVOICED_STEP_SECONDS * rate,
        };
        let first = at.floor() as usize;
        let next = ((at + step).floor() as usize).max(first + 1);
        if !now.is_silent() {
            synthesizer.respond(&now, at.fract(), step, next - first);
            for (slot, sample) in out[first..].iter_mut().zip(&synthesizer.response) {
                *slot += sample;
            }
        }
        at += step;
        pulses += 1;
        if pulses.is_multiple_of(256) {
            progress(at / count as f64);
        }
    }
    out.truncate(count);
    out.into_iter().map(|sample| sample as f32).collect()
}

struct Synthesizer {
    phase: MinimumPhase,
    dice: ChaCha8Rng,
    spectrum: Vec<Complex64>,
    hiss: Vec<Complex64>,
    time: Vec<f64>,
    response: Vec<f64>,
}

impl Synthesizer {
    fn new(seed: u64) -> Self {
        Self {
            phase: MinimumPhase::new(),
            dice: ChaCha8Rng::seed_from_u64(seed ^ 0x766f_636f),
            spectrum: vec![Complex64::default(); RESPONSE_BINS],
            hiss: vec![Complex64::default(); RESPONSE_BINS],
            time: vec![0.0; RESPONSE_LEN],
            response: vec![0.0; RESPONSE_LEN],
        }
    }

    /// What one period (or one step of noise of `fresh` samples) adds, `late` samples after a whole one. Pulse and noise
    /// share the phase of the whole; their shares are only smooth weights on it.
    fn respond(&mut self, now: &Excitation, late: f64, step: f64, fresh: usize) {
        self.draw_noise(fresh);
        self.phase.spectrum(&now.log_power, &mut self.spectrum);
        let voiced = now.f0_hz.is_some();
        let strength = step.sqrt();
        let turn = Complex64::from_polar(1.0, -TAU * late / RESPONSE_LEN as f64);
        let mut pulse = Complex64::new(strength, 0.0);
        for ((bin, hiss), noise) in self.spectrum.iter().zip(&mut self.hiss).zip(&now.noise) {
            if voiced {
                let noise = noise.clamp(0.0, 1.0);
                *hiss = bin * (*hiss * noise.sqrt() + pulse * (1.0 - noise).sqrt());
                pulse *= turn;
            } else {
                *hiss *= bin;
            }
        }
        self.phase.inverse(&mut self.hiss, &mut self.response);
    }

    /// White noise of unit variance for the next samples, as a spectrum.
    fn draw_noise(&mut self, fresh: usize) {
        self.time.fill(0.0);
        let fresh = fresh.min(RESPONSE_LEN / 2);
        for sample in &mut self.time[..fresh] {
            // Two even draws: a triangular density is near enough to a normal one, and bounded.
            *sample = (self.dice.random_range(-1.0..1.0f64) + self.dice.random_range(-1.0..1.0f64)) * 1.5f64.sqrt();
        }
        self.phase.forward(&mut self.time, &mut self.hiss);
    }
}
