//! The routes of the melody-to-vocals API but the one that submits.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use contracts::v1;
use domain::{JobId, JobKind, JobState, UserId};
use persistence::{Artifact, CancelOutcome, HistoryFilter, Journal};
use service_runtime::error_chain;
use tokio::time::Instant;

use super::{
    present,
    wire::{
        Acknowledged, ArtifactBody, BreakerBody, Cancelled, FeedbackForm, HealthMetrics, HealthStats, History,
        HistoryQuery, Pagination, QueueStats, QuotaAnswer, Stats, StatusBody,
    },
};
use crate::{
    jobs::own_job,
    problem::{ApiError, Problem},
    state::{CANCEL_WAIT, House, job_id},
};

/// Where a job stands, and its result when it is done.
#[utoipa::path(
    get, path = "/api/v1/melody-vocals/status/{jobId}", tag = "melody-vocals",
    params(("jobId" = String, Path)),
    responses(
        (status = 200, body = StatusBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn status(
    request: HttpRequest,
    id: web::Path<String>,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &gateway).await?;
    let jobs = gateway.database.jobs_of(&user);
    let artifacts = match job.state {
        JobState::Completed => jobs.artifacts(job.id).await?.unwrap_or_default(),
        _ => Vec::new(),
    };
    let position = match job.state {
        JobState::Queued => jobs.queue_position(job.id).await?.map(|position| position.overall.saturating_sub(1)),
        _ => None,
    };
    let mut body = present::status(&job, &artifacts, position, &gateway.links);
    if let Some(result) = &mut body.result {
        sign(&gateway, &artifacts, &mut result.artifacts).await;
    }
    Ok(HttpResponse::Ok().json(body))
}

/// Adds the object store's own links, where it has some.
async fn sign(gateway: &House, artifacts: &[Artifact], bodies: &mut [ArtifactBody]) {
    let expires = gateway.settings.objects.presign;
    for body in bodies {
        let Some(artifact) = artifacts.iter().find(|artifact| artifact.role.as_str() == body.role) else { continue };
        let Ok(key) = artifact.object_key.parse() else { continue };
        match gateway.blobs.presign_get(&key, expires, &artifact.file_name, &artifact.media_type).await {
            Ok(url) => body.signed_url = url.map(String::from),
            // The other link works all the same.
            Err(error) => tracing::warn!(error = error_chain(&error), "link not signed"),
        }
    }
}

/// Stop a job. Repeating it is no error.
#[utoipa::path(
    post, path = "/api/v1/melody-vocals/cancel/{jobId}", tag = "melody-vocals",
    params(("jobId" = String, Path)),
    responses(
        (status = 200, description = "Cancelled", body = Cancelled),
        (status = 202, description = "On its way", body = Cancelled),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended already", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(
    request: HttpRequest,
    id: web::Path<String>,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    let caller = gateway.caller(&request).await?;
    let id = job_id(&id)?;
    let journal = wish_to_cancel(&gateway);
    let jobs = gateway.database.jobs_of(&caller.user);
    let state = match jobs.request_cancel(id, &journal, gateway.clock.now()).await? {
        CancelOutcome::NotFound => return Err(ApiError::NotFound),
        CancelOutcome::AlreadyFinal(state) => state,
        CancelOutcome::Requested(_) => {
            gateway.outbox.notify_one();
            final_state_within(&gateway, &caller.user, id, CANCEL_WAIT).await?
        }
    };
    let answer = |message| Cancelled {
        success: true,
        job_id: id.to_string(),
        status: state.seed_status(),
        state: state.as_str(),
        message,
    };
    match state {
        JobState::Cancelled => Ok(HttpResponse::Ok().json(answer("Job cancelled successfully"))),
        state if state.is_final() => {
            Err(ApiError::JobState { state, detail: "it had ended before it could be cancelled" })
        }
        _ => Ok(HttpResponse::Accepted().json(answer("The job is being cancelled"))),
    }
}

/// The command that tells an orchestrator of the wish.
fn wish_to_cancel(gateway: &House) -> Journal<'_> {
    Journal::silent().messages(|job| {
        let cancel = gateway.message_about(job.id, v1::CancelJob { job_id: job.id.to_string() });
        service_runtime::outgoing(&cancel).into_iter().collect()
    })
}

