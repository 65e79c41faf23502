//! Single songs and stretches of the catalogue.

use std::collections::HashMap;

use domain::SongId;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};

use super::song::{Song, SongCursor, SongPage, Songs};
use crate::{
    error::{During, PersistenceError},
    rows::song::Column,
};

impl Songs<'_> {
    pub async fn get(&self, id: SongId) -> Result<Option<Song>, PersistenceError> {
        const DOING: &str = "read a song";
        let row = Self::visible().filter(Column::Id.eq(id.uuid())).one(self.db.reader()).await.during(DOING)?;
        row.map(Song::from_row).transpose().during(DOING)
    }

    /// The song with these bytes.
    pub async fn find_by_hash(&self, sha256: &str) -> Result<Option<Song>, PersistenceError> {
        const DOING: &str = "look for a song by its bytes";
        let row = Self::visible().filter(Column::Sha256.eq(sha256)).one(self.db.reader()).await.during(DOING)?;
        row.map(Song::from_row).transpose().during(DOING)
    }

    /// The catalogue by title, `limit` songs behind `after`.
    pub async fn list(&self, after: Option<&SongCursor>, limit: u64) -> Result<SongPage, PersistenceError> {
        const DOING: &str = "list songs";
        let mut query = Self::visible();
        if let Some(SongCursor { title_key, id }) = after {
            let same_title = Condition::all().add(Column::TitleKey.eq(title_key)).add(Column::Id.gt(id.uuid()));
            // The first condition is implied by the second and is what the index can begin at.
            let behind = Condition::any().add(Column::TitleKey.gt(title_key)).add(same_title);
            query = query.filter(Column::TitleKey.gte(title_key)).filter(behind);
        }
        let query = query.order_by_asc(Column::TitleKey).order_by_asc(Column::Id).limit(limit.saturating_add(1));
        let mut rows = query.all(self.db.reader()).await.during(DOING)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| SongCursor { title_key: row.title_key.clone(), id: SongId::from_uuid(row.id) });
        let songs = rows.into_iter().map(Song::from_row).collect::<Result<_, _>>().during(DOING)?;
        Ok(SongPage { songs, next })
    }

    /// Songs in the order of `ids`; those that are gone are left out.
    pub(super) async fn in_order(&self, ids: &[SongId]) -> Result<Vec<Song>, PersistenceError> {
        const DOING: &str = "read songs";
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = Self::visible().filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())));
        let rows = query.all(self.db.reader()).await.during(DOING)?;
        let songs: Vec<Song> = rows.into_iter().map(Song::from_row).collect::<Result<_, _>>().during(DOING)?;
        let mut by_id: HashMap<SongId, Song> = songs.into_iter().map(|song| (song.id, song)).collect();
        Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
    }
}
