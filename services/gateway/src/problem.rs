//! Every error that the HTTP API can answer, in one table: status, code, title. The only place that knows statuses.
//!
//! Bodies are problem documents (RFC 9457) that also carry `success: false` and `error`, which older clients read.

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::{
    audio::{Finding, Severity},
    job::JobState,
    quota::QuotaExceeded,
    starts::Starts,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{FindingBody, QuotaBody, SongChoice};

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
    RecordNotFound {
        detail: &'static str,
    },
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
            Self::TooLarge { .. } | Self::SongsTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::HostNotAllowed { .. } | Self::OriginNotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::NotFound | Self::RecordNotFound { .. } | Self::UnknownKind { .. } | Self::SongUnknown { .. } => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Gone => StatusCode::GONE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::JobState { .. } | Self::IdempotencyInFlight | Self::SongAmbiguous { .. } => StatusCode::CONFLICT,
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
            Self::TooLarge { .. } | Self::SongsTooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::HostNotAllowed { .. } => "host_not_allowed",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::NotFound | Self::RecordNotFound { .. } => "not_found",
            Self::UnknownKind { .. } => "unknown_kind",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::SongUnknown { .. } => "song_unknown",
            Self::SongAmbiguous { .. } => "song_ambiguous",
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

    const fn title(&self) -> &'static str {
        match self {
            Self::InvalidField { .. } => "A field is missing or wrong",
            Self::InvalidBody { .. } => "The body is not what this route takes",
            Self::ContentRejected { .. } => "These words are not sung here",
            Self::AudioRefused { .. } => "The recording was refused",
            Self::UnsupportedAudio { .. } => "The recording's format is not accepted",
            Self::SongsRefused { .. } | Self::NotMidi { .. } => "No song was found in it",
            Self::UnsupportedMediaType { .. } => "The body's type is not accepted",
            Self::UnsupportedCoding { .. } => "The body's coding is not accepted",
            Self::TooLarge { .. } | Self::SongsTooLarge { .. } => "The upload is too large",
            Self::TooSlow => "The upload stood still",
            Self::Unauthenticated { .. } => "Who are you?",
            Self::Forbidden => "Not allowed",
            Self::HostNotAllowed { .. } => "This name of the server is not allowed",
            Self::OriginNotAllowed { .. } => "This page may not use the server",
            Self::NotFound | Self::RecordNotFound { .. } => "Not found",
            Self::UnknownKind { .. } => "No such kind of job",
            Self::MethodNotAllowed { .. } => "This path takes another method",
            Self::SongUnknown { .. } => "No such song",
            Self::SongAmbiguous { .. } => "Several songs have this name",
            Self::RateLimited { .. } => "Too many in a short time",
            Self::Gone => "No longer kept",
            Self::PreconditionFailed => "Another version is here",
            Self::JobState { .. } => "The job's state does not allow this",
            Self::IdempotencyInFlight => "The first request with this key is still running",
            Self::IdempotencyMismatch => "This idempotency key belongs to another request",
            Self::QuotaExceeded { .. } => "Quota exceeded",
            Self::TooManyRequests { .. } => "Too many requests",
            Self::Unavailable { .. } => "Not available right now",
            Self::Internal => "Something went wrong on our side",
        }
    }

    /// What is wrong here and what to do about it.
    fn detail(&self) -> String {
        match self {
            Self::InvalidField { field, detail } => format!("{field}: {detail}"),
            Self::InvalidBody { detail }
            | Self::SongsRefused { detail }
            | Self::NotMidi { detail }
            | Self::UnsupportedMediaType { detail }
            | Self::UnsupportedCoding { detail, .. }
            | Self::HostNotAllowed { detail }
            | Self::OriginNotAllowed { detail }
            | Self::ContentRejected { detail, .. } => detail.clone(),
            Self::AudioRefused { place, findings } | Self::UnsupportedAudio { place, findings } => {
                // Warnings stand in `findings`; here only what has to change.
                let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
                let errors = errors.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join(" ");
                match place {
                    Some(place) => format!("{place}: {errors}"),
                    None => errors,
                }
            }
            Self::TooLarge { limit_bytes } => format!(
                "File size exceeds maximum of {} MB; shorten or compress the recording.",
                limit_bytes / (1024 * 1024)
            ),
            Self::SongsTooLarge { limit_bytes } => {
                format!("The files are larger than {} MB together; send them in parts.", limit_bytes / (1024 * 1024))
            }
            Self::TooSlow => "The upload stood still for too long; send it again over a better connection.".to_owned(),
            Self::Unauthenticated { detail } => (*detail).to_owned(),
            Self::Forbidden => "Your token does not allow this.".to_owned(),
            Self::NotFound => "There is nothing here under this id.".to_owned(),
            Self::RecordNotFound { detail } => (*detail).to_owned(),
            Self::UnknownKind { known } => format!("Known here are: {}.", known.join(", ")),
            Self::MethodNotAllowed { allow } => format!("Use {allow}."),
            Self::SongUnknown { number, wanted, nearest } => {
                let names: Vec<&str> = nearest.iter().map(|song| song.name.as_str()).collect();
                let advice = if names.is_empty() {
                    "nothing in the catalogue is like it: send the song as a file".to_owned()
                } else {
                    format!("did you mean {}?", names.join(", or "))
                };
                format!("songs, song {number}: no song is called {wanted}; {advice}")
            }
            Self::SongAmbiguous { number, wanted, choices } => {
                let with_id = |SongChoice { id, name, .. }: &SongChoice| {
                    if name.ends_with(&format!("({id})")) { name.clone() } else { format!("{name} ({id})") }
                };
                let names: Vec<String> = choices.iter().map(with_id).collect();
                format!(
                    "songs, song {number}: several songs are called {wanted}; name one by its id: {}",
                    names.join(", ")
                )
            }
            Self::RateLimited { starts } => format!(
                "At most {} of these may be started in {} s; try again in {} s.",
                starts.limit.starts,
                starts.limit.within.as_secs(),
                starts.reset.as_secs_f64().ceil().max(1.0)
            ),
            Self::Gone => "The files of this job have been deleted; its time to be kept is over.".to_owned(),
            Self::PreconditionFailed => {
                "The file is not the version that If-Match names; fetch it without If-Match, and use its ETag."
                    .to_owned()
            }
            Self::JobState { state, detail } => format!("The job is {state}: {detail}."),
            Self::IdempotencyInFlight => "Wait for its answer, or ask again a little later.".to_owned(),
            Self::IdempotencyMismatch => "Use a new Idempotency-Key for a new request.".to_owned(),
            Self::QuotaExceeded { exceeded, .. } => format!(
                "Your {} quota of {} jobs is used up; it starts afresh at {}.",
                exceeded.period,
                exceeded.limit,
                exceeded.resets_at.format("%Y-%m-%dT%H:%M:%SZ")
            ),
            Self::TooManyRequests { retry_after } => format!("Try again in {} s.", retry_after.as_secs().max(1)),
            Self::Unavailable { what } => format!("{what} cannot be reached; try again shortly."),
            Self::Internal => {
                "It has been logged; try again, and tell the operator the trace id if it stays.".to_owned()
            }
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::QuotaExceeded { retry_after, .. } | Self::TooManyRequests { retry_after } => Some(*retry_after),
            Self::RateLimited { starts } => Some(Duration::from_secs_f64(starts.reset.as_secs_f64().ceil())),
            Self::Unavailable { .. } => Some(Duration::from_secs(5)),
            Self::IdempotencyInFlight => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::AudioRefused { findings, .. } | Self::UnsupportedAudio { findings, .. } => findings.clone(),
            _ => Vec::new(),
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Problem {
        let detail = self.detail();
        Problem {
            kind: format!("/problems/{}", self.code()),
            title: self.title(),
            status: self.status().as_u16(),
            detail: detail.clone(),
            code: self.code(),
            success: false,
            error: detail,
            field: match self {
                Self::InvalidField { field, .. } | Self::ContentRejected { field, .. } => Some(field),
                Self::AudioRefused { place: Some(place), .. } | Self::UnsupportedAudio { place: Some(place), .. } => {
                    Some(place.role)
                }
                Self::SongUnknown { .. } | Self::SongAmbiguous { .. } => Some("songs"),
                _ => None,
            },
            choices: match self {
                Self::SongUnknown { nearest: songs, .. } | Self::SongAmbiguous { choices: songs, .. } => songs.clone(),
                _ => Vec::new(),
            },
            findings: self.findings().iter().map(FindingBody::of).collect(),
            quota: match self {
                Self::QuotaExceeded { quota, .. } => Some(quota.clone()),
                _ => None,
            },
            retry_after_seconds: self.retry_after().map(|wait| wait.as_secs().max(1)),
        }
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

/// An error of the API (RFC 9457, with two members for older clients).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `/problems/{code}`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    pub status: u16,
    /// What is wrong here and what to do about it.
    pub detail: String,
    /// A word that a program can act on.
    pub code: &'static str,
    /// Always `false`.
    pub success: bool,
    /// The same as `detail`.
    pub error: String,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// Songs that may be meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<SongChoice>,
    /// What is wrong with the recording.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingBody>,
    /// What is used and what is allowed, where that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaBody>,
    /// As in the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        response.content_type("application/problem+json");
        if let Some(wait) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, wait.as_secs().max(1)));
        }
        if matches!(self, Self::Unauthenticated { .. }) {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Self::UnsupportedCoding { accepted, .. } = self {
            // RFC 9110, section 12.5.3: so a client can tell it from a media type that is refused.
            response.insert_header((header::ACCEPT_ENCODING, *accepted));
        }
        if let Self::MethodNotAllowed { allow } = self {
            response.insert_header((header::ALLOW, *allow));
        }
        response.json(self.body())
    }
}

