//! What can go wrong with objects, and three answers about each: retryable, code, metric label.

use std::io;

use crate::key::{InvalidKey, ObjectKey};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// An operation on the store that did not succeed. Display names the operation and its subject, not the source.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("object {key} does not exist")]
    NotFound { key: ObjectKey },
    #[error("object {key} is larger than {limit_bytes} bytes")]
    LimitExceeded { key: ObjectKey, limit_bytes: u64 },
    /// The wanted part lies outside of the object.
    #[error("the range lies outside of object {key}")]
    InvalidRange { key: ObjectKey },
    #[error("the name of the object is refused")]
    InvalidKey(#[from] InvalidKey),
    /// The caller's stream broke; the store is fine.
    #[error("the content of object {key} stopped before its end")]
    Body {
        key: ObjectKey,
        #[source]
        source: io::Error,
    },
    /// Credentials, permissions or file rights forbid it.
    #[error("the object store refused to {operation} {subject}")]
    Denied {
        operation: &'static str,
        subject: String,
        #[source]
        source: Source,
    },
    /// Out of reach, overloaded, out of time or out of space; the same call may succeed later.
    #[error("the object store could not {operation} {subject} now")]
    Unavailable {
        operation: &'static str,
        subject: String,
        #[source]
        source: Source,
    },
    /// An answer that waiting does not mend.
    #[error("the object store failed to {operation} {subject}")]
    Failed {
        operation: &'static str,
        subject: String,
        #[source]
        source: Source,
    },
    /// The store cannot be set up as asked.
    #[error("the object store's settings are wrong: {0}")]
    Settings(String),
}

impl BlobError {
    /// Whether the same call may succeed later with nothing changed.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::NotFound { .. }
            | Self::LimitExceeded { .. }
            | Self::InvalidRange { .. }
            | Self::InvalidKey(_)
            | Self::Body { .. }
            | Self::Denied { .. }
            | Self::Failed { .. }
            | Self::Settings(_) => false,
        }
    }

    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "object_missing",
            Self::LimitExceeded { .. } => "object_too_large",
            Self::InvalidRange { .. } => "range_not_satisfiable",
            Self::InvalidKey(_) => "object_key_invalid",
            Self::Body { .. } => "body_interrupted",
            Self::Denied { .. } => "object_store_denied",
            Self::Unavailable { .. } => "object_store_unavailable",
            Self::Failed { .. } => "object_store_failed",
            Self::Settings(_) => "object_store_settings",
        }
    }

    /// Label for metrics; a closed set.
    pub const fn metric_label(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::LimitExceeded { .. } => "limit",
            Self::InvalidRange { .. } | Self::InvalidKey(_) => "invalid",
            Self::Body { .. } => "body",
            Self::Denied { .. } => "denied",
            Self::Unavailable { .. } => "unavailable",
            Self::Failed { .. } | Self::Settings(_) => "failed",
        }
    }

    /// Sorts an error of the file system.
    pub(crate) fn from_io(operation: &'static str, key: Option<&ObjectKey>, source: io::Error) -> Self {
        use io::ErrorKind as K;
        let subject = key.map_or_else(|| "its folder".to_owned(), ToString::to_string);
        match (source.kind(), key) {
            // A key below an object, or an object that is a folder of others: there is no object by that name.
            (K::NotFound | K::NotADirectory | K::IsADirectory, Some(key)) => Self::NotFound { key: key.clone() },
            (K::PermissionDenied | K::ReadOnlyFilesystem, _) => {
                Self::Denied { operation, subject, source: Box::new(source) }
            }
            (K::StorageFull | K::QuotaExceeded | K::Interrupted | K::TimedOut | K::ResourceBusy, _) => {
                Self::Unavailable { operation, subject, source: Box::new(source) }
            }
            _ => Self::Failed { operation, subject, source: Box::new(source) },
        }
    }
}
