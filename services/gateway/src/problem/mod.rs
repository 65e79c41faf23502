//! Every error that the HTTP API can answer, in one table: status, code, title. The only place that knows statuses.
//!
//! Bodies are problem documents (RFC 9457) that also carry `success: false` and `error`, which older clients read.

mod body;
mod words;

use std::{fmt, time::Duration};

use actix_web::http::StatusCode;
use domain::{InvalidField, audio::Finding, job::JobState, quota::QuotaExceeded, starts::Starts};

use crate::wire::{QuotaBody, SongChoice};

pub use body::Problem;

/// Why a request was not carried out.
#[derive(Debug)]
pub enum ApiError {
    /// A field is missing or wrong; the name of the field and what is expected.
    InvalidField {
        field: &'static str,
        detail: String,
    },
    /// The body as a whole is not what the route takes.
    InvalidBody {
        detail: String,
    },
    /// Words that are not sung here: where they stand and what they are refused for, never the words.
    ContentRejected {
        field: &'static str,
        detail: String,
    },
    /// A recording was refused; every finding is told.
    AudioRefused {
        /// Which one, where there may be several.
        place: Option<FilePlace>,
        findings: Vec<Finding>,
    },
    /// A recording is not in a format that is accepted.
    UnsupportedAudio {
        place: Option<FilePlace>,
        findings: Vec<Finding>,
    },
    /// No file of an import is a song: why, file by file.
    SongsRefused {
        detail: String,
    },
    /// All files of an import are something else than MIDI files: what, file by file.
    NotMidi {
        detail: String,
    },
    /// The files of an import passed the limit; nothing of them is kept.
    SongsTooLarge {
        limit_bytes: u64,
    },
    /// The body is not of the type that the route takes.
    UnsupportedMediaType {
        detail: String,
    },
    /// The body went through a coding that is not read here.
    UnsupportedCoding {
        detail: String,
        /// Those that are, as in `Accept-Encoding`.
        accepted: &'static str,
    },
    /// The upload passed the limit; nothing of it is kept.
    TooLarge {
        limit_bytes: u64,
    },
    /// The files of one request passed the limit of all together; nothing of them is kept.
    FilesTooLarge {
        limit_bytes: u64,
    },
    /// What is asked for is not set up here: what an operator has to set.
    NotSetUp {
        detail: String,
    },
    /// The upload stood still, or took far too long; nothing of it is kept.
    TooSlow,
    Unauthenticated {
        detail: &'static str,
    },
    Forbidden,
    /// The embedded mode was asked under a name that is not this machine's.
    HostNotAllowed {
        detail: String,
    },
    /// The embedded mode was asked by a web page that is not its own.
    OriginNotAllowed {
        detail: String,
    },
    /// Also for what belongs to somebody else.
    NotFound,
    /// The same in the words of an older API, which its clients look for.
    RecordNotFound(&'static str),
    /// No job of this kind can be submitted here.
    UnknownKind {
        known: Vec<&'static str>,
    },
    /// The path takes other methods: these.
    MethodNotAllowed {
        allow: &'static str,
    },
    /// No song of the catalogue is called that.
    SongUnknown {
        /// Which of the songs, from 1.
        number: usize,
        wanted: String,
        nearest: Vec<SongChoice>,
    },
    /// Several songs of the catalogue are called that.
    SongAmbiguous {
        number: usize,
        wanted: String,
        choices: Vec<SongChoice>,
    },
    /// No model that the caller sees has this name.
    ModelUnknown {
        wanted: String,
        /// Names of those that there are.
        known: Vec<String>,
    },
    /// The model is in a state that does not allow this.
    ModelState {
        name: String,
        detail: String,
    },
    /// Another model has this name.
    ModelNameTaken {
        name: String,
    },
    /// Too many jobs of one kind in a short time.
    RateLimited {
        starts: Starts,
    },
    /// The result was there, and its time is over.
    Gone,
    /// `If-Match` names another version than the one that is there.
    PreconditionFailed,
    /// The job is in a state that does not allow this.
    JobState {
        state: JobState,
        detail: &'static str,
    },
    /// The first request with this idempotency key is still running.
    IdempotencyInFlight,
    /// This idempotency key was used with another request.
    IdempotencyMismatch,
    QuotaExceeded {
        exceeded: QuotaExceeded,
        retry_after: Duration,
        quota: QuotaBody,
    },
    /// Too many requests or uploads at once.
    TooManyRequests {
        retry_after: Duration,
    },
    /// Something that this request needs is away.
    Unavailable {
        what: &'static str,
    },
    /// A defect of ours; the cause is in the log.
    Internal,
}

impl ApiError {
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::InvalidField { .. }
            | Self::InvalidBody { .. }
            | Self::ContentRejected { .. }
            | Self::AudioRefused { .. } => StatusCode::BAD_REQUEST,
            Self::SongsRefused { .. } => StatusCode::BAD_REQUEST,
            Self::NotMidi { .. }
            | Self::UnsupportedAudio { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::UnsupportedCoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } | Self::SongsTooLarge { .. } | Self::FilesTooLarge { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::NotSetUp { .. } => StatusCode::NOT_IMPLEMENTED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::HostNotAllowed { .. } | Self::OriginNotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownKind { .. } | Self::SongUnknown { .. } => StatusCode::NOT_FOUND,
            Self::RecordNotFound(_) | Self::ModelUnknown { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Gone => StatusCode::GONE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::JobState { .. } | Self::IdempotencyInFlight | Self::SongAmbiguous { .. } => StatusCode::CONFLICT,
            Self::ModelState { .. } | Self::ModelNameTaken { .. } => StatusCode::CONFLICT,
            Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::QuotaExceeded { .. } | Self::TooManyRequests { .. } | Self::RateLimited { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidField { .. } => "invalid_field",
            Self::InvalidBody { .. } => "invalid_body",
            Self::ContentRejected { .. } => "content_rejected",
            Self::AudioRefused { .. } => "audio_refused",
            Self::UnsupportedAudio { .. } => "unsupported_audio",
            Self::SongsRefused { .. } => "songs_refused",
            Self::NotMidi { .. } => "not_midi",
            Self::UnsupportedMediaType { .. } => "unsupported_media_type",
            Self::UnsupportedCoding { .. } => "unsupported_coding",
            Self::TooLarge { .. } | Self::SongsTooLarge { .. } | Self::FilesTooLarge { .. } => "too_large",
            Self::NotSetUp { .. } => "not_set_up",
            Self::TooSlow => "too_slow",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::HostNotAllowed { .. } => "host_not_allowed",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::NotFound | Self::RecordNotFound(_) => "not_found",
            Self::UnknownKind { .. } => "unknown_kind",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::SongUnknown { .. } => "song_unknown",
            Self::SongAmbiguous { .. } => "song_ambiguous",
            Self::ModelUnknown { .. } => "model_unknown",
            Self::ModelState { .. } => "model_state",
            Self::ModelNameTaken { .. } => "model_name_taken",
            Self::RateLimited { .. } => "rate_limited",
            Self::Gone => "gone",
            Self::PreconditionFailed => "precondition_failed",
            Self::JobState { .. } => "job_state",
            Self::IdempotencyInFlight => "idempotency_in_flight",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl From<InvalidField> for ApiError {
    fn from(InvalidField { field, detail }: InvalidField) -> Self {
        Self::InvalidField { field, detail }
    }
}

/// Which of several files is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilePlace {
    /// The name of its part.
    pub role: &'static str,
    /// Among those of the same name, from 1; where there is one only it needs no number.
    pub number: Option<u32>,
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{}, file {number}", self.role),
            None => f.write_str(self.role),
        }
    }
}

#[cfg(test)]
mod tests;