#[cfg(test)]
mod tests {
    use domain::{audio::FindingCode, quota::Period, starts::StartLimit};

    use super::*;

    /// One of each. A new variant breaks `place` below, and then the count here.
    fn one_of_each() -> Vec<ApiError> {
        let findings = || {
            vec![
                Finding::warning(FindingCode::MonoAudio, "It is mono."),
                Finding::error(FindingCode::SilentAudio, "It is silent."),
            ]
        };
        let wait = Duration::from_millis(10);
        let quota = QuotaBody { daily_used: 10, daily_limit: Some(10), monthly_used: 10, monthly_limit: None };
        let exceeded = QuotaExceeded { period: Period::Daily, limit: 10, resets_at: chrono::DateTime::UNIX_EPOCH };
        vec![
            ApiError::InvalidField { field: "prompt", detail: "too short".to_owned() },
            ApiError::InvalidBody { detail: String::new() },
            ApiError::AudioRefused { place: None, findings: findings() },
            ApiError::UnsupportedAudio { place: None, findings: findings() },
            ApiError::UnsupportedMediaType { detail: String::new() },
            ApiError::TooLarge { limit_bytes: 1 },
            ApiError::Unauthenticated { detail: "" },
            ApiError::Forbidden,
            ApiError::NotFound,
            ApiError::MethodNotAllowed { allow: "GET" },
            ApiError::Gone,
            ApiError::JobState { state: JobState::Running, detail: "" },
            ApiError::IdempotencyInFlight,
            ApiError::IdempotencyMismatch,
            ApiError::QuotaExceeded { exceeded, retry_after: wait, quota },
            ApiError::TooManyRequests { retry_after: wait },
            ApiError::Unavailable { what: "" },
            ApiError::Internal,
            ApiError::TooSlow,
            ApiError::ContentRejected { field: "prompt", detail: String::new() },
            ApiError::HostNotAllowed { detail: String::new() },
            ApiError::OriginNotAllowed { detail: String::new() },
            ApiError::UnsupportedCoding { detail: String::new(), accepted: "" },
            ApiError::PreconditionFailed,
            ApiError::UnknownKind { known: vec!["melody-to-vocals"] },
            ApiError::SongUnknown { number: 1, wanted: "x".to_owned(), nearest: Vec::new() },
            ApiError::SongAmbiguous { number: 1, wanted: "x".to_owned(), choices: Vec::new() },
            ApiError::RateLimited {
                starts: Starts { limit: StartLimit { starts: 10, within: wait }, remaining: 0, reset: wait },
            },
            ApiError::SongsRefused { detail: String::new() },
            ApiError::NotMidi { detail: String::new() },
            ApiError::SongsTooLarge { limit_bytes: 1 },
            ApiError::RecordNotFound { detail: "Record not found" },
        ]
    }

