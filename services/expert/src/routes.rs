//! The routes.

use actix_web::{
    HttpResponse,
    body::SizedStream,
    error::JsonPayloadError,
    web::{self, get, post},
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::{AppState, about, generate, melody_to_vocals, refusal::Refusal, stages, train};

/// Largest JSON body: the melody of five minutes is about 3 MB.
const MAX_JSON_BYTES: usize = 32 * 1024 * 1024;

pub fn configure(app: &mut web::ServiceConfig) {
    app.app_data(web::JsonConfig::default().limit(MAX_JSON_BYTES).error_handler(|error, _| match error {
        JsonPayloadError::Overflow { limit } | JsonPayloadError::OverflowKnownLength { limit, .. } => {
            Refusal::body_too_large(limit).into()
        }
        error => Refusal::invalid(format!("the body cannot be read: {error}")).into(),
    }))
    .route("/", get().to(about::about))
    .route("/health", get().to(about::health))
    .route("/models", get().to(about::models))
    .route("/metrics", get().to(about::metrics))
    .route("/melody-to-vocals", post().to(melody_to_vocals::melody_to_vocals))
    .route("/generate", post().to(generate::generate))
    .route("/train", post().to(train::train))
    .route("/v1/melody", post().to(stages::melody))
    .route("/v1/lyrics", post().to(stages::lyrics))
    .route("/v1/vocals", post().to(stages::vocals))
    .route("/files/{id}", get().to(file));
}

async fn file(id: web::Path<String>, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let id = Uuid::parse_str(&id).map_err(|_| Refusal::not_found())?;
    let (path, media_type) = state.files.find(id).ok_or_else(Refusal::not_found)?;
    let file = tokio::fs::File::open(&path).await.map_err(|_| Refusal::not_found())?;
    let size_bytes = file.metadata().await.map_err(|_| Refusal::not_found())?.len();
    let body = SizedStream::new(size_bytes, ReaderStream::with_capacity(file, 64 * 1024));
    Ok(HttpResponse::Ok().content_type(media_type).body(body))
}
