//! Importing: every file of every source is read, looked at, named and added, and gets its line in the report.

use std::{
    io::{self, Read},
    time::Duration,
};

use archive::{Sink, Source, Stop};
use bytes::Bytes;
use contracts::{NO_TIME, SongOutcome, SongReport, SongReportLine};
use futures_util::{StreamExt, stream};
use persistence::{Inserted, Song};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{
    catalogue::{Candidate, Catalogue},
    facts::{Looked, look},
    item::Item,
    limits::ImportLimits,
    names_list::{NamesList, TooLong},
    naming::{self, Wishes},
    refusal::Refusal,
};
use crate::error::StorageError;

/// How often, and how many times, it is looked whether a song is there that somebody else is taking in.
const BUSY_LOOK_EVERY: Duration = Duration::from_millis(50);
const BUSY_LOOKS: u32 = 60;

impl Catalogue {
    /// Takes in every song of `sources`; `told` hears of each file as it is done. Songs whose bytes are there already are
    /// left as they are. A file that is reached only after [`Catalogue::until`] ends the import, and is the last one told of.
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
        let (sources, Lists { names, refused, .. }) = listing.await.map_err(|_| StorageError::Interrupted)?;
        let mut report = SongReport::default();
        let mut tell = |line: SongReportLine| {
            told(&line);
            report.push(line, limits.report_lines);
        };
        refused.into_iter().for_each(&mut tell);
        // As many wait as are worked on: what is read lies in memory.
        let (items, mut read) = mpsc::channel(self.workers);
        let walking = tokio::task::spawn_blocking(move || {
            let mut songs = Songs(items);
            // Whoever listens has gone: then nobody misses the rest.
            let _ = sources.iter().try_for_each(|source| source.walk(&limits.files(), &mut songs));
        });
        let incoming = stream::poll_fn(|context| read.poll_recv(context));
        let mut lines = incoming.map(|item| self.take(item, &names, &wishes)).buffered(self.workers);
        while let Some(line) = lines.next().await {
            let line = line?;
            let is_last = matches!(&line.outcome, SongOutcome::Refused { code, .. } if code == NO_TIME);
            tell(line);
            if is_last {
                break;
            }
        }
        // With both gone, the walk ends at the next file that it comes to.
        drop(lines);
        drop(read);
        walking.await.map_err(|_| StorageError::Interrupted)?;
        Ok(report)
    }

    async fn take(&self, item: Item, lists: &NamesList, wishes: &Wishes) -> Result<SongReportLine, StorageError> {
        let Item { path, content } = item;
        let outcome = match content {
            _ if self.is_late() => Err(Refusal::NoTime),
            Ok(bytes) => self.take_bytes(&path, bytes, lists, wishes).await?,
            Err(refusal) => Err(refusal),
        };
        Ok(SongReportLine { file: path, outcome: outcome.unwrap_or_else(|refusal| refused(&refusal)) })
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

fn refused(refusal: &Refusal) -> SongOutcome {
    SongOutcome::Refused { code: refusal.code().to_owned(), why: refusal.to_string() }
}

fn read_whole(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Passes everything but lists of names on.
struct Songs(mpsc::Sender<Item>);

impl Sink for Songs {
    type Content = Vec<u8>;

    fn wants(&self, path: &str) -> bool {
        !NamesList::is_named(path)
    }

    fn read(&mut self, _path: &str, from: &mut dyn Read) -> io::Result<Vec<u8>> {
        read_whole(from)
    }

    fn take(&mut self, path: String, content: Result<Vec<u8>, archive::Refusal>) -> Result<(), Stop> {
        // What is wrong with a list was said when it was to be read.
        if NamesList::is_named(&path) {
            return Ok(());
        }
        let content = content.map_err(Refusal::from);
        self.0.blocking_send(Item { path, content }).map_err(|_| Stop)
    }
}

/// Reads the lists of names only.
struct Lists {
    limits: ImportLimits,
    names: NamesList,
    count: usize,
    bytes: u64,
    /// Lists that were not read.
    refused: Vec<SongReportLine>,
}

impl Lists {
    /// The room that is left for a list of this size, in lines.
    fn room(&self, bytes: usize) -> Option<usize> {
        let all_bytes = self.bytes.saturating_add(bytes as u64);
        let fits = self.count < self.limits.lists && all_bytes <= self.limits.lists_bytes;
        fits.then(|| self.limits.listed.saturating_sub(self.names.count()))
    }

    fn too_large(&self) -> Refusal {
        let ImportLimits { lists: most, listed: names, lists_bytes: limit_bytes, .. } = self.limits;
        Refusal::ListsTooLarge { most, names, limit_bytes }
    }

    fn read(&mut self, path: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(room) = self.room(bytes.len()) else { return Err(self.too_large()) };
        let Some(list) = NamesList::read(path, bytes, room) else { return Ok(()) };
        let list = list.map_err(|TooLong| self.too_large())?;
        self.names.extend(list);
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

impl Sink for Lists {
    type Content = Vec<u8>;

    fn wants(&self, path: &str) -> bool {
        NamesList::is_named(path)
    }

    fn read(&mut self, _path: &str, from: &mut dyn Read) -> io::Result<Vec<u8>> {
        read_whole(from)
    }

    fn take(&mut self, path: String, content: Result<Vec<u8>, archive::Refusal>) -> Result<(), Stop> {
        // What is wrong with an archive or a folder is said when its songs are read.
        if !NamesList::is_named(&path) {
            return Ok(());
        }
        let read = match content {
            Ok(bytes) => self.read(&path, &bytes),
            Err(archive::Refusal::TooLarge { .. }) => Err(self.too_large()),
            Err(refusal) => Err(refusal.into()),
        };
        if let Err(refusal) = read {
            self.refused.push(SongReportLine { file: path, outcome: refused(&refusal) });
        }
        Ok(())
    }
}

fn read_lists(sources: &[Source], limits: &ImportLimits) -> Lists {
    let mut lists = Lists { limits: *limits, names: NamesList::default(), count: 0, bytes: 0, refused: Vec::new() };
    let limits = archive::Limits { file_bytes: limits.lists_bytes, ..limits.files() };
    // It never stops by itself.
    let _ = sources.iter().try_for_each(|source| source.walk(&limits, &mut lists));
    lists
}
