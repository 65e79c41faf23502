//! All routes in one place, and the OpenAPI document that is made from them.

use actix_web::{HttpResponse, web};
use utoipa::OpenApi;

use crate::{
    app_state::AppState,
    estimate,
    follow::EventBody,
    hooks, jobs, models, operator,
    problem::ApiError,
    routing::{both, posted, read},
    songs, spending, submission,
    submit_kind::SubmitKinds,
};

/// The HTTP API of Descant.
#[derive(OpenApi)]
#[openapi(
    info(title = "Descant", description = "Music generation as durable jobs: a hummed melody in, a sung vocal with lyrics out."),
    paths(
        jobs::list::list, jobs::read::read, jobs::cancel::cancel, jobs::retry::retry, jobs::streams::events, jobs::streams::ws,
        jobs::download::result, jobs::feedback::rate, jobs::feedback::feedback, operator::reset_breakers, operator::dead_letters, operator::requeue,
        spending::own, spending::everybodys, estimate::estimate,
        hooks::receive,
        health, live, ready, detailed,
    ),
    components(schemas(EventBody)),
    tags(
        (name = "jobs", description = "The same for every kind of job"),
        (name = "spending", description = "What vendors are paid"),
        (name = "operator", description = "For whoever runs the service"),
        (name = "hooks", description = "For vendors that work for this service"),
        (name = "health", description = "For load balancers and people"),
    )
)]
struct Document;

// The runtime serves these for every service alike; here they are only described.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, description = "It answers")))]
#[allow(dead_code, reason = "describes a route that the runtime serves")]
fn health() {}

#[utoipa::path(get, path = "/api/health/live", tag = "health", responses((status = 200, description = "Leave it running")))]
#[allow(dead_code, reason = "describes a route that the runtime serves")]
fn live() {}

#[utoipa::path(
    get, path = "/api/health/ready", tag = "health",
    responses((status = 200, description = "Send requests here"), (status = 503, description = "Do not"))
)]
#[allow(dead_code, reason = "describes a route that the runtime serves")]
fn ready() {}

#[utoipa::path(
    get, path = "/api/health/detailed", tag = "health",
    responses((status = 200, description = "Everything it needs answers"), (status = 503, description = "Something does not"))
)]
#[allow(dead_code, reason = "describes a route that the runtime serves")]
fn detailed() {}

/// The document: what all kinds have in common, and each kind's part.
pub fn openapi(kinds: &SubmitKinds) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(songs::openapi());
    document.merge(models::openapi());
    for kind in kinds.iter() {
        document.merge(kind.openapi());
    }
    document
}

pub fn configure(app: &mut web::ServiceConfig, kinds: &SubmitKinds) {
    for kind in kinds.iter() {
        kind.routes(app);
    }
    songs::routes(app);
    models::routes(app);
    app.service(read("/api/v1/jobs", jobs::list::list))
        // A job is read by its id, and made by its kind.
        .service(both("/api/v1/jobs/{id}", jobs::read::read, submission::of_any_kind))
        .service(posted("/api/v1/jobs/{id}/cancel", jobs::cancel::cancel))
        .service(posted("/api/v1/jobs/{id}/retry", jobs::retry::retry))
        .service(read("/api/v1/jobs/{id}/events", jobs::streams::events))
        .service(read("/api/v1/jobs/{id}/ws", jobs::streams::ws))
        .service(read("/api/v1/jobs/{id}/result", jobs::download::result))
        .service(both("/api/v1/jobs/{id}/feedback", jobs::feedback::feedback, jobs::feedback::rate))
        .service(read("/api/v1/spending", spending::own))
        .service(read("/api/v1/estimate", estimate::estimate))
        .service(read("/api/v1/operator/spending", spending::everybodys))
        .service(posted("/api/v1/operator/breakers/reset", operator::reset_breakers))
        .service(read("/api/v1/operator/dead-letters", operator::dead_letters))
        .service(posted("/api/v1/operator/dead-letters/{messageId}/requeue", operator::requeue))
        .service(posted("/api/v1/hooks/{provider}", hooks::receive))
        .service(read("/openapi.json", document))
        .default_service(web::to(nothing_here));
}

async fn document(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(openapi(&state.kinds))
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}
