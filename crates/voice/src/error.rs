//! What can go wrong in singing.

use domain::options::Voice;

/// Why nothing was sung. A defect of ours is a panic in a test.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VoiceError {
    /// Lyrics and melody do not belong together.
    #[error("lyrics do not fit the melody: {0}")]
    Mismatch(String),
    /// The options name a voice that is not installed.
    #[error(
        "the voice {voice} is not installed: install flite (on Debian and Ubuntu: apt-get install flite), or ask for the \
         voice formant or auto"
    )]
    VoiceMissing { voice: Voice },
    /// Whoever speaks for the singer failed.
    #[error("the voice {voice} could not speak: {reason}")]
    Speech { voice: Voice, reason: String },
    /// A recording does not say the words that it should, or not so that they can be found.
    #[error("the words of line {} were not found in what was spoken: {reason}", line + 1)]
    Unaligned {
        /// Index into the lines of the lyrics.
        line: usize,
        reason: String,
    },
}
