//! Typed ids. All but [`UserId`] are UUIDv7: unique without coordination and sortable by the moment they were made.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Builds a UUIDv7 from the moment of creation and ten random bytes (RFC 9562, section 5.7).
            pub fn new(at: DateTime<Utc>, random: [u8; 10]) -> Self {
                let unix_ms = u64::try_from(at.timestamp_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
            }

            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId { kind: stringify!($name) })
            }
        }
    };
}

uuid_id!(
    /// A job, from acceptance to its tombstone.
    JobId
);
uuid_id!(
    /// One message on the bus; consumers are idempotent by it.
    MessageId
);
uuid_id!(
    /// One streamed upload, before and after it belongs to a job.
    UploadId
);
uuid_id!(
    /// One stored result file of a job.
    ArtifactId
);
uuid_id!(
    /// One request to a provider outside, written down before it is made.
    OutsideCallId
);
uuid_id!(
    /// What a finished stage made, kept for later jobs.
    StageResultId
);
uuid_id!(
    /// One song of the catalogue.
    SongId
);
uuid_id!(
    /// One model of the registry, whatever it is called.
    ModelId
);

/// The text given as an id does not parse as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected a UUID such as 018f6b1e-7c2a-7000-8000-000000000000")]
pub struct InvalidId {
    kind: &'static str,
}

/// Who owns a job: the subject of a verified token, or the one local user of the embedded mode.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

impl UserId {
    /// Longest accepted subject, in bytes: the size of the database column.
    pub const MAX_BYTES: usize = 255;

    /// The only user of the embedded mode.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// Whoever holds the operator's token; owns no jobs.
    pub fn operator() -> Self {
        Self("operator".to_owned())
    }

    /// Accepts a non-empty printable subject of at most [`Self::MAX_BYTES`] bytes.
    pub fn new(subject: impl Into<String>) -> Result<Self, InvalidUserId> {
        let subject = subject.into();
        let printable = subject.chars().all(|c| !c.is_control());
        if subject.trim().is_empty() || subject.len() > Self::MAX_BYTES || !printable {
            return Err(InvalidUserId);
        }
        Ok(Self(subject))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is read from a row, a message or a request passes the same door.
impl TryFrom<String> for UserId {
    type Error = InvalidUserId;

    fn try_from(text: String) -> Result<Self, InvalidUserId> {
        Self::new(text)
    }
}

impl From<UserId> for String {
    fn from(value: UserId) -> Self {
        value.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text given as a user is empty, too long or holds control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid user id: expected 1 to 255 bytes of printable text")]
pub struct InvalidUserId;
