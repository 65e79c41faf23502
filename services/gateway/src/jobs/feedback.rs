//! What users say of their results.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{JobState, UserId};
use persistence::Job;

use super::{
    own_job,
    wire::{Acknowledged, FeedbackBody, FeedbackForm},
};
use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

const MAX_CHARS: usize = 2000;

/// Say what you think of a result. A second time replaces the first.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/feedback", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")), request_body = FeedbackForm,
    responses(
        (status = 200, body = Acknowledged),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no result to rate", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn rate(
    request: HttpRequest,
    payload: web::Payload,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &state).await?;
    rate_job(&state, &user, &job, json_body::read(&request, payload).await?).await
}

/// What you said of a result.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/feedback", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, body = FeedbackBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn feedback(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &state).await?;
    let said = state.database.jobs_of(&user).feedback(job.id).await?;
    Ok(HttpResponse::Ok().json(FeedbackBody {
        success: true,
        job_id: job.id.to_string(),
        rating: said.as_ref().map(|said| said.rating),
        at: said.as_ref().map(|said| said.at),
        feedback: said.and_then(|said| said.text),
    }))
}

pub async fn rate_job(
    state: &AppState,
    user: &UserId,
    job: &Job,
    form: FeedbackForm,
) -> Result<HttpResponse, ApiError> {
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
    if !state.database.jobs_of(user).rate(job.id, rating, text, state.clock.now()).await? {
        return Err(ApiError::NotFound);
    }
    Ok(HttpResponse::Ok().json(Acknowledged { success: true, message: "Feedback submitted successfully" }))
}