/// The job's state once it is final, or as it is when the time is over.
async fn final_state_within(gateway: &House, user: &UserId, id: JobId, time: Duration) -> Result<JobState, ApiError> {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    let until = Instant::now() + time;
    loop {
        let job = gateway.database.jobs_of(user).get(id).await?.ok_or(ApiError::NotFound)?;
        if job.state.is_final() || Instant::now() >= until {
            return Ok(job.state);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Your jobs, newest first.
#[utoipa::path(
    get, path = "/api/v1/melody-vocals/history", tag = "melody-vocals", params(HistoryQuery),
    responses(
        (status = 200, body = History),
        (status = 400, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn history(
    request: HttpRequest,
    query: web::Query<HistoryQuery>,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    let caller = gateway.caller(&request).await?;
    let limit = query.limit.unwrap_or(10);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::InvalidField { field: "limit", detail: "expected 1 to 100".to_owned() });
    }
    let offset = query.offset.unwrap_or(0).min(i64::MAX.unsigned_abs());
    let states = match query.status.as_deref() {
        None => Default::default(),
        Some(status) => {
            let states: std::collections::BTreeSet<JobState> =
                JobState::ALL.into_iter().filter(|state| state.seed_status() == status).collect();
            if states.is_empty() {
                return Err(ApiError::InvalidField {
                    field: "status",
                    detail: "expected pending, processing, completed, failed or cancelled".to_owned(),
                });
            }
            states
        }
    };
    let filter = HistoryFilter { kind: Some(JobKind::MelodyToVocals), states, ..HistoryFilter::default() };
    let page = gateway.database.jobs_of(&caller.user).history(&filter, limit, offset).await?;
    let conversions: Vec<_> = page.jobs.iter().map(|job| present::conversion(job, &gateway.links)).collect();
    let has_more = offset.saturating_add(conversions.len() as u64) < page.total;
    let pagination = Pagination { limit, offset, total: page.total, has_more };
    Ok(HttpResponse::Ok().json(History { success: true, conversions, pagination }))
}

/// How many jobs you may still start.
#[utoipa::path(
    get, path = "/api/v1/melody-vocals/quota", tag = "melody-vocals",
    responses((status = 200, body = QuotaAnswer))
)]
pub async fn quota(request: HttpRequest, gateway: web::Data<House>) -> Result<HttpResponse, ApiError> {
    let caller = gateway.caller(&request).await?;
    let now = gateway.clock.now();
    let usage = gateway.database.jobs_of(&caller.user).quota_usage(now).await?;
    let limits = gateway.settings.quota.limits(caller.tier);
    let quota = present::quota_detail(caller.tier, limits, usage, now);
    Ok(HttpResponse::Ok().json(QuotaAnswer { success: true, quota }))
}

/// Alerting thresholds of the melody-to-vocals API.
const MAX_ERROR_RATE_PERCENT: f64 = 20.0;
const MAX_BACKLOG: u64 = 50;
const MAX_LATENCY_MS: i64 = 180_000;

/// How the service does: queue, health, circuit breakers.
#[utoipa::path(
    get, path = "/api/v1/melody-vocals/stats", tag = "melody-vocals",
    responses((status = 200, body = Stats))
)]
pub async fn stats(request: HttpRequest, gateway: web::Data<House>) -> Result<HttpResponse, ApiError> {
    gateway.caller(&request).await?;
    let now = gateway.clock.now();
    let day = gateway.database.jobs().stats(Some(JobKind::MelodyToVocals), now).await?;
    let delayed = gateway.database.jobs().delayed(now).await?;
    let hour = gateway.database.jobs().recent(JobKind::MelodyToVocals, now - TimeDelta::hours(1)).await?;
    let breakers = gateway.database.breakers().current(now).await?;
    let breakers: Vec<BreakerBody> = breakers.into_iter().map(BreakerBody::from).collect();

    let now_in = |state| day.by_state.get(&state).copied().unwrap_or_default();
    let ended = |state| day.ended_last_day.get(&state).copied().unwrap_or_default();
    let backlog = now_in(JobState::Queued);
    let milliseconds = |mean: Option<f64>| mean.map(|mean| mean.round() as i64);
    let queue = QueueStats {
        waiting: backlog.saturating_sub(delayed),
        delayed,
        active: now_in(JobState::Running) + now_in(JobState::Storing) + now_in(JobState::Cancelling),
        completed: ended(JobState::Completed),
        failed: ended(JobState::Failed) + ended(JobState::Expired),
        cancelled: ended(JobState::Cancelled),
        average_wait_ms: milliseconds(day.mean_wait_ms),
        average_processing_ms: milliseconds(day.mean_processing_ms),
    };
    let health = health(backlog, hour.error_rate_percent(), milliseconds(hour.mean_latency_ms), &breakers);
    Ok(HttpResponse::Ok().json(Stats {
        success: true,
        queue,
        health,
        circuit_breaker: worst(&breakers),
        circuit_breakers: breakers,
    }))
}

