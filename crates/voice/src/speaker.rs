//! Who lends the singer a voice: somebody outside who can speak. The engine itself runs no program.

use domain::options::Voice;

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
