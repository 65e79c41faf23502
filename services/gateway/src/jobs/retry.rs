//! Trying a failed job again, from its last finished stage on.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{
    KindName,
    feed::{FeedData, FeedKind},
};
use persistence::{Job, Journal, NewEvent, RetryOutcome};
use serde_json::Value;

use super::wire::RetriedBody;
use crate::{
    app_state::{AppState, job_id},
    problem::{ApiError, Problem},
    quota::over_quota,
    wire::QuotaBody,
};

/// Try a failed or expired job again. What it has finished stays; it counts for the quota again. Repeating it while the
/// job waits is no error.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 202, description = "It waits for another try", body = RetriedBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has not failed, or another job holds its name", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "What it was made from is deleted", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Quota used up", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn retry(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let id = job_id(&id)?;
    let jobs = state.database.jobs_of(&caller.user);
    let limits = state.settings.quota.limits(caller.tier);
    let now = state.clock.now();
    let name_of = |kind: &KindName, params: &Value| {
        let held = state.kinds.get(kind.as_str())?.name_to_hold(&state.settings, params)?;
        Some(held.name)
    };
    let (job, usage) = match jobs.retry_holding(id, limits, &name_of, &retry_journal(&state), now).await? {
        RetryOutcome::Requeued { job, usage } => {
            state.outbox.notify_one();
            tracing::info!(job_id = %job.id, kind = %job.kind, "job is tried again");
            (job, usage)
        }
        RetryOutcome::AlreadyQueued(job) => (job, jobs.quota_usage(now).await?),
        RetryOutcome::NotFailed(state) => {
            return Err(ApiError::JobState { state, detail: "only a failed or expired job can be tried again" });
        }
        RetryOutcome::FilesGone => return Err(ApiError::Gone),
        RetryOutcome::OverQuota { exceeded, usage } => return Err(over_quota(&state, exceeded, limits, usage)),
        RetryOutcome::NameHeld { name, by } => {
            let detail = format!(
                "the job {by} holds the name: try this one again when that one has ended, or cancel that one \
                 (POST /api/v1/jobs/{by}/cancel)"
            );
            return Err(ApiError::ModelState { name: name.to_string(), detail });
        }
        RetryOutcome::NotFound => return Err(ApiError::NotFound),
    };
    Ok(HttpResponse::Accepted().json(RetriedBody {
        success: true,
        job_id: job.id.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        progress: job.progress.percent(),
        message: "The job waits for another try",
        quota: QuotaBody::of(limits, usage),
        links: state.links(&request).job(job.id),
    }))
}

/// What followers are told, and the message that wakes an orchestrator.
fn retry_journal(state: &AppState) -> Journal<'_> {
    let told = |job: &Job| {
        let data = serde_json::to_value(FeedData::new(job.state, job.progress)).unwrap_or_default();
        vec![NewEvent::new(FeedKind::RetryRequested.as_str(), data)]
    };
    Journal::silent().events(told).messages(|job| state.job_ready(job))
}
