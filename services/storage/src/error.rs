//! Why storage could not carry out a request, with what the requester needs to decide: a code, and whether to retry.

use std::io;

use blob_store::{BlobError, InvalidKey};
use contracts::ContractError;
use domain::{ArtifactRole, JobId, JobState, KindName, SongId};
use media::MediaError;
use messaging::MessagingError;
use persistence::PersistenceError;

/// Display is what the requester reads: sentences without prompts, lyrics, secrets or addresses.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("the request cannot be read")]
    Request(#[from] ContractError),
    #[error("the request names an object that cannot exist")]
    Key(#[from] InvalidKey),
    /// The key lies outside of the job's own working objects.
    #[error("the request names an object of something else than job {job}")]
    ForeignObject { job: JobId },
    #[error("there is no job {job}")]
    JobMissing { job: JobId },
    #[error("job {job} is already {state}")]
    JobOver { job: JobId, state: JobState },
    #[error("job {job} is not over yet: it is {state}")]
    JobNotOver { job: JobId, state: JobState },
    /// Another orchestrator has taken the job over since the request was made.
    #[error("job {job} has a new holder")]
    Superseded { job: JobId },
    #[error("the {role} has another size than announced: {announced_bytes} bytes were announced")]
    SizeMismatch { role: ArtifactRole, announced_bytes: u64 },
    #[error("the {role} is not the one that was announced: its hash differs")]
    HashMismatch { role: ArtifactRole },
    #[error("the {role} is refused: {reason}")]
    FileRefused { role: ArtifactRole, reason: &'static str },
    #[error("there is no song {song} in the catalogue")]
    SongMissing { song: SongId },
    #[error("the request names an object that is no upload")]
    NoUpload,
    #[error("the upload is not the one that was announced")]
    UploadChanged,
    /// Only another version knows it; that one may take the next try.
    #[error("jobs of the kind {kind} leave no {role} that this version knows of")]
    RoleUnknown { kind: KindName, role: ArtifactRole },
    #[error("the plan of what is to be taken in cannot be read")]
    Plan(#[source] serde_json::Error),
    #[error("the audio of the result could not be processed: {0}")]
    Media(#[from] MediaError),
    #[error(transparent)]
    Objects(#[from] BlobError),
    #[error("the rows of the result could not be read or written")]
    Rows(#[from] PersistenceError),
    #[error("a temporary file could not be used")]
    TemporaryFile(#[from] io::Error),
    #[error("the broker could not be used")]
    Messages(#[from] MessagingError),
    /// A worker ended before its work did: shutdown, or a defect of ours.
    #[error("the work on the audio was interrupted")]
    Interrupted,
}

impl StorageError {
    /// Whether the same request may succeed later with nothing changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Media(error) => error.is_retryable(),
            Self::Objects(error) => error.is_retryable(),
            Self::Rows(error) => error.is_retryable(),
            Self::Messages(error) => error.is_retryable(),
            Self::TemporaryFile(_) | Self::Interrupted | Self::RoleUnknown { .. } => true,
            Self::Request(_)
            | Self::Key(_)
            | Self::ForeignObject { .. }
            | Self::JobMissing { .. }
            | Self::JobOver { .. }
            | Self::JobNotOver { .. }
            | Self::Superseded { .. }
            | Self::SizeMismatch { .. }
            | Self::HashMismatch { .. }
            | Self::FileRefused { .. }
            | Self::SongMissing { .. }
            | Self::NoUpload
            | Self::UploadChanged
            | Self::Plan(_) => false,
        }
    }

    /// A word that a program can act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "request_invalid",
            Self::Key(_) | Self::ForeignObject { .. } | Self::NoUpload => "object_key_invalid",
            Self::JobMissing { .. } => "job_missing",
            Self::JobOver { .. } => "job_over",
            Self::JobNotOver { .. } => "job_not_over",
            Self::Superseded { .. } => "superseded",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::HashMismatch { .. } => "hash_mismatch",
            Self::FileRefused { .. } => "file_refused",
            Self::SongMissing { .. } => "song_missing",
            Self::UploadChanged => "upload_changed",
            Self::RoleUnknown { .. } => "role_unknown",
            Self::Plan(_) => "plan_invalid",
            Self::Media(_) => "audio_unprocessable",
            Self::Objects(error) => error.code(),
            Self::Rows(error) => error.code(),
            Self::Messages(error) => error.code(),
            Self::TemporaryFile(_) => "temporary_file",
            Self::Interrupted => "interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use telemetry::error_chain;

    use super::*;

    #[test]
    fn a_log_line_names_every_cause_once_and_says_whether_to_try_again() {
        let missing = StorageError::Objects(BlobError::NotFound { key: "jobs/1/work/a".parse().unwrap() });
        assert_eq!(error_chain(&missing), "object jobs/1/work/a does not exist");
        let full = StorageError::TemporaryFile(io::Error::new(io::ErrorKind::StorageFull, "disk full"));
        assert_eq!(error_chain(&full), "a temporary file could not be used: disk full");
        assert!(full.is_retryable() && !missing.is_retryable());
        assert_eq!(missing.code(), "object_missing");
    }
}
