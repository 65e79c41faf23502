//! Why there is no verdict: never because of what the recording holds.

use blob_store::BlobError;
use contracts::ContractError;
use media::MediaError;

/// What hinders the judging.
#[derive(Debug, thiserror::Error)]
pub enum ValidatorError {
    #[error("the request cannot be read")]
    Request(#[from] ContractError),
    #[error("the recording cannot be fetched")]
    Fetch(#[from] BlobError),
    /// Only errors that the file is not to blame for: see [`MediaError::is_retryable`].
    #[error("the recording could not be read through")]
    Media(#[from] MediaError),
    #[error("the song could not be read through")]
    Read(#[source] std::io::Error),
    /// The decoder's thread ended before its work did: shutdown, or a defect of ours.
    #[error("decoding ended unexpectedly")]
    Interrupted,
}

impl ValidatorError {
    /// Whether the same request may succeed later with nothing changed.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Request(_) => false,
            Self::Fetch(error) => error.is_retryable(),
            Self::Media(_) | Self::Read(_) | Self::Interrupted => true,
        }
    }

    /// A word that a program can act on; the fault's code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Request(error) => error.code(),
            Self::Fetch(error) => error.code(),
            Self::Media(_) | Self::Read(_) => "recording_unreadable_now",
            Self::Interrupted => "decoder_failed",
        }
    }
}
