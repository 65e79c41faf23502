//! What can go wrong between a recording and its melody.

use music::OutOfRange;

/// Why no melody came of a recording. A defect of ours is a panic in a test.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PitchError {
    /// No sung or hummed note was found.
    #[error(
        "no melody found: {voiced_seconds:.2} s of {duration_seconds:.2} s are pitched, in {notes} notes{}",
        outside.warnings().iter().map(|warning| format!(". {}", warning.trim_end_matches('.'))).collect::<String>()
    )]
    NoMelody { voiced_seconds: f64, duration_seconds: f64, notes: usize, outside: OutOfRange },
    /// The sample rate is outside of what the trackers were made for.
    #[error("sample rate {0} Hz is outside 8000 to 192000 Hz")]
    SampleRate(u32),
    /// The weights given for a neural model are not those of that model.
    #[error("these are not the weights of the model: {0}")]
    Weights(String),
}
