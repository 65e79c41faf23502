//! Songs come, are corrected and go; the index goes along in the same transaction.

use chrono::{DateTime, Utc};
use domain::{SongId, SongName};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{
    index,
    song::{NewSong, Song, Songs},
    text::{match_key, normalise},
};
use crate::{
    error::{During, PersistenceError},
    rows::{self, song::Column},
    time::micros,
};

/// What became of a song that was to be written.
#[derive(Clone, PartialEq, Debug)]
pub enum Inserted {
    New(Song),
    /// A song with the same bytes was there before, under whatever name.
    Known(Song),
    /// One with the same bytes is just being imported or removed; it passes.
    Busy,
}

/// The right to write a song's object.
#[derive(Clone, PartialEq, Debug)]
pub struct Begun {
    pub id: SongId,
    hidden_at: DateTime<Utc>,
}

/// What a song compares by.
struct Keys {
    title: String,
    artist: String,
    both: String,
}

impl Keys {
    fn of(name: &SongName) -> Self {
        let (title, artist) = (normalise(name.title()), name.artist().map(normalise).unwrap_or_default());
        let both = match_key(&title, &artist);
        Self { title, artist, both }
    }
}

impl Songs<'_> {
    /// Writes a song whose object is there already.
    pub async fn insert(&self, new: &NewSong, now: DateTime<Utc>) -> Result<Inserted, PersistenceError> {
        let written = self.insert_all(std::slice::from_ref(new), now).await?;
        Ok(written.into_iter().next().unwrap_or(Inserted::Busy))
    }

    /// Writes songs in one transaction. Gives back what became of each, in order.
    pub async fn insert_all(&self, new: &[NewSong], now: DateTime<Utc>) -> Result<Vec<Inserted>, PersistenceError> {
        const DOING: &str = "write songs";
        let tx = self.db.begin(DOING).await?;
        let mut written = Vec::with_capacity(new.len());
        let mut entries = Vec::with_capacity(new.len());
        for song in new {
            let keys = Keys::of(&song.name);
            if write(&tx, song, &keys, None, now).await.during(DOING)? {
                entries.push(index::Entry { id: song.id, title_key: keys.title, artist_key: keys.artist });
                written.push(Inserted::New(fresh(song, now)));
            } else {
                written.push(holder(&tx, &song.sha256).await?);
            }
        }
        index::change(&tx, &[], &entries).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(written)
    }

    /// Writes a song that nobody sees until its object is there ([`Self::reveal`]).
    ///
    /// `Err` of the inner result: what is there instead.
    pub async fn begin(&self, new: &NewSong, now: DateTime<Utc>) -> Result<Result<Begun, Inserted>, PersistenceError> {
        const DOING: &str = "begin to import a song";
        let tx = self.db.begin(DOING).await?;
        let keys = Keys::of(&new.name);
        if !write(&tx, new, &keys, Some(now), now).await.during(DOING)? {
            return holder(&tx, &new.sha256).await.map(Err);
        }
        let entry = index::Entry { id: new.id, title_key: keys.title, artist_key: keys.artist };
        index::change(&tx, &[], &[entry]).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(Ok(Begun { id: new.id, hidden_at: micros(now) }))
    }

    /// Shows a song whose object has been written. `None` when it took so long that the song was taken for abandoned;
    /// its object is then not to be kept.
    pub async fn reveal(&self, begun: &Begun) -> Result<Option<Song>, PersistenceError> {
        const DOING: &str = "show an imported song";
        let shown = rows::song::Entity::update_many()
            .col_expr(Column::HiddenAt, Expr::val(None::<DateTime<Utc>>))
            .filter(Column::Id.eq(begun.id.uuid()))
            .filter(Column::HiddenAt.eq(begun.hidden_at))
            .exec(self.db.writer())
            .await
            .during(DOING)?;
        if shown.rows_affected == 1 { self.get(begun.id).await } else { Ok(None) }
    }

    /// Gives a song another title and artist. `None` when there is none with this id.
    pub async fn correct(
        &self,
        id: SongId,
        name: &SongName,
        now: DateTime<Utc>,
    ) -> Result<Option<Song>, PersistenceError> {
        const DOING: &str = "correct a song's name";
        let tx = self.db.begin(DOING).await?;
        let Some(row) = locked(&tx, id).await.during(DOING)?.filter(|row| row.hidden_at.is_none()) else {
            return Ok(None);
        };
        let keys = Keys::of(name);
        if (&keys.title, &keys.artist) != (&row.title_key, &row.artist_key) {
            let before = index::Entry { id, title_key: row.title_key.clone(), artist_key: row.artist_key.clone() };
            let after = index::Entry { id, title_key: keys.title.clone(), artist_key: keys.artist.clone() };
            index::change(&tx, &[before], &[after]).await.during(DOING)?;
        }
        rows::song::Entity::update_many()
            .col_expr(Column::Title, Expr::val(name.title()))
            .col_expr(Column::Artist, Expr::val(name.artist().map(str::to_owned)))
            .col_expr(Column::TitleKey, Expr::val(keys.title.as_str()))
            .col_expr(Column::ArtistKey, Expr::val(keys.artist.as_str()))
            .col_expr(Column::MatchKey, Expr::val(keys.both.as_str()))
            .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
            .filter(Column::Id.eq(id.uuid()))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        let title = name.title().to_owned();
        let corrected =
            rows::song::Model { title, artist: name.artist().map(str::to_owned), updated_at: micros(now), ..row };
        Song::from_row(corrected).map(Some).during(DOING)
    }

    /// Hides a song that is to be removed: delete its object, then the row ([`Self::remove`]). `None` when there is none
    /// with this id, or somebody else removes it.
    pub async fn hide(&self, id: SongId, now: DateTime<Utc>) -> Result<Option<Song>, PersistenceError> {
        const DOING: &str = "hide a song";
        let tx = self.db.begin(DOING).await?;
        let Some(row) = locked(&tx, id).await.during(DOING)?.filter(|row| row.hidden_at.is_none()) else {
            return Ok(None);
        };
        rows::song::Entity::update_many()
            .col_expr(Column::HiddenAt, Expr::val(micros(now)))
            .filter(Column::Id.eq(id.uuid()))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        Song::from_row(row).map(Some).during(DOING)
    }

    /// Forgets a song, hidden or not; its object is the caller's to delete, and before this. `None` when there is none
    /// with this id.
    pub async fn remove(&self, id: SongId) -> Result<Option<Song>, PersistenceError> {
        const DOING: &str = "remove a song";
        let tx = self.db.begin(DOING).await?;
        let Some(row) = locked(&tx, id).await.during(DOING)? else { return Ok(None) };
        let entry = index::Entry { id, title_key: row.title_key.clone(), artist_key: row.artist_key.clone() };
        index::change(&tx, &[entry], &[]).await.during(DOING)?;
        rows::song::Entity::delete_by_id(id.uuid()).exec(&tx).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Song::from_row(row).map(Some).during(DOING)
    }

    /// Songs that have been hidden since before `before`, oldest first: imports and removals that did not come to their
    /// end. They are the caller's from now on: delete their objects, then the rows. Those of a sweep that died come again.
    pub async fn claim_abandoned(
        &self,
        before: DateTime<Utc>,
        limit: u64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Song>, PersistenceError> {
        const DOING: &str = "look for abandoned songs";
        let query = rows::song::Entity::find().filter(Column::HiddenAt.lt(micros(before)));
        let query = query.order_by_asc(Column::HiddenAt).limit(limit);
        let mut claimed = Vec::new();
        for row in query.all(self.db.reader()).await.during(DOING)? {
            let taken = rows::song::Entity::update_many()
                .col_expr(Column::HiddenAt, Expr::val(micros(now)))
                .filter(Column::Id.eq(row.id))
                // Another sweep, or the import itself, may have been quicker.
                .filter(Column::HiddenAt.eq(row.hidden_at))
                .exec(self.db.writer())
                .await
                .during(DOING)?;
            if taken.rows_affected == 1 {
                claimed.push(Song::from_row(row).during(DOING)?);
            }
        }
        Ok(claimed)
    }
}

