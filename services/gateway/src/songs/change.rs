//! Correcting and removing songs.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;
use domain::SongName;

use super::{
    browse::{existing, song_id},
    storage::ask,
    wire::{OneSongBody, SongBody, SongCorrection, SongRemovedBody},
};
use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

/// One row and one object; the rest is for a storage service that is just starting.
const DEADLINE: Duration = Duration::from_secs(30);

/// Give a song another title or artist. For operators.
#[utoipa::path(
    patch, path = "/api/v1/songs/{id}", operation_id = "correct_song", tag = "songs", params(("id" = String, Path, description = "The song's id")),
    request_body = SongCorrection,
    responses(
        (status = 200, body = OneSongBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn correct(
    request: HttpRequest,
    payload: web::Payload,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let id = song_id(&id)?;
    let SongCorrection { title, artist } = json_body::read(&request, payload).await?;
    if title.is_none() && artist.is_none() {
        let detail = "There is nothing to change: send `title`, `artist` or both.".to_owned();
        return Err(ApiError::InvalidBody { detail });
    }
    let song = existing(&state, id).await?;
    let name = SongName::new(&title.unwrap_or(song.title), artist.unwrap_or(song.artist).as_deref())
        .map_err(|why| ApiError::InvalidField { field: why.field, detail: why.detail })?;
    ask::<v1::SongCorrected>(&state, v1::CorrectSong::naming(id, &name), DEADLINE).await?;
    let song = existing(&state, id).await?;
    Ok(HttpResponse::Ok().json(OneSongBody { success: true, song: SongBody::of(song, None) }))
}

/// Remove a song. For operators. Blends that were made of it stay.
#[utoipa::path(
    delete, path = "/api/v1/songs/{id}", operation_id = "remove_song", tag = "songs", params(("id" = String, Path, description = "The song's id")),
    responses(
        (status = 200, body = SongRemovedBody),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn remove(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let id = existing(&state, song_id(&id)?).await?.id;
    ask::<v1::SongRemoved>(&state, v1::RemoveSong { song_id: id.to_string() }, DEADLINE).await?;
    Ok(HttpResponse::Ok().json(SongRemovedBody { success: true, id: id.to_string() }))
}
