//! A song of the catalogue, and the table of them.

use chrono::{DateTime, Utc};
use domain::{SongFacts, SongId, SongName};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use crate::{
    database::Database,
    error::Undecodable,
    rows::{self, song::Column},
};

/// One row of `songs`.
#[derive(Clone, PartialEq, Debug)]
pub struct Song {
    pub id: SongId,
    pub title: String,
    pub artist: Option<String>,
    /// Of the file's bytes, in lower-case hexadecimal; no two songs have the same.
    pub sha256: String,
    pub object_key: String,
    pub bytes: u64,
    pub facts: SongFacts,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Song {
    /// `Title - Artist`, or the title alone.
    pub fn full_name(&self) -> String {
        match &self.artist {
            Some(artist) => format!("{} - {artist}", self.title),
            None => self.title.clone(),
        }
    }
}

/// A song that is to be taken in.
#[derive(Clone, PartialEq, Debug)]
pub struct NewSong {
    pub id: SongId,
    pub name: SongName,
    pub sha256: String,
    pub object_key: String,
    pub bytes: u64,
    pub facts: SongFacts,
}

/// A place in the catalogue: behind this one, by title.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SongCursor {
    /// The title as it is compared.
    pub title_key: String,
    pub id: SongId,
}

/// A stretch of the catalogue.
#[derive(Clone, PartialEq, Debug)]
pub struct SongPage {
    /// By title, then id.
    pub songs: Vec<Song>,
    /// Where the catalogue goes on; `None` at its end.
    pub next: Option<SongCursor>,
}

/// The table of songs, and those that it is searched by.
#[derive(Clone, Copy)]
pub struct Songs<'a> {
    pub(crate) db: &'a Database,
}

impl Songs<'_> {
    /// Those that are there for everybody.
    pub(super) fn visible() -> Select<rows::song::Entity> {
        rows::song::Entity::find().filter(Column::HiddenAt.is_null())
    }
}

impl Song {
    pub(super) fn from_row(row: rows::song::Model) -> Result<Self, Undecodable> {
        let rows::song::Model {
            id,
            title,
            artist,
            title_key: _,
            artist_key: _,
            match_key: _,
            sha256,
            object_key,
            size_bytes,
            facts,
            created_at,
            updated_at,
            hidden_at: _,
        } = row;
        Ok(Self {
            id: SongId::from_uuid(id),
            title,
            artist,
            sha256,
            object_key,
            bytes: size_bytes.cast_unsigned(),
            facts: serde_json::from_value(facts).map_err(|why| Undecodable::new("songs.facts", why))?,
            created_at,
            updated_at,
        })
    }
}
