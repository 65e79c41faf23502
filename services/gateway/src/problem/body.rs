//! Errors as answers: the problem document and the headers that go with it.

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::audio::Finding;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use crate::wire::{FindingBody, QuotaBody, SongChoice};

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

impl ApiError {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::QuotaExceeded { retry_after, .. } | Self::TooManyRequests { retry_after } => Some(*retry_after),
            Self::RateLimited { starts } => Some(Duration::from_secs_f64(starts.reset.as_secs_f64().ceil())),
            Self::Unavailable { .. } => Some(Duration::from_secs(5)),
            Self::IdempotencyInFlight => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
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
                Self::ModelUnknown { .. } => Some("model"),
                Self::ModelNameTaken { .. } => Some("name"),
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
