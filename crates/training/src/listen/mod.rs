//! What can be heard of a piece without knowing what plays: tempo, key, tone, density.
//!
//! Plain signal processing with a threshold on each answer: what is not sure is not said, for a wrong word in a caption
//! teaches the model a wrong word.

mod keys;
mod spectra;
mod tempo;

use music::Key;

use spectra::Spectra;

/// Mean brightness (see [`Heard::brightness_hz`]) below which a piece is dark, and above which it is bright, in Hz.
const DARK_BELOW_HZ: f64 = 900.0;
const BRIGHT_ABOVE_HZ: f64 = 3_000.0;
/// Beginnings of sounds per second below which a piece is calm, and above which it is busy.
const CALM_BELOW: f64 = 1.2;
const BUSY_ABOVE: f64 = 5.0;

/// What was heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Heard {
    /// Quarters per minute, 50–200; `None` where there is no steady beat.
    pub tempo_bpm: Option<f64>,
    /// `None` where no key stands out.
    pub key: Option<Key>,
    /// Mean of the spectral centroid over the frames that sound, in Hz; 0 of silence.
    pub brightness_hz: f64,
    /// Beginnings of sounds per second.
    pub onsets_per_second: f64,
}

/// Listens to a piece: one channel at [`crate::SAMPLE_RATE_HZ`], half a minute or so.
pub fn listen(samples: &[f32]) -> Heard {
    let spectra = Spectra::of(samples);
    let onsets = tempo::onsets(&spectra.flux);
    let seconds = samples.len() as f64 / f64::from(crate::SAMPLE_RATE_HZ);
    Heard {
        tempo_bpm: tempo::estimate(&spectra.flux),
        key: keys::estimate(samples),
        brightness_hz: spectra.brightness_hz,
        onsets_per_second: if seconds > 0.0 { onsets as f64 / seconds } else { 0.0 },
    }
}

impl Heard {
    /// Words for a caption.
    pub fn words(&self) -> Vec<String> {
        let tempo = self.tempo_bpm.map(|bpm| format!("{bpm:.0} bpm"));
        let key = self.key.map(|key| key.to_string());
        let tone = match self.brightness_hz {
            hz if hz <= 0.0 => None,
            hz if hz < DARK_BELOW_HZ => Some("dark"),
            hz if hz > BRIGHT_ABOVE_HZ => Some("bright"),
            _ => None,
        };
        let density = match self.onsets_per_second {
            _ if self.brightness_hz <= 0.0 => None,
            rate if rate < CALM_BELOW => Some("calm"),
            rate if rate > BUSY_ABOVE => Some("energetic"),
            _ => None,
        };
        let words = [tone, density].into_iter().flatten().map(str::to_owned);
        tempo.into_iter().chain(key).chain(words).collect()
    }
}
