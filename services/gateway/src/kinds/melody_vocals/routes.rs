//! The melody-to-vocals API: seven routes whose fields older clients rely on, and the description of the kind's form on
//! its own address. Each is the flow that every kind has, in its own words.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use domain::{JobState, kinds::melody_vocals::NAME};
use persistence::HistoryFilter;
use serde_json::Value;
use utoipa::OpenApi;

use super::{
    MelodyVocals, present,
    wire::{
        BreakerBody, ConvertForm, Converted, HealthMetrics, HealthStats, History, HistoryQuery, Pagination, QueueStats,
        QuotaAnswer, Stats, StatusBody, SubmittedMelody,
    },
};
use crate::{
    app_state::AppState,
    jobs::{
        cancel::cancel_job,
        feedback::rate_job,
        own_job_of,
        present::{artifacts, standing, warnings_of},
        wire::{Acknowledged, CancelledBody, FeedbackForm},
    },
    json_body,
    problem::{ApiError, Problem},
    submission::{self, Door, Refusals},
    submit_kind::{Accepted, SubmitKind},
};

/// This kind's part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    paths(described, convert, status, cancel, history, quota, stats, feedback),
    tags((name = "melody-vocals", description = "A hummed melody becomes a sung vocal with lyrics"))
)]
pub struct Document;

/// Submit a melody: a recording and a prompt become a job. The answer comes when the recording has been checked.
#[utoipa::path(
    post, path = "/api/v1/jobs/melody-to-vocals", tag = "jobs",
    request_body(content = ConvertForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = SubmittedMelody),
        Refusals,
    )
)]
#[allow(dead_code, reason = "describes what the route of all kinds takes for this one")]
fn described() {}

/// The same in the words of the older API.
#[utoipa::path(
    post, path = "/api/v1/melody-vocals/convert", tag = "melody-vocals",
    request_body(content = ConvertForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = Converted),
        Refusals,
    )
)]
pub async fn convert(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let answer = |_: &dyn SubmitKind, accepted: &Accepted<'_>| {
        serde_json::to_value(present::converted(accepted)).unwrap_or(Value::Null)
    };
    let door = Door { route: "melody-vocals/convert".to_owned(), links: present::links, answer };
    submission::submit(&request, payload, &state, &MelodyVocals, &door).await
}

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
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job_of(&request, &id, &NAME, &state).await?;
    let links = state.links(&request);
    let files = artifacts(&state, &links, &user, &job).await?;
    let standing = standing(&state, &user, &job, warnings_of(&state, &job).await?).await?;
    Ok(HttpResponse::Ok().json(present::status(&job, standing, files, &links)))
}

/// Stop a job. Repeating it is no error.
#[utoipa::path(
    post, path = "/api/v1/melody-vocals/cancel/{jobId}", tag = "melody-vocals",
    params(("jobId" = String, Path)),
    responses(
        (status = 200, description = "Cancelled", body = CancelledBody),
        (status = 202, description = "On its way", body = CancelledBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended already", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job_of(&request, &id, &NAME, &state).await?;
    cancel_job(&state, &user, job.id).await
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
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
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
    let filter = HistoryFilter { kind: Some(NAME), states, ..HistoryFilter::default() };
    let page = state.database.jobs_of(&caller.user).history(&filter, limit, offset).await?;
    let links = state.links(&request);
    let conversions: Vec<_> = page.jobs.iter().map(|job| present::conversion(&links, job)).collect();
    let has_more = offset.saturating_add(conversions.len() as u64) < page.total;
    let pagination = Pagination { limit, offset, total: page.total, has_more };
    Ok(HttpResponse::Ok().json(History { success: true, conversions, pagination }))
}

/// How many jobs you may still start.
#[utoipa::path(
    get, path = "/api/v1/melody-vocals/quota", tag = "melody-vocals",
    responses((status = 200, body = QuotaAnswer))
)]
pub async fn quota(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let now = state.clock.now();
    let usage = state.database.jobs_of(&caller.user).quota_usage(now).await?;
    let limits = state.settings.quota.limits(caller.tier);
    let quota = present::quota_detail(caller.tier, limits, usage, now);
    Ok(HttpResponse::Ok().json(QuotaAnswer { success: true, quota }))
}

/// What `stats` counts as under way; `status` says `processing` of them.
const ACTIVE: [JobState; 4] = [JobState::Running, JobState::Parked, JobState::Storing, JobState::Cancelling];
/// Alerting thresholds of the melody-to-vocals API.
const MAX_ERROR_RATE_PERCENT: f64 = 20.0;
const MAX_BACKLOG: u64 = 50;
const MAX_LATENCY_MS: i64 = 180_000;

/// How the service does: queue, health, circuit breakers.
#[utoipa::path(
    get, path = "/api/v1/melody-vocals/stats", tag = "melody-vocals",
    responses((status = 200, body = Stats))
)]
pub async fn stats(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.caller(&request).await?;
    let now = state.clock.now();
    let day = state.database.jobs().stats(Some(&NAME), now).await?;
    let delayed = state.database.jobs().delayed(&NAME, now).await?;
    let hour = state.database.jobs().recent(&NAME, now - TimeDelta::hours(1)).await?;
    let breakers = state.database.breakers().current(now).await?;
    let breakers: Vec<BreakerBody> = breakers.into_iter().map(BreakerBody::from).collect();

    let now_in = |state| day.by_state.get(&state).copied().unwrap_or_default();
    let ended = |state| day.ended_last_day.get(&state).copied().unwrap_or_default();
    let backlog = now_in(JobState::Queued);
    let milliseconds = |mean: Option<f64>| mean.map(|mean| mean.round() as i64);
    let queue = QueueStats {
        waiting: backlog.saturating_sub(delayed),
        delayed,
        active: ACTIVE.into_iter().map(now_in).sum(),
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
        let persistence::BreakerRow { provider, state, failures, open_until, .. } = row;
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
    payload: web::Payload,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job_of(&request, &id, &NAME, &state).await?;
    rate_job(&state, &user, &job, json_body::read(&request, payload).await?).await
}
