//! All routes in one place, and the OpenAPI document that is made from them.

use actix_web::{HttpResponse, Resource, Route, web};
use utoipa::OpenApi;

use crate::{
    app_state::AppState, follow::EventBody, jobs, kinds::SubmitKinds, operator, problem::ApiError, submission,
};

/// The HTTP API of Descant.
#[derive(OpenApi)]
#[openapi(
    info(title = "Descant", description = "Music generation as durable jobs: a hummed melody in, a sung vocal with lyrics out."),
    paths(
        jobs::list::list, jobs::read::read, jobs::cancel::cancel, jobs::retry::retry, jobs::events, jobs::ws,
        jobs::result, jobs::feedback::rate, jobs::feedback::feedback, operator::reset_breakers, operator::dead_letters, operator::requeue,
        health, live, ready, detailed,
    ),
    components(schemas(EventBody)),
    tags(
        (name = "jobs", description = "The same for every kind of job"),
        (name = "operator", description = "For whoever runs the service"),
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
    for kind in kinds.iter() {
        document.merge(kind.openapi());
    }
    document
}

pub fn configure(app: &mut web::ServiceConfig, kinds: &SubmitKinds) {
    for kind in kinds.iter() {
        kind.routes(app);
    }
    app.service(takes("GET", "/api/v1/jobs", web::get().to(jobs::list::list)))
        .service(
            // A job is read by its id, and made by its kind.
            takes("GET, POST", "/api/v1/jobs/{id}", web::get().to(jobs::read::read))
                .route(web::post().to(submission::of_any_kind)),
        )
        .service(takes("POST", "/api/v1/jobs/{id}/cancel", web::post().to(jobs::cancel::cancel)))
        .service(takes("POST", "/api/v1/jobs/{id}/retry", web::post().to(jobs::retry::retry)))
        .service(takes("GET", "/api/v1/jobs/{id}/events", web::get().to(jobs::events)))
        .service(takes("GET", "/api/v1/jobs/{id}/ws", web::get().to(jobs::ws)))
        .service(
            takes("GET, HEAD", "/api/v1/jobs/{id}/result", web::get().to(jobs::result))
                .route(web::head().to(jobs::result)),
        )
        .service(
            takes("GET, POST", "/api/v1/jobs/{id}/feedback", web::get().to(jobs::feedback::feedback))
                .route(web::post().to(jobs::feedback::rate)),
        )
        .service(takes("POST", "/api/v1/operator/breakers/reset", web::post().to(operator::reset_breakers)))
        .service(takes("GET", "/api/v1/operator/dead-letters", web::get().to(operator::dead_letters)))
        .service(takes("POST", "/api/v1/operator/dead-letters/{messageId}/requeue", web::post().to(operator::requeue)))
        .service(takes("GET", "/openapi.json", web::get().to(document)))
        .default_service(web::to(nothing_here));
}

/// A path whose other methods are answered with 405 and the ones that it takes.
pub fn takes(allow: &'static str, path: &str, route: Route) -> Resource {
    let others = web::to(move || async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) });
    web::resource(path).route(route).default_service(others)
}

/// Queries that cannot be read are answered like every other mistake.
pub fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        ApiError::InvalidBody { detail: format!("The query cannot be read: {error}.") }.into()
    })
}

async fn document(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(openapi(&state.kinds))
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}
