//! All routes in one place, and the OpenAPI document that is made from them.

use actix_web::{HttpResponse, Resource, Route, web};
use utoipa::OpenApi;

use crate::{
    follow::EventBody,
    jobs,
    melody_vocals::{convert, routes as melody_vocals},
    operator,
    problem::ApiError,
};

/// The HTTP API of Descant.
#[derive(OpenApi)]
#[openapi(
    info(title = "Descant", description = "Music generation as durable jobs: a hummed melody in, a sung vocal with lyrics out."),
    paths(
        convert::convert, melody_vocals::status, melody_vocals::cancel, melody_vocals::history, melody_vocals::quota,
        melody_vocals::stats, melody_vocals::feedback, jobs::events, jobs::ws, jobs::result, operator::reset_breakers,
        operator::dead_letters, operator::requeue,
        health, live, ready, detailed,
    ),
    components(schemas(EventBody)),
    tags(
        (name = "melody-vocals", description = "A hummed melody becomes a sung vocal with lyrics"),
        (name = "jobs", description = "The same for every kind of job"),
        (name = "operator", description = "For whoever runs the house"),
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

/// The document as JSON.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub fn configure(app: &mut web::ServiceConfig) {
    app.app_data(json_config())
        .service(takes("POST", "/api/v1/melody-vocals/convert", web::post().to(convert::convert)))
        .service(takes("GET", "/api/v1/melody-vocals/status/{id}", web::get().to(melody_vocals::status)))
        .service(takes("POST", "/api/v1/melody-vocals/cancel/{id}", web::post().to(melody_vocals::cancel)))
        .service(takes("GET", "/api/v1/melody-vocals/history", web::get().to(melody_vocals::history)))
        .service(takes("GET", "/api/v1/melody-vocals/quota", web::get().to(melody_vocals::quota)))
        .service(takes("GET", "/api/v1/melody-vocals/stats", web::get().to(melody_vocals::stats)))
        .service(takes("POST", "/api/v1/melody-vocals/feedback/{id}", web::post().to(melody_vocals::feedback)))
        .service(takes("GET", "/api/v1/jobs/{id}/events", web::get().to(jobs::events)))
        .service(takes("GET", "/api/v1/jobs/{id}/ws", web::get().to(jobs::ws)))
        .service(
            takes("GET, HEAD", "/api/v1/jobs/{id}/result", web::get().to(jobs::result))
                .route(web::head().to(jobs::result)),
        )
        .service(takes("POST", "/api/v1/operator/breakers/reset", web::post().to(operator::reset_breakers)))
        .service(takes("GET", "/api/v1/operator/dead-letters", web::get().to(operator::dead_letters)))
        .service(takes("POST", "/api/v1/operator/dead-letters/{messageId}/requeue", web::post().to(operator::requeue)))
        .service(takes("GET", "/openapi.json", web::get().to(document)))
        .default_service(web::to(nothing_here));
}

/// A path whose other methods are answered with 405 and the ones that it takes.
fn takes(allow: &'static str, path: &str, route: Route) -> Resource {
    let others = web::to(move || async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) });
    web::resource(path).route(route).default_service(others)
}

/// Bodies that are not the JSON a route takes are answered like every other mistake.
fn json_config() -> web::JsonConfig {
    const MAX_BYTES: usize = 64 * 1024;
    web::JsonConfig::default().limit(MAX_BYTES).error_handler(|error, _| {
        use actix_web::error::JsonPayloadError as E;
        match error {
            E::ContentType => {
                ApiError::UnsupportedMediaType { detail: "Send JSON as application/json.".to_owned() }.into()
            }
            error => ApiError::InvalidBody { detail: format!("The body cannot be read: {error}.") }.into(),
        }
    })
}

/// Queries that cannot be read, likewise.
pub fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        ApiError::InvalidBody { detail: format!("The query cannot be read: {error}.") }.into()
    })
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().json(openapi())
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}