    fn place(error: &ApiError) -> usize {
        match error {
            ApiError::InvalidField { .. } => 0,
            ApiError::InvalidBody { .. } => 1,
            ApiError::AudioRefused { .. } => 2,
            ApiError::UnsupportedAudio { .. } => 3,
            ApiError::UnsupportedMediaType { .. } => 4,
            ApiError::TooLarge { .. } => 5,
            ApiError::Unauthenticated { .. } => 6,
            ApiError::Forbidden => 7,
            ApiError::NotFound => 8,
            ApiError::MethodNotAllowed { .. } => 9,
            ApiError::Gone => 10,
            ApiError::JobState { .. } => 11,
            ApiError::IdempotencyInFlight => 12,
            ApiError::IdempotencyMismatch => 13,
            ApiError::QuotaExceeded { .. } => 14,
            ApiError::TooManyRequests { .. } => 15,
            ApiError::Unavailable { .. } => 16,
            ApiError::Internal => 17,
            ApiError::TooSlow => 18,
            ApiError::ContentRejected { .. } => 19,
            ApiError::HostNotAllowed { .. } => 20,
            ApiError::OriginNotAllowed { .. } => 21,
            ApiError::UnsupportedCoding { .. } => 22,
            ApiError::PreconditionFailed => 23,
            ApiError::UnknownKind { .. } => 24,
            ApiError::SongUnknown { .. } => 25,
            ApiError::SongAmbiguous { .. } => 26,
            ApiError::RateLimited { .. } => 27,
            ApiError::SongsRefused { .. } => 28,
            ApiError::NotMidi { .. } => 29,
            ApiError::SongsTooLarge { .. } => 30,
            ApiError::RecordNotFound { .. } => 31,
        }
    }

