//! The registry of models: every caller sees those that are everybody's and their own, operators change them. In the embedded
//! mode the local user is one.
//!
//! Reads and writes rows; how a model changes is decided by [`domain::registry`].

mod add;
mod browse;
mod change;
mod document;
mod usable;
mod wire;

use actix_web::web;
use utoipa::OpenApi;

pub use usable::{check_usable, unknown};

use crate::routing::{both, posted, read, takes};

#[derive(OpenApi)]
#[openapi(
    paths(
        browse::list, browse::read, add::list_all, add::add, add::read_any, change::change, change::canary, change::promote,
        change::roll_back, document::export, document::import,
    ),
    tags((name = "models", description = "Models that songs can be asked of by name"))
)]
struct Document;

pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(read("/api/v1/models", browse::list))
        .service(read("/api/v1/models/{name}", browse::read))
        .service(both("/api/v1/admin/models", add::list_all, add::add))
        // Before the names: no model is called so.
        .service(read("/api/v1/admin/models/export", document::export))
        .service(posted("/api/v1/admin/models/import", document::import))
        .service(
            takes("GET, HEAD, PATCH", "/api/v1/admin/models/{name}")
                .route(web::get().to(add::read_any))
                .route(web::head().to(add::read_any))
                .route(web::patch().to(change::change)),
        )
        .service(posted("/api/v1/admin/models/{name}/canary", change::canary))
        .service(posted("/api/v1/admin/models/{name}/promote", change::promote))
        .service(posted("/api/v1/admin/models/{name}/rollback", change::roll_back));
}