fn health(backlog: u64, error_rate: f64, average_latency: Option<i64>, breakers: &[BreakerBody]) -> HealthStats {
    let mut issues = Vec::new();
    if backlog > MAX_BACKLOG {
        issues.push(format!("{backlog} jobs are waiting; {MAX_BACKLOG} is the most that is normal"));
    }
    if error_rate > MAX_ERROR_RATE_PERCENT {
        issues.push(format!("{error_rate:.1} % of the jobs of the last hour failed"));
    }
    if average_latency.is_some_and(|latency| latency > MAX_LATENCY_MS) {
        issues.push("jobs of the last hour took more than three minutes on average".to_owned());
    }
    for breaker in breakers.iter().filter(|breaker| breaker.state != "CLOSED") {
        issues.push(format!("the provider {} is not called right now", breaker.provider));
    }
    let metrics = HealthMetrics { queue_backlog: backlog, error_rate, average_latency };
    HealthStats { healthy: issues.is_empty(), issues, metrics }
}

fn worst(breakers: &[BreakerBody]) -> BreakerBody {
    let severity = |breaker: &&BreakerBody| match breaker.state.as_str() {
        "OPEN" => 2,
        "HALF_OPEN" => 1,
        _ => 0,
    };
    breakers.iter().max_by_key(severity).cloned().unwrap_or(BreakerBody {
        provider: "none".to_owned(),
        state: "CLOSED".to_owned(),
        failures: 0,
        open_until: None,
    })
}

impl From<persistence::BreakerRow> for BreakerBody {
    fn from(row: persistence::BreakerRow) -> Self {
        let persistence::BreakerRow { provider, state, failures, open_until, instance: _, updated_at: _ } = row;
        Self { provider, state, failures, open_until }
    }
}

/// Say what you think of a result.
#[utoipa::path(
    post, path = "/api/v1/melody-vocals/feedback/{jobId}", tag = "melody-vocals",
    params(("jobId" = String, Path)), request_body = FeedbackForm,
    responses(
        (status = 200, body = Acknowledged),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no result to rate", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn feedback(
    request: HttpRequest,
    id: web::Path<String>,
    form: web::Json<FeedbackForm>,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    const MAX_CHARS: usize = 2000;
    let (user, job) = own_job(&request, &id, &gateway).await?;
    let rating = u8::try_from(form.rating)
        .ok()
        .filter(|rating| (1..=5).contains(rating))
        .ok_or_else(|| ApiError::InvalidField { field: "rating", detail: "expected 1 to 5 stars".to_owned() })?;
    let text = form.feedback.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > MAX_CHARS) {
        return Err(ApiError::InvalidField { field: "feedback", detail: format!("at most {MAX_CHARS} characters") });
    }
    // PostgreSQL cannot hold one in a text, and SQLite would cut some readers off there.
    if text.is_some_and(|text| text.contains('\0')) {
        let detail = "it holds a NUL character (U+0000), which cannot be stored; take it out".to_owned();
        return Err(ApiError::InvalidField { field: "feedback", detail });
    }
    if job.state != JobState::Completed {
        return Err(ApiError::JobState { state: job.state, detail: "there is no result to rate" });
    }
    if !gateway.database.jobs_of(&user).rate(job.id, rating, text, gateway.clock.now()).await? {
        return Err(ApiError::NotFound);
    }
    Ok(HttpResponse::Ok().json(Acknowledged { success: true, message: "Feedback submitted successfully" }))
}
