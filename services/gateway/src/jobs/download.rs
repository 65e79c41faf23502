//! Fetching what a job made.

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{Method, StatusCode, header},
    web,
};
use blob_store::{BlobError, ByteRange, ObjectKey, attachment};
use domain::{ArtifactRole, JobState};
use futures_util::stream;
use persistence::{Artifact, Job};
use serde::Deserialize;
use service_runtime::error_chain;
use utoipa::IntoParams;

use super::own_job;
use crate::{
    app_state::{AppState, job_id},
    conditions::{self, Decision},
    problem::{ApiError, Problem},
};

/// Which file of a result.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ResultQuery {
    /// One of the roles under `artifacts` of the job, such as `audio_wav`; the kind's main file when absent.
    pub role: Option<String>,
    /// Of a signed link, which needs no bearer token.
    pub token: Option<String>,
}

/// Fetch a file of a finished job. Answers ranges, and 304 to a matching `If-None-Match`.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/result", tag = "jobs",
    params(("id" = String, Path, description = "The job's id"), ResultQuery),
    responses(
        (status = 200, description = "The file", content_type = "audio/mpeg"),
        (status = 206, description = "The part that `Range` asked for"),
        (status = 304, description = "You have it already"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The job has no result", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`If-Match` names another version", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The files are deleted", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The file has no such part"),
    )
)]
pub async fn result(
    request: HttpRequest,
    id: web::Path<String>,
    query: web::Query<ResultQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let role = query.role.as_deref().map(ArtifactRole::parse).transpose();
    let role = role.map_err(|error| ApiError::InvalidField { field: "role", detail: error.to_string() })?;
    let job = match (&query.token, &role) {
        (Some(token), Some(role)) => signed_job(&id, role, token, &state).await?,
        _ => own_job(&request, &id, &state).await?.1,
    };
    send(&request, &state, &job, role).await
}

/// The job that a signed link is about, whoever asks.
async fn signed_job(id: &str, role: &ArtifactRole, token: &str, state: &AppState) -> Result<Job, ApiError> {
    let id = job_id(id)?;
    if !state.signer.is_good(token, id, role, state.clock.now()) {
        return Err(ApiError::Unauthenticated {
            detail: "The link's time is over, or it is not whole: ask for a new one.",
        });
    }
    state.database.jobs().get(id).await?.ok_or(ApiError::NotFound)
}

/// Answers with a file of a job: that of a role, or the kind's main one.
pub async fn send(
    request: &HttpRequest,
    state: &AppState,
    job: &Job,
    role: Option<ArtifactRole>,
) -> Result<HttpResponse, ApiError> {
    let artifact = artifact_of(state, job, role).await?;
    let etag = format!("\"{}\"", artifact.sha256);
    match conditions::decide(request.method(), request.headers(), &etag) {
        Decision::Unmodified => Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .insert_header((header::CACHE_CONTROL, RESULT_CACHING))
            .finish()),
        Decision::OtherVersion => Err(ApiError::PreconditionFailed),
        Decision::Serve(range) => serve(state, &artifact, range, etag, request.method() == Method::HEAD).await,
    }
}

/// A result never changes, and is one user's.
const RESULT_CACHING: &str = "private, max-age=3600, immutable";

/// The file of a role, or the kind's main one. A role that this version does not know is served all the same when the
/// job has it.
async fn artifact_of(state: &AppState, job: &Job, role: Option<ArtifactRole>) -> Result<Artifact, ApiError> {
    if job.state != JobState::Completed {
        let detail = if job.state.is_final() { "it ended without a result" } else { "its result is not there yet" };
        return Err(ApiError::JobState { state: job.state, detail });
    }
    if !job.keeps_files(state.clock.now()) {
        return Err(ApiError::Gone);
    }
    let spec = state.spec(job.kind.as_str());
    let mut artifacts = state.database.artifacts().of_job(job.id).await?;
    let Some(role) = role.or_else(|| spec.map(|spec| spec.default_role.clone())) else {
        // Of a kind that only a newer version knows: which file is its main one is not known here.
        let detail = format!("say which file: {}", words(artifacts.iter().map(|artifact| &artifact.role)));
        return Err(ApiError::InvalidField { field: "role", detail });
    };
    if let Some(at) = artifacts.iter().position(|artifact| artifact.role == role) {
        return Ok(artifacts.swap_remove(at));
    }
    match spec {
        Some(spec) if spec.artifact(&role).is_none() => {
            let detail = format!("expected one of {}", words(spec.artifacts.iter().map(|artifact| &artifact.role)));
            Err(ApiError::InvalidField { field: "role", detail })
        }
        _ => Err(ApiError::NotFound),
    }
}

fn words<'a>(roles: impl Iterator<Item = &'a ArtifactRole>) -> String {
    roles.map(ArtifactRole::as_str).collect::<Vec<_>>().join(", ")
}

async fn serve(
    state: &AppState,
    artifact: &Artifact,
    range: Option<ByteRange>,
    etag: String,
    head_only: bool,
) -> Result<HttpResponse, ApiError> {
    let key: ObjectKey = artifact.object_key.parse().map_err(|_| ApiError::Internal)?;
    let object = match state.blobs.get(&key, range).await {
        Ok(object) => object,
        Err(BlobError::InvalidRange { .. }) => {
            return Ok(HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE)
                .insert_header((header::CONTENT_RANGE, format!("bytes */{}", artifact.size_bytes)))
                .finish());
        }
        Err(BlobError::NotFound { .. }) => return Err(ApiError::Gone),
        Err(error) => {
            tracing::error!(error = %error_chain(&error), "result not opened");
            return Err(ApiError::Unavailable { what: "The object store" });
        }
    };
    let mut response = if range.is_some() {
        let last = object.span.offset + object.span.length.max(1) - 1;
        let mut partial = HttpResponse::PartialContent();
        partial.insert_header((
            header::CONTENT_RANGE,
            format!("bytes {}-{last}/{}", object.span.offset, object.size_bytes),
        ));
        partial
    } else {
        HttpResponse::Ok()
    };
    response
        .content_type(artifact.media_type.as_str())
        .insert_header((header::ETAG, etag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, RESULT_CACHING))
        .insert_header((header::CONTENT_DISPOSITION, attachment(&artifact.file_name)));
    Ok(if head_only {
        // The length alone: the file would be read from the store for nothing.
        response.body(SizedStream::new(object.span.length, stream::empty::<Result<_, actix_web::Error>>()))
    } else {
        response.body(SizedStream::new(object.span.length, object.body))
    })
}
