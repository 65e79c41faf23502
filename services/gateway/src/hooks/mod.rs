//! Webhooks of vendors: they say that work outside may be over, and no more. Nothing is taken from a body but the id of the
//! work; the job that waits for it is told to look, and takes the result from its own look.

mod signature;

use actix_web::{HttpRequest, HttpResponse, http::header::HeaderMap, web};
use chrono::TimeDelta;
use contracts::v1;
use domain::{JobId, OutsideCallId, UserId};
use messaging::Queue;
use persistence::{Begin, IdempotencyKey, OutsideCall};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use self::signature::{Signed, WebhookError, check_form, verify};
use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

/// Largest body that is read.
const MAX_BYTES: usize = 1024 * 1024;
/// How long an id is remembered: longer than what it signs is taken.
const REMEMBERED: TimeDelta = TimeDelta::minutes(30);
const REFUSED: ApiError =
    ApiError::Unauthenticated { detail: "The webhook is not signed as its sender would sign it." };

/// What is read of a body.
#[derive(Deserialize)]
struct Told {
    id: String,
}

/// What the address says that the vendor was given.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Address {
    /// What the work was asked for under.
    correlation: Option<String>,
}

/// Told by a vendor that work may be over. The job that waits for it looks at once.
#[utoipa::path(
    post, path = "/api/v1/hooks/{provider}", tag = "hooks",
    params(("provider" = String, Path, description = "The vendor's name in the settings"), Address),
    responses(
        (status = 204, description = "Taken, or came before"),
        (status = 400, description = "Signed, but about nothing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Not signed by the vendor about now", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Come again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    provider: web::Path<String>,
    address: web::Query<Address>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    // Who sends webhooks here is nobody's business either.
    let vendor = state.webhook_secrets.vendor(&provider).ok_or(REFUSED)?;
    let signed = headers(request.headers()).ok_or(REFUSED)?;
    check_form(signed, state.clock.now()).map_err(|error| refused(&vendor.name, error))?;
    let body = json_body::bytes(&request, payload, MAX_BYTES).await?;
    let secret = async |anew| {
        state.webhook_secrets.of(vendor, anew).await.ok_or(ApiError::Unavailable { what: "The secret of the webhooks" })
    };
    let now = state.clock.now();
    let mut verified = verify(&secret(false).await?, signed, &body, now);
    if verified == Err(WebhookError::WrongSignature) {
        // It may have been changed since it was asked for.
        verified = verify(&secret(true).await?, signed, &body, now);
    }
    verified.map_err(|error| refused(&vendor.name, error))?;
    let told: Told = serde_json::from_slice(&body)
        .map_err(|_| ApiError::InvalidBody { detail: "The body names no work by its id.".to_owned() })?;
    let key =
        IdempotencyKey { user: UserId::operator(), key: signed.id.to_owned(), route: format!("hooks/{}", vendor.name) };
    let hash = hex::encode(Sha256::digest(&body));
    let Begin::Fresh(claim) = state.database.idempotency().begin(&key, &hash, now, REMEMBERED).await? else {
        tracing::debug!(provider = vendor.name, "a webhook came again");
        return Ok(HttpResponse::NoContent().finish());
    };
    let signalled = signal(&state, &vendor.name, address.correlation.as_deref(), &told.id).await;
    if signalled.is_err() {
        // The vendor comes again.
        state.database.idempotency().abandon(&claim).await?;
    }
    signalled.map(|()| HttpResponse::NoContent().finish())
}

fn headers(headers: &HeaderMap) -> Option<Signed<'_>> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let (id, timestamp, signature) = (text("webhook-id")?, text("webhook-timestamp")?, text("webhook-signature")?);
    Some(Signed { id, timestamp, signature })
}

fn refused(provider: &str, error: WebhookError) -> ApiError {
    if error == WebhookError::Secret {
        tracing::error!(provider, %error, "no webhook can be believed");
        return ApiError::Unavailable { what: "The secret of the webhooks" };
    }
    tracing::info!(provider, %error, "a webhook is refused");
    REFUSED
}

/// Tells the job that waits for the work. Work that nobody here waits for is passed over.
async fn signal(state: &AppState, provider: &str, correlation: Option<&str>, outside_id: &str) -> Result<(), ApiError> {
    let Some(job) = waiting(state, provider, correlation, outside_id).await? else {
        tracing::info!(provider, "a webhook about work that nobody waits for");
        return Ok(());
    };
    let signal = v1::SignalJob { job_id: job.to_string(), ..v1::SignalJob::default() };
    let message = state.message_about(job, signal);
    state.bus.send(Queue::OrchestratorJobs, message).await.map_err(|error| {
        tracing::warn!(error = %service_runtime::error_chain(&error), "a job is not signalled");
        ApiError::Unavailable { what: "The broker" }
    })
}

/// The job whose call is meant. By the correlation too, since a webhook may come before the answer to the request.
async fn waiting(
    state: &AppState,
    provider: &str,
    correlation: Option<&str>,
    outside_id: &str,
) -> Result<Option<JobId>, ApiError> {
    let calls = state.database.outside_calls();
    // Trainings with the same key are calls of their own.
    let services = [provider.to_owned(), format!("{provider}/trainings")];
    let is_meant = |call: &OutsideCall| {
        services.contains(&call.provider)
            && call.ended_at.is_none()
            && call.outside_id.as_deref().is_none_or(|known| known == outside_id)
    };
    if let Some(id) = correlation.and_then(|text| text.parse::<OutsideCallId>().ok())
        && let Some(call) = calls.get(id).await?.filter(is_meant)
    {
        return Ok(Some(call.job_id));
    }
    for service in &services {
        if let Some(call) = calls.by_outside_id((service, "default"), outside_id).await?.filter(is_meant) {
            return Ok(Some(call.job_id));
        }
    }
    Ok(None)
}
