//! Which song is meant by what somebody wrote.

use domain::SongId;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    song::{Song, Songs},
    text::{match_key, normalise},
};
use crate::{
    error::{During, PersistenceError},
    rows::{self, song::Column},
};

/// Songs that are offered: nearest ones, or those that a name is common to.
const CHOICES: usize = 10;
/// Songs of the same name that are looked at.
const SAME_NAME: u64 = 100;
/// Near songs that are offered.
const NEAREST: u64 = 5;

/// What a wanted song is.
#[derive(Clone, PartialEq, Debug)]
pub enum Resolved {
    One(Box<Song>),
    /// Several are called exactly this; at most ten of them, by title.
    Several(Vec<Song>),
    /// None is; the most similar ones, best first. It is never guessed, however near one is: who asks chooses.
    Unknown {
        nearest: Vec<Song>,
    },
}

impl Songs<'_> {
    /// The song that `wanted` names: by its id, its title, or its title and artist in either order, with or without
    /// something between them (`Title - Artist`, `Artist: Title`, `Title by Artist`). Case, accents and punctuation do
    /// not count.
    ///
    /// Words in another order name a song only where none has them in this one.
    pub async fn resolve(&self, wanted: &str) -> Result<Resolved, PersistenceError> {
        if let Ok(id) = wanted.trim().parse::<SongId>()
            && let Some(song) = self.get(id).await?
        {
            return Ok(Resolved::One(Box::new(song)));
        }
        let key = normalise(wanted);
        if key.is_empty() {
            return Ok(Resolved::Unknown { nearest: Vec::new() });
        }
        let whole = Condition::any().add(Column::TitleKey.eq(&key)).add(Column::MatchKey.eq(match_key(&key, "")));
        let mut songs = self.named(whole).await?;
        if songs.iter().any(|song| is_written(song, &key)) {
            songs.retain(|song| is_written(song, &key));
        }
        if songs.is_empty()
            && let Some((title, artist)) = by(&key)
        {
            let both = Condition::all().add(Column::TitleKey.eq(title)).add(Column::ArtistKey.eq(artist));
            songs = self.named(both).await?;
        }
        songs.truncate(CHOICES);
        if songs.len() > 1 {
            return Ok(Resolved::Several(songs));
        }
        if let Some(song) = songs.pop() {
            return Ok(Resolved::One(Box::new(song)));
        }
        let nearest = self.search(wanted, NEAREST).await?;
        Ok(Resolved::Unknown { nearest: nearest.into_iter().map(|found| found.song).collect() })
    }

    async fn named(&self, condition: Condition) -> Result<Vec<Song>, PersistenceError> {
        const DOING: &str = "look for a song by its name";
        let query = rows::song::Entity::find().filter(Column::HiddenAt.is_null()).filter(condition);
        let query = query.order_by_asc(Column::TitleKey).order_by_asc(Column::ArtistKey).order_by_asc(Column::Id);
        let rows = query.limit(SAME_NAME).all(self.db.reader()).await.during(DOING)?;
        rows.into_iter().map(Song::from_row).collect::<Result<_, _>>().during(DOING)
    }
}

/// Whether a song's title, or title and artist in either order, are just this.
fn is_written(song: &Song, key: &str) -> bool {
    let (title, artist) = (normalise(&song.title), song.artist.as_deref().map(normalise).unwrap_or_default());
    key == title || key == format!("{title} {artist}") || key == format!("{artist} {title}")
}

/// `title by artist` at its last "by".
fn by(key: &str) -> Option<(&str, &str)> {
    key.rsplit_once(" by ")
}
