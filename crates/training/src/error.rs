//! Why no data for a training came of recordings.

use std::io;

use media::MediaError;

use crate::report::Report;

/// What went wrong with all of it. What is wrong with single files stands in the [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// What every file was refused for is in the report.
    #[error("{seconds:.0} s of sound can be trained on, and {needed:.0} s are needed")]
    TooLittle { seconds: f64, needed: f64, report: Box<Report> },
    #[error("the preparation was stopped")]
    Stopped,
    #[error("keeping recordings in temporary files")]
    Spool(#[source] io::Error),
    /// The fault of this machine and not of a file.
    #[error("working on the sound")]
    Media(#[source] MediaError),
    #[error("packing the pieces")]
    Pack(#[source] zip::result::ZipError),
    #[error("writing the manifest")]
    Manifest(#[source] serde_json::Error),
}

impl TrainingError {
    /// Whether the same recordings may do on another try.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::TooLittle { .. } | Self::Manifest(_) => false,
            Self::Stopped | Self::Spool(_) | Self::Pack(_) => true,
            Self::Media(error) => error.is_retryable(),
        }
    }

    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLittle { .. } => "too_little",
            Self::Stopped => "stopped",
            Self::Spool(_) => "spool",
            Self::Media(error) => error.code(),
            Self::Pack(_) => "pack",
            Self::Manifest(_) => "manifest",
        }
    }
}
