//! The music-generator API: three routes whose words older clients rely on, and the description of the kind's own address.
//! Each is the flow that every kind has, in its own words.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{UserId, kinds::composition::NAME};
use persistence::Job;
use serde_json::Value;
use utoipa::OpenApi;

use super::{
    CompositionKind, present,
    wire::{DownloadLink, DownloadQuery, Enveloped, GenerateBody, Music, Requested},
};
use crate::{
    app_state::AppState,
    jobs::{own_job_of, wire::SubmittedBody},
    problem::{ApiError, Problem},
    submission::{self, Door, Refusals},
    submit_kind::{Accepted, SubmitKind},
};

/// This kind's part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    paths(described, generate, status, download),
    tags((name = "music-generator", description = "A sentence becomes music"))
)]
pub struct Document;

/// Have a song made of a sentence.
#[utoipa::path(
    post, path = "/api/v1/jobs/composition", tag = "jobs",
    request_body(content = GenerateBody),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = SubmittedBody),
        Refusals,
    )
)]
#[allow(dead_code, reason = "describes what the route of all kinds takes for this one")]
fn described() {}

/// The same in the words of the older API.
#[utoipa::path(
    post, path = "/api/music-generator/generate", tag = "music-generator",
    request_body(content = GenerateBody),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = Enveloped<Requested>),
        Refusals,
    )
)]
pub async fn generate(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let answer = |_: &dyn SubmitKind, accepted: &Accepted<'_>| {
        present::requested(accepted).and_then(|answer| serde_json::to_value(answer).ok()).unwrap_or(Value::Null)
    };
    let door = Door { route: "music-generator/generate".to_owned(), links: present::links, answer };
    submission::submit(&request, payload, &state, &CompositionKind, &door).await
}

/// Where a song stands, with its address when it is there.
#[utoipa::path(
    get, path = "/api/music-generator/status/{musicId}", tag = "music-generator",
    params(("musicId" = String, Path)),
    responses(
        (status = 200, body = Enveloped<Music>),
        (status = 404, description = "`Music record not found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn status(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_music(&request, &id, &state).await?;
    Ok(HttpResponse::Ok().json(present::music(&state, &state.links(&request), &user, &job).await?))
}

/// A temporary link to a song, in any of the formats that it was made in.
#[utoipa::path(
    get, path = "/api/music-generator/download/{musicId}", tag = "music-generator",
    params(("musicId" = String, Path), DownloadQuery),
    responses(
        (status = 200, body = Enveloped<DownloadLink>),
        (status = 400, description = "Songs are not made in this format", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`Music record not found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The song is not there yet, or there is none", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The files are deleted", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The format cannot be made now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn download(
    request: HttpRequest,
    id: web::Path<String>,
    query: web::Query<DownloadQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_music(&request, &id, &state).await?;
    let link = present::download(&state, &state.links(&request), &user, &job, query.format.as_deref()).await?;
    Ok(HttpResponse::Ok().json(link))
}

/// The caller's own song; whoever else's it is, in the words that clients look for.
async fn own_music(request: &HttpRequest, id: &str, state: &AppState) -> Result<(UserId, Job), ApiError> {
    own_job_of(request, id, &NAME, state).await.map_err(|error| match error {
        ApiError::NotFound => ApiError::RecordNotFound("Music record not found"),
        other => other,
    })
}
