//! The catalogue that `descant serve` uses with the same settings, whether it runs or not.

use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::{SongId, SongName, song::MAX_IMPORT_BYTES};
use gateway::{OneSongBody, SongBody, SongFileBody, SongImportBody, SongListBody, SongRemovedBody};
use persistence::{Database, SongCursor};
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
    catalogue: Catalogue,
}

impl Here {
    pub async fn open(config: Option<PathBuf>, data_dir: Option<PathBuf>) -> Result<Self> {
        let mut options = LoadOptions::from_process(config);
        if let Some(folder) = data_dir {
            let Some(folder) = folder.to_str() else {
                return Err(Exit::refused(format!("--data-dir {}: choose a name that is UTF-8", folder.display())));
            };
            options = options.with("data_dir", folder);
        }
        let settings = Settings::load(&options)?;
        let needs = Needs { database: true, objects: true, ..Needs::NONE };
        let deps = Deps::connect(settings, "descant", needs, &CancellationToken::new()).await?;
        let default = ImportLimits::default();
        let limits = ImportLimits {
            archive_bytes: ARCHIVES_ARE_LARGER * MAX_IMPORT_BYTES,
            unpacked_bytes: ARCHIVES_ARE_LARGER * default.unpacked_bytes,
            entries: 10 * default.entries,
            report_lines: usize::MAX,
            ..default
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let database = deps.database()?;
        let catalogue = Catalogue::new(database.clone(), deps.objects()?, deps.clock.clone(), limits, workers);
        Ok(Self { database, catalogue })
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
