//! Reading and searching the catalogue.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::SongId;
use persistence::{MAX_QUERY_CHARS, Song, SongCursor};

use super::wire::{OneSongBody, SongBody, SongListBody, SongQuery};
use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// Songs by title, or what a search finds.
#[utoipa::path(
    get, path = "/api/v1/songs", tag = "songs", params(SongQuery),
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
    let after = cursor.as_deref().map(read_cursor).transpose()?;
    let page = songs.list(after.as_ref(), limit).await?;
    let songs = page.songs.into_iter().map(|song| SongBody::of(song, None)).collect();
    Ok(HttpResponse::Ok().json(SongListBody { success: true, songs, next: page.next.map(write_cursor) }))
}

/// A song.
#[utoipa::path(
    get, path = "/api/v1/songs/{id}", tag = "songs", params(("id" = String, Path, description = "The song's id")),
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

/// Opaque to clients: the id and the compared title of the last song of a page.
fn write_cursor(cursor: SongCursor) -> String {
    hex::encode([cursor.id.uuid().as_bytes(), cursor.title_key.as_bytes()].concat())
}

fn read_cursor(text: &str) -> Result<SongCursor, ApiError> {
    /// More than any title makes.
    const MAX_CHARS: usize = 4096;
    let read = || {
        let bytes = hex::decode(Some(text).filter(|text| text.len() <= MAX_CHARS)?).ok()?;
        let (id, title) = bytes.split_at_checked(16)?;
        let title_key = String::from_utf8(title.to_vec()).ok().filter(|title| !title.contains('\0'))?;
        Some(SongCursor { title_key, id: hex::encode(id).parse().ok()? })
    };
    read().ok_or_else(|| ApiError::InvalidField {
        field: "cursor",
        detail: "expected `next` of an earlier answer; leave it out to begin at the first title".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = SongCursor {
            title_key: "東 京 night".to_owned(),
            id: "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap(),
        };
        assert_eq!(read_cursor(&write_cursor(cursor.clone())).unwrap(), cursor);
        for other in ["", "zz", "00", &"ff".repeat(17), &"00".repeat(17), &"ab".repeat(5_000)] {
            assert!(read_cursor(other).is_err(), "{other}");
        }
    }
}
