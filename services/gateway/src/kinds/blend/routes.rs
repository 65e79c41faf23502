//! The blend API: four routes that older clients rely on, and the description of the kind's own address. Each is the flow
//! that every kind has, in its own words.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use domain::kinds::blend::NAME;
use persistence::{HistoryFilter, Job};
use serde_json::Value;
use utoipa::OpenApi;

use super::{
    BlendKind, present,
    wire::{BlendBody, BlendForm, Generated, JobStatus, Jobs, JobsQuery},
};
use crate::{
    app_state::AppState,
    jobs::{download, own_job_of, wire::SubmittedBody},
    problem::{ApiError, Problem},
    submission::{self, Door, Refusals},
    submit_kind::{Accepted, SubmitKind},
};

/// How long this API tells of a job, counted from when it was made.
const TOLD: TimeDelta = TimeDelta::days(7);

/// This kind's part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    paths(described, generate, status, download, jobs),
    components(schemas(BlendForm)),
    tags((name = "blend", description = "Three songs become one that shows where every bar is from"))
)]
pub struct Document;

/// Blend three songs: titles of the catalogue as JSON, or a form with songs as MIDI files in parts named `song`.
#[utoipa::path(
    post, path = "/api/v1/jobs/blend", tag = "jobs",
    request_body(content = BlendBody),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = SubmittedBody),
        Refusals,
        (status = 404, description = "No song is called that; the nearest are told", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Several songs are called that; they are told. Or the first request with this key still runs", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many blends in a short time, or the quota is used up", body = Problem, content_type = "application/problem+json"),
    )
)]
#[allow(dead_code, reason = "describes what the route of all kinds takes for this one")]
fn described() {}

/// The same in the words of the older API.
#[utoipa::path(
    post, path = "/api/generate", tag = "blend",
    request_body(content = BlendBody),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = Generated),
        Refusals,
        (status = 404, description = "No song is called that; the nearest are told", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Several songs are called that; they are told. Or the first request with this key still runs", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many blends in a short time, or the quota is used up", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn generate(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let answer = |_: &dyn SubmitKind, accepted: &Accepted<'_>| {
        serde_json::to_value(present::generated(accepted)).unwrap_or(Value::Null)
    };
    let door = Door { route: "generate".to_owned(), links: present::links, answer };
    submission::submit(&request, payload, &state, &BlendKind, &door).await
}

/// Where a blend stands.
#[utoipa::path(
    get, path = "/api/status/{jobId}", tag = "blend",
    params(("jobId" = String, Path)),
    responses(
        (status = 200, body = JobStatus),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn status(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (_, job) = own_job_of(&request, &id, &NAME, &state).await?;
    if !is_told(&state, &job) {
        return Err(ApiError::NotFound);
    }
    Ok(HttpResponse::Ok().json(present::status(&state, &job)))
}

/// Fetch a file of a blend: the song under the `outputFileId` of its status.
#[utoipa::path(
    get, path = "/api/download/{fileId}", tag = "blend",
    params(("fileId" = String, Path)),
    responses(
        (status = 200, description = "The file", content_type = "audio/mpeg"),
        (status = 206, description = "The part that `Range` asked for"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The job has no result", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The files are deleted", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn download(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    // Who is not known hears so before anything else.
    state.caller(&request).await?;
    let (job, role) = present::file_of(&id)?;
    let (_, job) = own_job_of(&request, &job.to_string(), &NAME, &state).await?;
    download::send(&request, &state, &job, role).await
}

/// Your blends of the last seven days, newest first.
#[utoipa::path(
    get, path = "/api/jobs", tag = "blend", params(JobsQuery),
    responses(
        (status = 200, body = Jobs),
        (status = 400, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn jobs(
    request: HttpRequest,
    query: web::Query<JobsQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::InvalidField { field: "limit", detail: "expected 1 to 100".to_owned() });
    }
    let offset = query.offset.unwrap_or(0).min(i64::MAX.unsigned_abs());
    let created_from = Some(told_from(&state));
    let filter = HistoryFilter { kind: Some(NAME), created_from, ..HistoryFilter::default() };
    let page = state.database.jobs_of(&caller.user).history(&filter, limit, offset).await?;
    let jobs = page.jobs.iter().map(|job| present::status(&state, job)).collect();
    Ok(HttpResponse::Ok().json(Jobs { success: true, jobs, total: page.total }))
}

fn is_told(state: &AppState, job: &Job) -> bool {
    job.created_at >= told_from(state)
}

/// Jobs that were made before this moment are told of no more.
fn told_from(state: &AppState) -> DateTime<Utc> {
    state.clock.now() - TOLD
}
