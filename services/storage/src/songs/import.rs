//! Importing: every file of every source is read, looked at, named and added, and gets its line in the report.

use std::time::Duration;

use bytes::Bytes;
use contracts::{SongOutcome, SongReport, SongReportLine};
use futures_util::{StreamExt, stream};
use persistence::{Inserted, Song};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{
    catalogue::{Candidate, Catalogue},
    facts::{Looked, look},
    item::{Item, Sink, Stop},
    limits::ImportLimits,
    names_list::NamesList,
    naming::{self, Wishes},
    refusal::Refusal,
    source::Source,
};
use crate::error::StorageError;

/// Lists of names that come with the files of one import.
const MOST_LISTS: usize = 64;
/// How often, and how many times, it is looked whether a song is there that somebody else is taking in.
const BUSY_LOOK_EVERY: Duration = Duration::from_millis(50);
const BUSY_LOOKS: u32 = 60;

impl Catalogue {
    /// Takes in every song of `sources`; `told` hears of each file as it is done. Songs whose bytes are there already are
    /// left as they are.
    ///
    /// # Errors
    /// When rows or objects cannot be reached. What was imported before stays, and is known to the next try.
    pub async fn import(
        &self,
        sources: Vec<Source>,
        wishes: Wishes,
        mut told: impl FnMut(&SongReportLine) + Send,
    ) -> Result<SongReport, StorageError> {
        let limits = self.limits;
        let listing = tokio::task::spawn_blocking(move || {
            let lists = read_lists(&sources, &limits);
            (sources, lists)
        });
        let (sources, lists) = listing.await.map_err(|_| StorageError::Interrupted)?;
        // As many wait as are worked on: what is read lies in memory.
        let (items, mut incoming) = mpsc::channel(self.workers);
        let walking = tokio::task::spawn_blocking(move || {
            let mut songs = Songs(items);
            // Whoever listens has gone: then nobody misses the rest.
            let _ = sources.iter().try_for_each(|source| source.walk(&limits, &mut songs));
        });
        let incoming = stream::poll_fn(|context| incoming.poll_recv(context));
        let mut lines = incoming.map(|item| self.take(item, &lists, &wishes)).buffered(self.workers);
        let mut report = SongReport::default();
        while let Some(line) = lines.next().await {
            let line = line?;
            told(&line);
            if report.files.len() < limits.report_lines {
                report.files.push(line);
            } else {
                report.unlisted += 1;
            }
        }
        drop(lines);
        walking.await.map_err(|_| StorageError::Interrupted)?;
        Ok(report)
    }

    async fn take(&self, item: Item, lists: &NamesList, wishes: &Wishes) -> Result<SongReportLine, StorageError> {
        let Item { path, content } = item;
        let outcome = match content {
            Ok(bytes) => self.take_bytes(&path, bytes, lists, wishes).await?,
            Err(refusal) => Err(refusal),
        };
        Ok(SongReportLine { file: path, outcome: outcome.unwrap_or_else(refused) })
    }

    async fn take_bytes(
        &self,
        path: &str,
        bytes: Vec<u8>,
        lists: &NamesList,
        wishes: &Wishes,
    ) -> Result<Result<SongOutcome, Refusal>, StorageError> {
        if wishes.title.is_some() && path.contains('/') {
            return Ok(Err(Refusal::TitleForMany));
        }
        let sha256 = hex::encode(Sha256::digest(&bytes));
        if let Some(song) = self.database.songs().find_by_hash(&sha256).await? {
            return Ok(Ok(known(song)));
        }
        let midi = self.limits.midi;
        let bytes = Bytes::from(bytes);
        let looking = bytes.clone();
        let looked = match tokio::task::spawn_blocking(move || look(&looking, &midi)).await {
            Ok(Ok(looked)) => looked,
            Ok(Err(why)) => return Ok(Err(why.into())),
            Err(crashed) => {
                tracing::error!(%sha256, %crashed, "the analysis of a song crashed");
                return Ok(Err(Refusal::NotAnalysed));
            }
        };
        let Looked { own_title, facts } = looked;
        let Some(name) = naming::name(path, &own_title, lists, wishes) else { return Ok(Err(Refusal::NoName)) };
        let added = self.add(Candidate { name, sha256: sha256.clone(), bytes, facts }).await?;
        Ok(match added {
            Inserted::New(song) => Ok(imported(song)),
            Inserted::Known(song) => Ok(known(song)),
            Inserted::Busy => self.once_shown(&sha256).await?.map(known).ok_or(Refusal::Busy),
        })
    }

    /// A song that somebody else is taking in, as soon as it is there: the same file twice in one folder is the rule
    /// rather than the exception.
    async fn once_shown(&self, sha256: &str) -> Result<Option<Song>, StorageError> {
        for _ in 0..BUSY_LOOKS {
            tokio::time::sleep(BUSY_LOOK_EVERY).await;
            if let Some(song) = self.database.songs().find_by_hash(sha256).await? {
                return Ok(Some(song));
            }
        }
        Ok(None)
    }
}

fn imported(song: Song) -> SongOutcome {
    let Song { id, title, artist, facts, .. } = song;
    SongOutcome::Imported { id, title, artist, warnings: facts.warnings }
}

fn known(song: Song) -> SongOutcome {
    let Song { id, title, artist, .. } = song;
    SongOutcome::Known { id, title, artist }
}

fn refused(refusal: Refusal) -> SongOutcome {
    SongOutcome::Refused { code: refusal.code().to_owned(), why: refusal.to_string() }
}

/// Passes everything but lists of names on.
struct Songs(mpsc::Sender<Item>);

impl Sink for Songs {
    fn wants(&self, path: &str) -> bool {
        !NamesList::is_named(path)
    }

    fn take(&mut self, item: Item) -> Result<(), Stop> {
        self.0.blocking_send(item).map_err(|_| Stop)
    }
}

/// Reads the lists of names only.
#[derive(Default)]
struct Lists {
    names: NamesList,
    count: usize,
}

impl Sink for Lists {
    fn wants(&self, path: &str) -> bool {
        NamesList::is_named(path)
    }

    fn take(&mut self, item: Item) -> Result<(), Stop> {
        // What is wrong with the source is said when its songs are read.
        let Ok(bytes) = item.content else { return Ok(()) };
        if let Some(list) = NamesList::read(&item.path, &bytes) {
            self.names.extend(list);
            self.count += 1;
        }
        if self.count < MOST_LISTS { Ok(()) } else { Err(Stop) }
    }
}

fn read_lists(sources: &[Source], limits: &ImportLimits) -> NamesList {
    let mut lists = Lists::default();
    // Enough of them is no failure.
    let _ = sources.iter().try_for_each(|source| source.walk(limits, &mut lists));
    lists.names
}