    #[test]
    fn every_code_stands_in_the_reference_with_its_status() {
        const REFERENCE: &str = include_str!("../../../docs/http.md");
        let errors = one_of_each();
        assert_eq!(errors.iter().map(place).collect::<Vec<_>>(), (0..errors.len()).collect::<Vec<_>>());
        for error in errors {
            let row = format!("| `{}` | {} |", error.code(), error.status().as_u16());
            assert!(REFERENCE.contains(&row), "docs/http.md has no row {row}");
        }
    }

    #[test]
    fn a_refusal_says_what_has_to_change_and_tells_the_rest_apart() {
        for error in one_of_each().iter().filter(|error| !error.findings().is_empty()) {
            let body = error.body();
            assert_eq!(body.detail, "It is silent.");
            assert_eq!(body.findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), ["warning", "error"]);
        }
    }

    #[test]
    fn one_of_several_files_is_named() {
        let findings = || vec![Finding::error(FindingCode::SilentAudio, "It is silent.")];
        let third = FilePlace { role: "takes", number: Some(3) };
        let body = ApiError::AudioRefused { place: Some(third), findings: findings() }.body();
        assert_eq!((body.field, body.detail.as_str()), (Some("takes"), "takes, file 3: It is silent."));
        let only = FilePlace { role: "bass", number: None };
        let body = ApiError::UnsupportedAudio { place: Some(only), findings: findings() }.body();
        assert_eq!((body.field, body.detail.as_str()), (Some("bass"), "bass: It is silent."));
    }

    #[test]
    fn the_body_and_the_headers_say_the_same() {
        for error in one_of_each() {
            let (body, response) = (error.body(), error.error_response());
            assert_eq!(response.status().as_u16(), body.status);
            assert_eq!(body.error, body.detail);
            let header = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header, body.retry_after_seconds.map(|seconds| seconds.to_string()), "{error}");
            assert_eq!(response.headers().contains_key(header::ALLOW), body.status == 405);
            assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), body.status == 401);
        }
    }
}
