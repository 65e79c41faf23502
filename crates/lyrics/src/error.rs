//! What can go wrong with words.

/// Why there are no lyrics. A defect of ours is a panic in a test.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LyricsError {
    /// Lyrics and melody do not belong together.
    #[error("lyrics do not fit the melody: {0}")]
    Mismatch(String),
    /// Lyrics were asked for in a language that there is none of.
    #[error("lyrics cannot be written in \"{asked}\"; choose one of: {known}")]
    UnknownLanguage { asked: String, known: String },
}
