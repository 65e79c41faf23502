//! A vocoder: a recorded voice taken apart into a spectral envelope and a share of noise, every 5 ms, and put together
//! again at any pitch and in any time.
//!
//! Of the kind of WORLD (M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system
//! for real-time applications", IEICE Trans. E99-D(7), 2016), written from the papers. F0 comes from outside. Never
//! holds more than one recording, never guesses a pitch.

mod aperiodicity;
mod envelope;
mod phase;
mod synthesis;

pub use aperiodicity::{BAND_CENTRES_HZ, BANDS};
pub use synthesis::{Excitation, synthesize};

use self::{aperiodicity::Aperiodicity, envelope::Envelope};

/// Time between frames of an analysis.
pub const HOP_SECONDS: f64 = 0.005;
/// Samples of a transform: 64 ms at 16 kHz, three periods of 47 Hz.
const FFT_LEN: usize = 1024;
/// Numbers of an envelope, from 0 Hz to half the sample rate.
pub const BINS: usize = FFT_LEN / 2 + 1;
/// Envelopes where there is no pitch are smoothed as if this were one: quick enough for the burst of a plosive.
const UNVOICED_HZ: f64 = 400.0;
/// No analysis window is longer than three periods of this.
const LOWEST_HZ: f64 = 60.0;

/// One moment of a voice.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Natural logarithm of the power density in each of [`BINS`] bins; its mean over the bins is the mean square of
    /// the samples.
    pub log_power: Vec<f32>,
    /// Share of the power that is noise, 0–1, around each of [`BAND_CENTRES_HZ`].
    pub noise: [f32; BANDS],
    pub voiced: bool,
}

/// A voice taken apart. Frame `i` is centred on `i` · [`HOP_SECONDS`].
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    pub sample_rate_hz: u32,
    pub frames: Vec<Frame>,
}

/// Takes a voice apart. `f0_hz` gives the pitch at a moment in seconds, `None` where there is none.
pub fn analyse(samples: &[f32], sample_rate_hz: u32, f0_hz: impl Fn(f64) -> Option<f64>) -> Analysis {
    let rate = f64::from(sample_rate_hz);
    let count = (samples.len() as f64 / rate / HOP_SECONDS) as usize + 1;
    let mut envelope = Envelope::new(rate);
    let mut aperiodicity = Aperiodicity::new(rate);
    let frames = (0..count).map(|index| {
        let seconds = index as f64 * HOP_SECONDS;
        let centre = seconds * rate;
        let pitch = f0_hz(seconds).map(|hz| hz.clamp(LOWEST_HZ, 0.1 * rate));
        Frame {
            log_power: envelope.at(samples, centre, pitch.unwrap_or(UNVOICED_HZ)),
            noise: pitch.map_or([1.0; BANDS], |hz| aperiodicity.at(samples, centre, hz)),
            voiced: pitch.is_some(),
        }
    });
    Analysis { sample_rate_hz, frames: frames.collect() }
}

/// A piece of a recording under a window that is symmetric around `centre` (a sample, not whole); outside is silence.
/// Writes `2 · half + 1` samples.
fn windowed(samples: &[f32], centre: f64, half: usize, window: impl Fn(f64) -> f64, out: &mut [f64]) {
    let middle = centre.round() as i64;
    for (place, slot) in out.iter_mut().enumerate().take(2 * half + 1) {
        let offset = place as i64 - half as i64;
        let sample = usize::try_from(middle + offset).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
        *slot = f64::from(sample) * window(offset as f64);
    }
}

#[cfg(test)]
mod tests;