/// False when a song with the same bytes is there.
async fn write(
    tx: &DatabaseTransaction,
    new: &NewSong,
    keys: &Keys,
    hidden_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<bool, sea_orm::DbErr> {
    let NewSong { id, name, sha256, object_key, bytes, facts } = new;
    let facts = serde_json::to_value(facts).map_err(|why| sea_orm::DbErr::Json(why.to_string()))?;
    let row = rows::song::ActiveModel {
        id: Set(id.uuid()),
        title: Set(name.title().to_owned()),
        artist: Set(name.artist().map(str::to_owned)),
        title_key: Set(keys.title.clone()),
        artist_key: Set(keys.artist.clone()),
        match_key: Set(keys.both.clone()),
        sha256: Set(sha256.clone()),
        object_key: Set(object_key.clone()),
        size_bytes: Set(bytes.cast_signed()),
        facts: Set(facts),
        created_at: Set(micros(now)),
        updated_at: Set(micros(now)),
        hidden_at: Set(hidden_at.map(micros)),
    };
    let same_bytes = OnConflict::column(Column::Sha256).do_nothing().to_owned();
    let done = rows::song::Entity::insert(row).on_conflict(same_bytes).exec_without_returning(tx).await?;
    Ok(done == 1)
}

/// Who has these bytes.
async fn holder(tx: &impl ConnectionTrait, sha256: &str) -> Result<Inserted, PersistenceError> {
    const DOING: &str = "look for a song with the same bytes";
    let row = Songs::visible().filter(Column::Sha256.eq(sha256)).one(tx).await.during(DOING)?;
    row.map_or(Ok(Inserted::Busy), |row| Song::from_row(row).map(Inserted::Known)).during(DOING)
}

async fn locked(tx: &DatabaseTransaction, id: SongId) -> Result<Option<rows::song::Model>, sea_orm::DbErr> {
    let query = rows::song::Entity::find_by_id(id.uuid());
    let query = match tx.get_database_backend() {
        DbBackend::Postgres => query.lock_exclusive(),
        // A transaction that writes is alone there.
        _ => query,
    };
    query.one(tx).await
}

fn fresh(new: &NewSong, now: DateTime<Utc>) -> Song {
    let NewSong { id, name, sha256, object_key, bytes, facts } = new.clone();
    Song {
        id,
        title: name.title().to_owned(),
        artist: name.artist().map(str::to_owned),
        sha256,
        object_key,
        bytes,
        facts,
        created_at: micros(now),
        updated_at: micros(now),
    }
}
