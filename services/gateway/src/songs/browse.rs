//! Reading and searching the catalogue.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::SongId;
use persistence::{MAX_QUERY_CHARS, Song};

use super::wire::{OneSongBody, SongBody, SongListBody, SongQuery};
use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// Songs by title, or what a search finds.
#[utoipa::path(
    get, path = "/api/v1/songs", operation_id = "list_songs", tag = "songs", params(SongQuery),
    responses(
        (status = 200, body = SongListBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    request: HttpRequest,
    query: web::Query<SongQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.caller(&request).await?;
    let SongQuery { q, limit, cursor } = query.into_inner();
    let limit = limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::InvalidField { field: "limit", detail: "expected 1 to 100".to_owned() });
    }
    let songs = state.database.songs();
    if let Some(query) = q {
        if query.chars().count() > MAX_QUERY_CHARS {
            let detail = format!("expected at most {MAX_QUERY_CHARS} characters");
            return Err(ApiError::InvalidField { field: "q", detail });
        }
        if cursor.is_some() {
            let detail = "a search has one page; leave it out or raise limit".to_owned();
            return Err(ApiError::InvalidField { field: "cursor", detail });
        }
        let found = songs.search(&query, limit).await?;
        let songs = found.into_iter().map(|found| SongBody::of(found.song, Some(found.score))).collect();
        return Ok(HttpResponse::Ok().json(SongListBody { success: true, songs, next: None }));
    }
    let after = cursor
        .as_deref()
        .map(SongListBody::read_cursor)
        .transpose()
        .map_err(|why| ApiError::InvalidField { field: why.field, detail: why.detail })?;
    let page = songs.list(after.as_ref(), limit).await?;
    let songs = page.songs.into_iter().map(|song| SongBody::of(song, None)).collect();
    Ok(HttpResponse::Ok().json(SongListBody {
        success: true,
        songs,
        next: page.next.as_ref().map(SongListBody::write_cursor),
    }))
}

/// A song.
#[utoipa::path(
    get, path = "/api/v1/songs/{id}", operation_id = "read_song", tag = "songs", params(("id" = String, Path, description = "The song's id")),
    responses(
        (status = 200, body = OneSongBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.caller(&request).await?;
    let song = existing(&state, song_id(&id)?).await?;
    Ok(HttpResponse::Ok().json(OneSongBody { success: true, song: SongBody::of(song, None) }))
}

/// The song, or 404.
pub async fn existing(state: &AppState, id: SongId) -> Result<Song, ApiError> {
    state.database.songs().get(id).await?.ok_or(ApiError::NotFound)
}

/// An id from a path. What is no id is no song's.
pub fn song_id(text: &str) -> Result<SongId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}
