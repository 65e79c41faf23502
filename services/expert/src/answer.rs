//! What the service answers: the older clients' JSON, and refusals that an orchestrator can act on.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use domain::{Failure, FailureClass, FailureCode, quality::QualityFigures};
use providers::{
    expert::ExpertProblem,
    song::{LyricsSummary, MelodySummary, StepSummary, VoiceSummary},
};
use serde::Serialize;

/// `POST /melody-to-vocals`.
#[derive(Debug, Serialize)]
pub struct SongAnswer {
    pub success: bool,
    /// MP3, for an hour.
    pub audio_url: String,
    pub wav_url: String,
    pub lyrics: String,
    pub melody_info: MelodySummary,
    pub lyrics_info: LyricsSummary,
    pub processing_steps: Vec<StepSummary>,
    pub processing_time_seconds: f64,
    /// Who sang, in which octave, and how many takes it took.
    pub voice_info: VoiceSummary,
    pub quality: QualityFigures,
    pub warnings: Vec<String>,
}

/// Why a request was not carried out.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: FailureCode,
    detail: String,
}

impl Refusal {
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: FailureCode::ProviderRejected, detail: detail.into() }
    }

    pub fn audio(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: FailureCode::InvalidAudio, detail: detail.into() }
    }

    pub fn too_large(limit_bytes: u64) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: FailureCode::InvalidAudio,
            detail: format!("the recording is larger than {} MB", limit_bytes / (1024 * 1024)),
        }
    }

    pub fn body_too_large(limit_bytes: usize) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: FailureCode::ProviderRejected,
            detail: format!("the body is larger than {} MB", limit_bytes / (1024 * 1024)),
        }
    }

    pub fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: FailureCode::Storage,
            detail: "there is no such file, or its hour is over".to_owned(),
        }
    }

    pub fn internal() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: FailureCode::Internal,
            detail: "something went wrong on our side".to_owned(),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = match failure.class {
            FailureClass::Caller | FailureClass::Content => StatusCode::UNPROCESSABLE_ENTITY,
            FailureClass::WaitTold | FailureClass::Saturated => StatusCode::TOO_MANY_REQUESTS,
            FailureClass::Money => StatusCode::PAYMENT_REQUIRED,
            FailureClass::Transient | FailureClass::Config => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, code: failure.code, detail: failure.message }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)
    }
}

/// The problem that an orchestrator reads, with the members that older clients read.
#[derive(Serialize)]
struct RefusalBody<'a> {
    #[serde(flatten)]
    problem: ExpertProblem,
    success: bool,
    error: &'a str,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let problem = ExpertProblem { code: self.code.as_str().to_owned(), detail: self.detail.clone() };
        HttpResponse::build(self.status).content_type("application/problem+json").json(RefusalBody {
            problem,
            success: false,
            error: &self.detail,
        })
    }
}
