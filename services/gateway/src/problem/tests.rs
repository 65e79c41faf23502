use std::time::Duration;

use actix_web::{ResponseError, http::header};
use domain::{
    audio::{Finding, FindingCode},
    job::JobState,
    quota::{Period, QuotaExceeded},
    starts::{StartLimit, Starts},
};

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
        ApiError::RecordNotFound("Record not found"),
        ApiError::FilesTooLarge { limit_bytes: 1 },
        ApiError::NotSetUp { detail: String::new() },
        ApiError::ModelUnknown { wanted: "x".to_owned(), known: vec!["small".to_owned()] },
        ApiError::ModelState { name: "x".to_owned(), detail: String::new() },
        ApiError::ModelNameTaken { name: "x".to_owned() },
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
        ApiError::RecordNotFound(_) => 31,
        ApiError::FilesTooLarge { .. } => 32,
        ApiError::NotSetUp { .. } => 33,
        ApiError::ModelUnknown { .. } => 34,
        ApiError::ModelState { .. } => 35,
        ApiError::ModelNameTaken { .. } => 36,
    }
}

#[test]
fn every_code_stands_in_the_reference_with_its_status() {
    const REFERENCE: &str = include_str!("../../../../docs/http.md");
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
