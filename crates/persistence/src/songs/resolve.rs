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
/// What stands between title and artist, and how many of them are looked at.
const DASH: &str = " - ";
const DASHES: usize = 8;

/// What a wanted song is.
#[derive(Clone, PartialEq, Debug)]
pub enum Resolved {
    One(Box<Song>),
    /// Several are called exactly this; at most ten of them, by title.
    Several(Vec<OfferedSong>),
    /// None is; the most similar ones, best first. It is never guessed, however near one is: who asks chooses.
    Unknown {
        nearest: Vec<OfferedSong>,
    },
}

/// A song that may be meant.
#[derive(Clone, PartialEq, Debug)]
pub struct OfferedSong {
    pub song: Song,
    /// What it is called, with its id in brackets behind it where that alone does not name it. Whoever sends this back gets
    /// this song.
    pub name: String,
}

impl Songs<'_> {
    /// The song that `wanted` names: by its id, its title, or its title and artist in either order, with or without
    /// something between them (`Title - Artist`, `Artist: Title`, `Title by Artist`). Case, accents and punctuation do
    /// not count, unless `Title - Artist` is written just so. An id in brackets at the end, as in
    /// [`OfferedSong::name`], counts alone.
    ///
    /// Words in another order name a song only where none has them in this one.
    pub async fn resolve(&self, wanted: &str) -> Result<Resolved, PersistenceError> {
        let mut songs = self.called(wanted).await?;
        if songs.len() > 1 {
            songs.truncate(CHOICES);
            return Ok(Resolved::Several(self.offered(songs).await?));
        }
        if let Some(song) = songs.pop() {
            return Ok(Resolved::One(Box::new(song)));
        }
        let nearest = self.search(wanted, NEAREST).await?.into_iter().map(|found| found.song).collect();
        Ok(Resolved::Unknown { nearest: self.offered(nearest).await? })
    }

    /// All songs that are called so, up to a bound.
    async fn called(&self, wanted: &str) -> Result<Vec<Song>, PersistenceError> {
        if let Some(id) = id_in(wanted)
            && let Some(song) = self.get(id).await?
        {
            return Ok(vec![song]);
        }
        let key = normalise(wanted);
        if key.is_empty() {
            return Ok(Vec::new());
        }
        let mut whole = Condition::any().add(Column::TitleKey.eq(&key)).add(Column::MatchKey.eq(match_key(&key, "")));
        // A long name is longer than a key, its halves are not; and a title of nothing but signs is none beside words.
        for (at, dash) in wanted.match_indices(DASH).take(DASHES) {
            let (title, artist) = (normalise(&wanted[..at]), normalise(&wanted[at + dash.len()..]));
            whole = whole.add(Condition::all().add(Column::TitleKey.eq(title)).add(Column::ArtistKey.eq(artist)));
        }
        let mut songs = self.named(whole).await?;
        keep_if_any(&mut songs, |song| is_written(song, &key));
        keep_if_any(&mut songs, |song| song.artist.is_some() && song.full_name() == wanted.trim());
        if songs.is_empty()
            && let Some((title, artist)) = by(&key)
        {
            let both = Condition::all().add(Column::TitleKey.eq(title)).add(Column::ArtistKey.eq(artist));
            songs = self.named(both).await?;
        }
        Ok(songs)
    }

    /// With names that find them again.
    async fn offered(&self, songs: Vec<Song>) -> Result<Vec<OfferedSong>, PersistenceError> {
        let mut offered = Vec::with_capacity(songs.len());
        for song in songs {
            let mut name = song.full_name();
            let called = self.called(&name).await?;
            if called.len() != 1 || called.iter().any(|found| found.id != song.id) {
                name = format!("{name} ({})", song.id);
            }
            offered.push(OfferedSong { song, name });
        }
        Ok(offered)
    }

    async fn named(&self, condition: Condition) -> Result<Vec<Song>, PersistenceError> {
        const DOING: &str = "look for a song by its name";
        let query = rows::song::Entity::find().filter(Column::HiddenAt.is_null()).filter(condition);
        let query = query.order_by_asc(Column::TitleKey).order_by_asc(Column::ArtistKey).order_by_asc(Column::Id);
        let rows = query.limit(SAME_NAME).all(self.db.reader()).await.during(DOING)?;
        rows.into_iter().map(Song::from_row).collect::<Result<_, _>>().during(DOING)
    }
}

/// The id that this is, or that stands in brackets at its end.
fn id_in(wanted: &str) -> Option<SongId> {
    let wanted = wanted.trim();
    let bracketed = || wanted.strip_suffix(')')?.rsplit_once('(')?.1.parse().ok();
    wanted.parse().ok().or_else(bracketed)
}

/// Leaves those for which it holds, where there are any.
fn keep_if_any(songs: &mut Vec<Song>, holds: impl Fn(&Song) -> bool) {
    if songs.iter().any(&holds) {
        songs.retain(holds);
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
