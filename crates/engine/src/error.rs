//! What can go wrong in the engine.

use music::OutOfRange;

use crate::voice::Voice;

/// Why the engine could not go on. Almost every variant is about the input; a defect of ours is a panic in a test.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// No sung or hummed note was found.
    #[error(
        "no melody found: {voiced_seconds:.2} s of {duration_seconds:.2} s are pitched, in {notes} notes{}",
        outside.warnings().iter().map(|warning| format!(". {}", warning.trim_end_matches('.'))).collect::<String>()
    )]
    NoMelody { voiced_seconds: f64, duration_seconds: f64, notes: usize, outside: OutOfRange },
    /// The sample rate is outside of what the tracker was made for.
    #[error("sample rate {0} Hz is outside 8000 to 192000 Hz")]
    SampleRate(u32),
    /// Lyrics and melody do not belong together.
    #[error("lyrics do not fit the melody: {0}")]
    Mismatch(String),
    /// Lyrics were asked for in a language that there is none of.
    #[error("lyrics cannot be written in \"{asked}\"; choose one of: {known}")]
    UnknownLanguage { asked: String, known: String },
    /// The weights given for a neural model are not those of that model.
    #[error("these are not the weights of the model: {0}")]
    Weights(String),
    /// The options name a voice that is not installed.
    #[error(
        "the voice {voice} is not installed: install flite (on Debian and Ubuntu: apt-get install flite), or ask for the \
         voice formant or auto"
    )]
    VoiceMissing { voice: Voice },
    /// Whoever speaks for the singer failed.
    #[error("the voice {voice} could not speak: {reason}")]
    Speech { voice: Voice, reason: String },
}
