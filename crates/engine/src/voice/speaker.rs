//! Who lends the singer a voice: somebody outside who can speak. The engine itself runs no program.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Register;

/// A voice to sing with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Voice {
    /// The best installed voice for the register of the melody; the formant voice where none is.
    #[default]
    Auto,
    /// The engine's own formant synthesis.
    Formant,
    /// An American man (CMU ARCTIC `rms`).
    Rms,
    /// An American woman (CMU ARCTIC `slt`).
    Slt,
    /// A Scottish man (CMU ARCTIC `awb`).
    Awb,
    /// An American man from recorded diphones, at 16 kHz.
    Kal16,
}

impl Voice {
    /// Voices that somebody has to speak for the singer, the better understood first.
    pub const SPOKEN: [Self; 4] = [Self::Rms, Self::Slt, Self::Awb, Self::Kal16];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Formant => "formant",
            Self::Rms => "rms",
            Self::Slt => "slt",
            Self::Awb => "awb",
            Self::Kal16 => "kal16",
        }
    }

    /// The register that it lies in; `Auto` for voices that have both.
    pub const fn register(self) -> Register {
        match self {
            Self::Auto | Self::Formant => Register::Auto,
            Self::Slt => Register::High,
            Self::Rms | Self::Awb | Self::Kal16 => Register::Low,
        }
    }
}

impl fmt::Display for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Voice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Auto, Self::Formant]
            .into_iter()
            .chain(Self::SPOKEN)
            .find(|voice| voice.as_str() == name)
            .ok_or_else(|| format!("there is no voice \"{name}\"; there are auto, formant, rms, slt, awb and kal16"))
    }
}

/// One word to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenWord {
    /// As it is spelled.
    pub text: String,
    /// ARPAbet, vowels with their stress digit: what has to be heard, whatever the spelling suggests.
    pub phones: Vec<String>,
}

/// Words that were said, in one breath.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    pub sample_rate_hz: u32,
    /// Mono, within ±1.
    pub samples: Vec<f32>,
    /// Every sound in order, with the second in which it ends. ARPAbet without stress; `pau` is silence.
    pub phones: Vec<(String, f64)>,
}

/// Why nothing was said, in words for who runs the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpeechError(pub String);

/// Somebody who speaks. May take some tens of milliseconds a line and may use the machine; the same voice and words give
/// the same samples.
pub trait Speaker: Send + Sync {
    /// The voices that it has, of [`Voice::SPOKEN`].
    fn voices(&self) -> Vec<Voice>;

    /// Says words in one go. The sounds of the utterance, silence left out, are as many as those of the words, in their
    /// order, vowels where they have vowels.
    ///
    /// # Errors
    /// When the voice is not there or cannot say this.
    fn say(&self, voice: Voice, words: &[SpokenWord]) -> Result<Utterance, SpeechError>;
}
