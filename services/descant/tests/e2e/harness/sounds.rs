//! Recordings that the tests make themselves.

use std::sync::OnceLock;

use media::{Encoding, Tags};
use music::PitchTrack;
use pitch::sample::{HummedTune, hummed_tune};

/// A hummed melody whose pitch is known exactly.
#[derive(Clone)]
pub struct Hum {
    pub sample_rate_hz: u32,
    pub samples: Vec<f32>,
    /// What was really hummed.
    pub truth: PitchTrack,
}

/// The first two lines of a tune: the shortest that makes a song of two lines.
const TWO_LINES_SECONDS: f64 = 8.2;

fn tune() -> &'static HummedTune {
    static TUNE: OnceLock<HummedTune> = OnceLock::new();
    TUNE.get_or_init(hummed_tune)
}

/// Two lines, about eight seconds.
pub fn hum() -> Hum {
    let tune = tune();
    let rate = tune.sample_rate_hz;
    let length = (TWO_LINES_SECONDS * f64::from(rate)) as usize;
    let mut samples = tune.samples[..length].to_vec();
    // A cut in the middle of a sound would be a click.
    let fade = rate as usize / 50;
    let start = samples.len() - fade;
    for (i, sample) in samples[start..].iter_mut().enumerate() {
        *sample *= 1.0 - i as f32 / fade as f32;
    }
    let mut truth = tune.track.clone();
    truth.frames.truncate((TWO_LINES_SECONDS / truth.hop_seconds) as usize);
    Hum { sample_rate_hz: rate, samples, truth }
}

/// The tune again and again, for jobs that must not be over at once.
pub fn long_hum(seconds: f64) -> Hum {
    let tune = tune();
    let length = (seconds * f64::from(tune.sample_rate_hz)) as usize;
    let samples = tune.samples.iter().copied().cycle().take(length).collect();
    Hum { sample_rate_hz: tune.sample_rate_hz, samples, truth: tune.track.clone() }
}

impl Hum {
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    pub fn wav(&self) -> Vec<u8> {
        wav(&self.samples, self.sample_rate_hz)
    }

    pub fn encoded(&self, encoding: Encoding) -> Vec<u8> {
        media::encode(&self.samples, self.sample_rate_hz, 1, encoding, &Tags::default()).expect("a hum can be encoded")
    }
}

/// Mono, 16 bits.
pub fn wav(samples: &[f32], sample_rate_hz: u32) -> Vec<u8> {
    media::encode(samples, sample_rate_hz, 1, Encoding::Wav16, &Tags::default()).expect("samples can be encoded")
}
