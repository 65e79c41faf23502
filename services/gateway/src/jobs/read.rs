//! Reading one job.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{own_job, present, wire::JobBody};
use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// A job of any kind: where it stands, what it is made from, and its result when it is done.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, body = JobBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &state).await?;
    Ok(HttpResponse::Ok().json(present::job(&state, &state.links(&request), &user, &job).await?))
}
