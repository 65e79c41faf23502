//! The catalogue that `descant serve` uses with the same settings, whether it runs or not.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use blob_store::{BlobStore, ObjectKey};
use domain::{SongId, SongName, song::MAX_IMPORT_BYTES};
use futures_util::StreamExt as _;
use gateway::{OneSongBody, SongBody, SongFileBody, SongImportBody, SongListBody, SongRemovedBody};
use persistence::{Database, OfferedSong, Resolved, SongCursor};
use serde_json::Value;
use service_runtime::{CancellationToken, Deps, Needs};
use settings::{LoadOptions, Settings};
use storage::{
    StorageError,
    songs::{Catalogue, ImportLimits, Source, Wishes},
};

use crate::{exit::Exit, output::OutputError};

/// An archive that a person names by hand may be larger than one that comes over the network.
const ARCHIVES_ARE_LARGER: u64 = 16;

pub struct Here {
    database: Database,
    objects: Arc<dyn BlobStore>,
    catalogue: Catalogue,
}

impl Here {
    pub async fn open(config: Option<PathBuf>, data_dir: Option<PathBuf>) -> Result<Self> {
        Self::of(Settings::load(&options(config, data_dir.as_deref())?)?).await
    }

    pub async fn of(settings: Settings) -> Result<Self> {
        let needs = Needs { database: true, objects: true, ..Needs::NONE };
        let deps = Deps::connect(settings, "descant", needs, &CancellationToken::new()).await?;
        let default = ImportLimits::default();
        let limits = ImportLimits {
            archive_bytes: ARCHIVES_ARE_LARGER * MAX_IMPORT_BYTES,
            unpacked_bytes: ARCHIVES_ARE_LARGER * default.unpacked_bytes,
            entries: 10 * default.entries,
            lists_bytes: 10 * default.lists_bytes,
            listed: 10 * default.listed,
            report_lines: usize::MAX,
            ..default
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let database = deps.database()?;
        let objects = deps.objects()?;
        let catalogue = Catalogue::new(database.clone(), objects.clone(), deps.clock.clone(), limits, workers);
        Ok(Self { database, objects, catalogue })
    }

    pub async fn import(
        &self,
        paths: &[PathBuf],
        title: Option<String>,
        artist: Option<String>,
        mut told: impl FnMut(&Value) -> Result<(), OutputError> + Send,
    ) -> Result<Value> {
        let name = SongName::new(title.as_deref().unwrap_or("any"), artist.as_deref()).map_err(refused_field)?;
        if title.is_some() && paths.len() > 1 {
            return Err(Exit::refused("--title is for one song; leave it out for several"));
        }
        let open = |path: &PathBuf| {
            Source::open(path).map_err(|error| Exit::refused(format!("{} cannot be opened: {error}", path.display())))
        };
        let sources = paths.iter().map(open).collect::<Result<Vec<_>>>()?;
        let wishes = Wishes { title: title.map(|_| name.title().to_owned()), artist: name.artist().map(str::to_owned) };
        let mut unread = Ok(());
        let report = self.catalogue.import(sources, wishes, |line| {
            if unread.is_ok() {
                // A line that was just made can be written as JSON.
                unread = told(&serde_json::to_value(SongFileBody::of(line.clone())).unwrap_or_default());
            }
        });
        let report = report.await.context("the import stopped; what was imported before stays")?;
        unread?;
        Ok(serde_json::to_value(SongImportBody::of(report))?)
    }

    pub async fn list(&self, limit: u64, cursor: Option<&str>) -> Result<Value> {
        let after = cursor.map(SongListBody::read_cursor).transpose().map_err(|why| Exit::refused(why.to_string()))?;
        let page = self.database.songs().list(after.as_ref(), limit).await?;
        let songs = page.songs.into_iter().map(|song| SongBody::of(song, None)).collect();
        let next = page.next.map(|next: SongCursor| SongListBody::write_cursor(&next));
        Ok(serde_json::to_value(SongListBody { success: true, songs, next })?)
    }

    pub async fn search(&self, query: &str, limit: u64) -> Result<Value> {
        let found = self.database.songs().search(query, limit).await?;
        let songs = found.into_iter().map(|found| SongBody::of(found.song, Some(found.score))).collect();
        Ok(serde_json::to_value(SongListBody { success: true, songs, next: None })?)
    }

    /// The song that is called so, by its id, its title, or its title and artist: its name, and its file.
    ///
    /// # Errors
    /// Refused, with the choices, when none or several are called so.
    pub async fn fetch(&self, wanted: &str) -> Result<(String, Vec<u8>)> {
        let choices = |songs: &[OfferedSong]| {
            let lines = songs.iter().map(|offered| format!("\n  {}  {}", offered.song.id, offered.name));
            lines.collect::<String>()
        };
        let song = match self.database.songs().resolve(wanted).await? {
            Resolved::One(song) => song,
            Resolved::Several(songs) => {
                let choices = choices(&songs);
                return Err(Exit::refused(format!(
                    "several songs are called \"{wanted}\"; name one by its id:{choices}"
                )));
            }
            Resolved::Unknown { nearest } if nearest.is_empty() => {
                return Err(Exit::refused(format!(
                    "there is no file \"{wanted}\", and no song of that name in the catalogue (`descant songs list`)"
                )));
            }
            Resolved::Unknown { nearest } => {
                let choices = choices(&nearest);
                return Err(Exit::refused(format!(
                    "there is no file \"{wanted}\", and no song of that name in the catalogue; near it are:{choices}"
                )));
            }
        };
        let key: ObjectKey = song.object_key.parse().context("the song's file has a name that no file can have")?;
        let mut body = self.objects.get(&key, None).await.context("the song's file cannot be read")?.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.context("the song's file cannot be read")?);
        }
        Ok((song.full_name(), bytes))
    }

    pub async fn correct(&self, id: &str, title: Option<String>, artist: Option<Option<String>>) -> Result<Value> {
        let id = song_id(id)?;
        let song = self.database.songs().get(id).await?.ok_or_else(|| missing(id))?;
        let name = SongName::new(&title.unwrap_or(song.title), artist.unwrap_or(song.artist).as_deref());
        let song = self.catalogue.correct(id, &name.map_err(refused_field)?).await.map_err(of_storage)?;
        Ok(serde_json::to_value(OneSongBody { success: true, song: SongBody::of(song, None) })?)
    }

    pub async fn remove(&self, id: &str) -> Result<Value> {
        let song = self.catalogue.remove(song_id(id)?).await.map_err(of_storage)?;
        Ok(serde_json::to_value(SongRemovedBody { success: true, id: song.id.to_string() })?)
    }
}

/// The settings of a command that is told where the data are.
pub fn options(config: Option<PathBuf>, data_dir: Option<&Path>) -> Result<LoadOptions> {
    let options = LoadOptions::from_process(config);
    let Some(folder) = data_dir else { return Ok(options) };
    let Some(name) = folder.to_str() else {
        return Err(Exit::refused(format!("--data-dir {}: choose a name that is UTF-8", folder.display())));
    };
    Ok(options.with("data_dir", name))
}

fn song_id(text: &str) -> Result<SongId> {
    text.parse().map_err(|_| Exit::refused(format!("{text} is no song's id; `descant songs list` shows them")))
}

fn missing(id: SongId) -> anyhow::Error {
    Exit::refused(format!("there is no song {id} in the catalogue"))
}

fn refused_field(why: domain::InvalidField) -> anyhow::Error {
    Exit::refused(format!("--{why}"))
}

fn of_storage(error: StorageError) -> anyhow::Error {
    match error {
        StorageError::SongMissing { song } => missing(song),
        error => error.into(),
    }
}
