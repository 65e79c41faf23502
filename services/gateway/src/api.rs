//! All routes in one place, and the OpenAPI document that is made from them.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};
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
        .service(posted("/api/v1/melody-vocals/convert", convert::convert))
        .service(read("/api/v1/melody-vocals/status/{id}", melody_vocals::status))
        .service(posted("/api/v1/melody-vocals/cancel/{id}", melody_vocals::cancel))
        .service(read("/api/v1/melody-vocals/history", melody_vocals::history))
        .service(read("/api/v1/melody-vocals/quota", melody_vocals::quota))
        .service(read("/api/v1/melody-vocals/stats", melody_vocals::stats))
        .service(posted("/api/v1/melody-vocals/feedback/{id}", melody_vocals::feedback))
        .service(read("/api/v1/jobs/{id}/events", jobs::events))
        .service(read("/api/v1/jobs/{id}/ws", jobs::ws))
        .service(read("/api/v1/jobs/{id}/result", jobs::result))
        .service(posted("/api/v1/operator/breakers/reset", operator::reset_breakers))
        .service(read("/api/v1/operator/dead-letters", operator::dead_letters))
        .service(posted("/api/v1/operator/dead-letters/{messageId}/requeue", operator::requeue))
        .service(read("/openapi.json", document))
        .default_service(web::to(nothing_here));
}

/// A path to read from: GET, and HEAD, which is the same without the body (RFC 9110, section 9.3.2).
fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    takes("GET, HEAD", path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// A path that does something.
fn posted<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    takes("POST", path).route(web::post().to(handler))
}

/// A path whose other methods are answered with 405 and the ones that it takes.
fn takes(allow: &'static str, path: &str) -> Resource {
    let others = web::to(move || async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) });
    web::resource(path).default_service(others)
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
