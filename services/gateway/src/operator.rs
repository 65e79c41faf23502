//! Routes for whoever runs the service.

use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use service_runtime::error_chain;

use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

/// Which breakers to close.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerReset {
    /// All of them when absent.
    pub provider: Option<String>,
}

/// It has been told.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorAnswer {
    pub success: bool,
    pub message: &'static str,
}

/// Close circuit breakers by hand, in every orchestrator.
#[utoipa::path(
    post, path = "/api/v1/operator/breakers/reset", tag = "operator", request_body = BreakerReset,
    responses(
        (status = 202, description = "Every orchestrator has been told", body = OperatorAnswer),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn reset_breakers(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    // No body means all of them; a body with a mistake in it must not.
    let form: BreakerReset = json_body::read_optional(&request, payload).await?.unwrap_or_default();
    let provider = form.provider.unwrap_or_default();
    let event = state.message(v1::ResetBreaker { provider });
    state.bus.publish_event(event).await.map_err(broker_away)?;
    Ok(HttpResponse::Accepted().json(OperatorAnswer { success: true, message: "Every orchestrator has been told" }))
}

/// A message that nobody could handle.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterBody {
    pub message_id: String,
    /// Where it came from; absent for a queue that this version does not know.
    pub queue: Option<&'static str>,
    /// What kind of message it is; absent when it cannot be read.
    pub kind: Option<&'static str>,
    pub job_id: Option<String>,
    pub reason: String,
    pub deliveries: u32,
}

/// Dead letters, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetters {
    pub success: bool,
    pub dead_letters: Vec<DeadLetterBody>,
}

/// Messages that nobody could handle, at most 100.
#[utoipa::path(
    get, path = "/api/v1/operator/dead-letters", tag = "operator",
    responses(
        (status = 200, body = DeadLetters),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn dead_letters(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    const LIMIT: usize = 100;
    state.operator(&request).await?;
    let letters = state.bus.dead_letters(LIMIT).await.map_err(broker_away)?;
    let body = |letter: messaging::DeadLetter| DeadLetterBody {
        message_id: letter.message_id,
        queue: letter.queue.map(|queue| queue.name()),
        kind: letter.envelope.as_ref().map(contracts::Envelope::kind),
        job_id: letter.envelope.map(|envelope| envelope.job_id).filter(|id| !id.is_empty()),
        reason: letter.reason,
        deliveries: letter.deliveries,
    };
    let dead_letters = letters.into_iter().map(body).collect();
    Ok(HttpResponse::Ok().json(DeadLetters { success: true, dead_letters }))
}

/// Bring a dead letter back into the queue from which it came.
#[utoipa::path(
    post, path = "/api/v1/operator/dead-letters/{messageId}/requeue", tag = "operator",
    params(("messageId" = String, Path)),
    responses(
        (status = 202, body = OperatorAnswer),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn requeue(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    if !state.bus.requeue_dead(&id).await.map_err(broker_away)? {
        return Err(ApiError::NotFound);
    }
    Ok(HttpResponse::Accepted().json(OperatorAnswer { success: true, message: "The message is back in its queue" }))
}

fn broker_away(error: messaging::MessagingError) -> ApiError {
    tracing::warn!(error = error_chain(&error), "broker not reached");
    ApiError::Unavailable { what: "The message broker" }
}
