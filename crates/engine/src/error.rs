//! What can go wrong in the engine.

/// Why the engine could not go on. Every variant is about the input; a defect of ours is a panic in a test.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// No sung or hummed note was found.
    #[error("no melody found: {voiced_seconds:.2} s of {duration_seconds:.2} s are pitched, in {notes} notes")]
    NoMelody { voiced_seconds: f64, duration_seconds: f64, notes: usize },
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
}
