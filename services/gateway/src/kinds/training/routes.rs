//! The description of the kind's own address; the route is that of all kinds.

use utoipa::OpenApi;

use super::wire::TrainingForm;
use crate::{jobs::wire::SubmittedBody, problem::Problem, submission::Refusals};

/// This kind's part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(described))]
pub struct Document;

/// Have a model trained on recordings: a form with recordings, or an archive of them, in parts named `recording`.
#[utoipa::path(
    post, path = "/api/v1/jobs/training", tag = "jobs",
    request_body(content = TrainingForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = SubmittedBody),
        Refusals,
        (status = 501, description = "Nobody trains models here; the detail says what an operator has to set", body = Problem, content_type = "application/problem+json"),
    )
)]
#[allow(dead_code, reason = "describes what the route of all kinds takes for this one")]
fn described() {}
