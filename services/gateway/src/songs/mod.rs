//! The catalogue of songs: every caller may read and search it, operators change it. In the embedded mode the local user
//! is one.
//!
//! Reads rows; whatever changes them is asked of storage over the bus.

mod browse;
mod change;
mod import;
mod storage;
mod wire;

use actix_web::web;
use utoipa::OpenApi;

pub use wire::{OneSongBody, SongBody, SongFileBody, SongImportBody, SongListBody, SongRemovedBody};

use crate::routing::{both, takes};

#[derive(OpenApi)]
#[openapi(
    paths(browse::list, browse::read, import::import, change::correct, change::remove),
    components(schemas(wire::SongImportForm)),
    tags((name = "songs", description = "Songs that can be blended, shared by all users"))
)]
struct Document;

pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(both("/api/v1/songs", browse::list, import::import)).service(
        takes("GET, HEAD, PATCH, DELETE", "/api/v1/songs/{id}")
            .route(web::get().to(browse::read))
            .route(web::head().to(browse::read))
            .route(web::patch().to(change::correct))
            .route(web::delete().to(change::remove)),
    );
}
