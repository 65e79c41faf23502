//! Finished songs, kept for an hour in a folder that goes away with the service.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tempfile::{NamedTempFile, TempDir};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a song can be fetched.
pub const KEEP: Duration = Duration::from_secs(3600);
/// Bytes kept in all; the oldest songs go first. Five minutes of WAV are 26 MB.
const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The folder and what is in it.
pub struct SongFiles {
    folder: TempDir,
    kept: Mutex<HashMap<Uuid, Kept>>,
}

#[derive(Clone, Debug)]
struct Kept {
    path: PathBuf,
    media_type: &'static str,
    size_bytes: u64,
    since: Instant,
}

impl SongFiles {
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("descant-expert-").tempdir()?;
        Ok(Self { folder, kept: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file to write a song into. It is gone when it is dropped and not kept. Blocks.
    pub fn begin(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.folder)
    }

    /// Keeps a file that [`Self::begin`] made; returns the id to fetch it by.
    pub async fn keep(&self, song: NamedTempFile, media_type: &'static str) -> io::Result<Uuid> {
        let id = Uuid::new_v4();
        let path = self.folder.path().join(id.simple().to_string());
        let size_bytes = song.as_file().metadata()?.len();
        song.persist(&path)?;
        self.lock().insert(id, Kept { path, media_type, size_bytes, since: Instant::now() });
        self.sweep().await;
        Ok(id)
    }

    /// Where a file lies and what it is.
    pub fn find(&self, id: Uuid) -> Option<(PathBuf, &'static str)> {
        self.lock().get(&id).filter(|kept| kept.since.elapsed() < KEEP).map(|kept| (kept.path.clone(), kept.media_type))
    }

    /// Deletes what is too old, and the oldest of what is too much.
    async fn sweep(&self) {
        let gone = {
            let mut kept = self.lock();
            let mut by_age: Vec<(Uuid, Instant, u64)> =
                kept.iter().map(|(id, file)| (*id, file.since, file.size_bytes)).collect();
            by_age.sort_by_key(|(_, since, _)| *since);
            let mut total: u64 = by_age.iter().map(|(_, _, size)| size).sum();
            let mut gone = Vec::new();
            for (id, since, size) in by_age {
                if since.elapsed() < KEEP && total <= MAX_BYTES {
                    break;
                }
                total -= size;
                gone.extend(kept.remove(&id));
            }
            gone
        };
        for file in gone {
            if let Err(error) = tokio::fs::remove_file(&file.path).await {
                tracing::warn!(%error, "old song not deleted");
            }
        }
    }

    pub(crate) async fn sweep_until(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_EVERY) => self.sweep().await,
                () = shutdown.cancelled() => return,
            }
        }
    }
}
