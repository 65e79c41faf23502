//! Which songs are meant: titles of the catalogue and files, in their order.

use async_trait::async_trait;
use domain::{
    SongName,
    kinds::blend::{SONG, SONGS as COUNT},
};
use persistence::{Database, OfferedSong, Resolved, Song};
use serde_json::Value;

use super::SONGS;
use crate::{
    fields::Fields,
    named_inputs::{NamedInputs, Place, StoredInput},
    problem::ApiError,
    wire::SongChoice,
};

/// Longest name that is looked for, in characters: whatever is offered can be sent back.
const MAX_NAME_CHARS: usize = SongName::MAX_OFFERED_CHARS;

/// Songs by title.
pub struct CatalogueSongs;

/// The list as it was sent: titles, and `null` where a file is meant.
///
/// # Errors
/// When it is no such list.
pub fn wanted(fields: &Fields) -> Result<Vec<Option<String>>, ApiError> {
    let refused = |detail: String| ApiError::InvalidField { field: SONGS, detail };
    let Some(value) = fields.structured(SONGS) else { return Ok(Vec::new()) };
    let items = value.as_array().filter(|items| items.len() <= COUNT);
    let items = items.ok_or_else(|| {
        refused(format!(
            "expected a list of {COUNT} titles, such as \"Title - Artist\", with null where a file is meant"
        ))
    })?;
    let title = |item: &Value| match item {
        Value::Null => Ok(None),
        Value::String(title) => {
            let title = title.trim();
            let fits = (1..=MAX_NAME_CHARS).contains(&title.chars().count()) && !title.chars().any(char::is_control);
            if fits {
                Ok(Some(title.to_owned()))
            } else {
                Err(refused(format!("a title has 1 to {MAX_NAME_CHARS} printable characters")))
            }
        }
        _ => Err(refused("a song is named by its title, or by null where a file is meant".to_owned())),
    };
    items.iter().map(title).collect()
}

#[async_trait]
impl NamedInputs for CatalogueSongs {
    /// Files without a `null` of their own come after the titles.
    async fn places(&self, database: &Database, fields: &Fields, files: usize) -> Result<Vec<Place>, ApiError> {
        let mut wanted = wanted(fields)?;
        let nulls = wanted.iter().filter(|title| title.is_none()).count();
        if nulls == 0 {
            wanted.extend(std::iter::repeat_n(None, files));
        } else if nulls != files {
            let detail = format!("null stands for a file, and {files} came in parts named `{SONG}` for {nulls}");
            return Err(ApiError::InvalidField { field: SONGS, detail });
        }
        if wanted.len() != COUNT {
            let titles = wanted.iter().flatten().count();
            let detail = format!(
                "a blend is made of {COUNT} songs: {titles} titles and {files} files (parts named `{SONG}`) came"
            );
            return Err(ApiError::InvalidField { field: SONGS, detail });
        }
        let mut places = Vec::new();
        for (index, title) in wanted.into_iter().enumerate() {
            places.push(match title {
                None => Place::File,
                Some(title) => Place::Stored(find(database, index + 1, title).await?),
            });
        }
        Ok(places)
    }
}

async fn find(database: &Database, number: usize, wanted: String) -> Result<StoredInput, ApiError> {
    let choices = |songs: Vec<OfferedSong>| songs.into_iter().map(choice).collect();
    match database.songs().resolve(&wanted).await? {
        Resolved::One(song) => Ok(stored(*song)),
        Resolved::Several(songs) => Err(ApiError::SongAmbiguous { number, wanted, choices: choices(songs) }),
        Resolved::Unknown { nearest } => Err(ApiError::SongUnknown { number, wanted, nearest: choices(nearest) }),
    }
}

fn choice(OfferedSong { song, name }: OfferedSong) -> SongChoice {
    SongChoice { id: song.id.to_string(), name, title: song.title, artist: song.artist }
}

fn stored(song: Song) -> StoredInput {
    StoredInput {
        role: SONG,
        // The stages take a song's name from that of its file. It is only a name: objects have keys of their own.
        file_name: format!("{}.mid", song.full_name()),
        object_key: song.object_key,
        size_bytes: song.bytes,
        sha256: song.sha256,
        media_type: "audio/midi",
        what: "A song of the catalogue",
    }
}
