//! Refusals that an orchestrator can act on, with the members that older clients read.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::{Failure, FailureClass, FailureCode};
use providers::{Stop, expert::ExpertProblem};
use serde::Serialize;
use serde_json::Value;
use song::StepFailure;
use url::Url;

/// When to come back where nobody knows.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Why a request was not carried out.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: FailureCode,
    detail: String,
    /// When to come back, where that is known.
    retry_after: Option<Duration>,
    /// Where what was asked for is done.
    // Boxed, so that answers which are none of these stay small.
    training_url: Option<Box<Url>>,
    /// The problem of the gateway, where it is the one who refused.
    gateway: Option<Box<Value>>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: FailureCode, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None, training_url: None, gateway: None }
    }

    /// With the word of when to come back.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// With the address at which trainings are jobs.
    #[must_use]
    pub fn at(self, training_url: Url) -> Self {
        Self { training_url: Some(Box::new(training_url)), ..self }
    }

    /// With the problem that the gateway answered.
    #[must_use]
    pub fn because(self, gateway: Value) -> Self {
        Self { gateway: Some(Box::new(gateway)), ..self }
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, FailureCode::ProviderRejected, detail)
    }

    pub fn too_large(limit_bytes: u64) -> Self {
        let detail = format!("the recording is larger than {} MB", limit_bytes / (1024 * 1024));
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, FailureCode::InvalidAudio, detail)
    }

    /// A recording that no song can be made of.
    pub fn unfit(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, FailureCode::InvalidAudio, detail)
    }

    pub fn unsupported_format(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, FailureCode::InvalidAudio, detail)
    }

    pub fn unauthorized() -> Self {
        let detail = "this service wants its key, as Authorization: Bearer";
        Self::new(StatusCode::UNAUTHORIZED, FailureCode::ProviderConfig, detail)
    }

    pub fn too_often(wait: Duration) -> Self {
        let detail = "too many songs were asked for from this address in the last minute";
        Self::new(StatusCode::TOO_MANY_REQUESTS, FailureCode::ProviderUnavailable, detail).after(wait)
    }

    /// Trainings outlive a process, and this service keeps nothing: they are jobs of the platform, whose gateway it does not
    /// know.
    pub fn trains_elsewhere(training_url: Option<Url>) -> Self {
        let at = training_url.as_ref().map_or_else(|| "of the gateway".to_owned(), |url| format!("at {url}"));
        let detail = format!(
            "the recordings can be trained with, but this service would lose a training with its process: trainings are jobs {at}"
        );
        let refusal = Self::new(StatusCode::NOT_IMPLEMENTED, FailureCode::ProviderConfig, detail);
        match training_url {
            Some(url) => refusal.at(url),
            None => refusal,
        }
    }

    pub fn body_too_large(limit_bytes: usize) -> Self {
        let limit = if limit_bytes < 1024 * 1024 {
            format!("{} kB", limit_bytes / 1024)
        } else {
            format!("{} MB", limit_bytes / (1024 * 1024))
        };
        let detail = format!("the body is larger than {limit}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, FailureCode::ProviderRejected, detail)
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, FailureCode::Storage, "there is no such file, or its hour is over")
    }

    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, FailureCode::Internal, "something went wrong on our side")
    }
}

impl From<Failure> for Refusal {
    fn from(Failure { class, code, message, retry_after, suggestion: _ }: Failure) -> Self {
        let status = match class {
            FailureClass::Caller | FailureClass::Content => StatusCode::UNPROCESSABLE_ENTITY,
            FailureClass::RetryAfter | FailureClass::Saturated => StatusCode::TOO_MANY_REQUESTS,
            FailureClass::Money => StatusCode::PAYMENT_REQUIRED,
            FailureClass::Transient | FailureClass::Config => StatusCode::SERVICE_UNAVAILABLE,
        };
        // Without a wait, a 429 would cost whoever asked one of their attempts.
        let retry_after = retry_after.or((status == StatusCode::TOO_MANY_REQUESTS).then_some(LEAST_WAIT));
        Self { retry_after, ..Self::new(status, code, message) }
    }
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        stop.into_failure().into()
    }
}

impl From<StepFailure> for Refusal {
    fn from(refused: StepFailure) -> Self {
        refused.failure.into()
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
    /// As older clients call the detail of a song or a training that was not made.
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    training_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'a Value>,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let problem = ExpertProblem { code: self.code.as_str().to_owned(), detail: self.detail.clone() };
        let mut response = HttpResponse::build(self.status);
        if let Some(wait) = self.retry_after {
            // The header knows whole seconds; who comes a little late is let in, who comes early is not.
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let body = RefusalBody {
            problem,
            success: false,
            error: &self.detail,
            message: &self.detail,
            training_url: self.training_url.as_deref().map(Url::as_str),
            gateway: self.gateway.as_deref(),
        };
        response.content_type("application/problem+json").json(body)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use actix_web::{App, HttpServer, web};
    use lyrics::LyricsRequest;
    use music::Melody;
    use providers::{DirectCalls, ExpertClient, LyricsWriter, ProviderCall};

    use super::*;

    /// What the client makes of a refusal for this failure, over a real connection.
    async fn received(failure: Failure) -> Failure {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let refuse = move || {
            let failure = failure.clone();
            async move { Err::<HttpResponse, _>(Refusal::from(failure)) }
        };
        let app = move || App::new().route("/v1/lyrics", web::post().to(refuse.clone()));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        let served = actix_web::rt::spawn(server);
        let client =
            ExpertClient::new(&providers::Outside::default().outbound().unwrap(), "expert", base, None).unwrap();
        let calls = DirectCalls::default();
        let call = ProviderCall::alone(&calls, "expert", Duration::from_secs(60));
        let failed = client.write(&Melody::default(), &LyricsRequest::default(), &call).await;
        let failure = failed.unwrap_err().into_failure();
        handle.stop(false).await;
        served.await.unwrap().unwrap();
        failure
    }

    #[actix_web::test]
    async fn a_told_wait_stays_a_told_wait_for_whoever_asked() {
        let told = |wait| {
            Failure::new(FailureClass::RetryAfter, FailureCode::ProviderUnavailable, "come later")
                .with_retry_after(wait)
        };
        for (wait_ms, told_seconds) in [(7000, 7), (90_001, 91), (1, 1), (0, 0)] {
            let failure = received(told(Duration::from_millis(wait_ms))).await;
            assert_eq!(failure, told(Duration::from_secs(told_seconds)), "{wait_ms} ms");
        }
        let unknown = Failure { retry_after: None, ..told(Duration::ZERO) };
        for class in [FailureClass::RetryAfter, FailureClass::Saturated] {
            assert_eq!(received(Failure { class, ..unknown.clone() }).await, told(LEAST_WAIT), "{class}");
        }
        let away = Failure { class: FailureClass::Transient, ..unknown };
        assert_eq!(received(away.clone()).await, away);
    }
}
