//! Single songs of the catalogue: row and object come and go together.

use std::{sync::Arc, time::Duration};

use blob_store::{BlobStore, ObjectKey};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{SongFacts, SongId, SongName};
use persistence::{Database, Inserted, NewSong, Song};
use resilience::{Clock, ids::random10};
use telemetry::error_chain;

use super::limits::ImportLimits;
use crate::error::StorageError;

/// An import or a removal that has not come to its end in this time is dead: it writes or deletes one small object.
const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(10);

/// How often, and how many times, it is looked whether a row that was taken away is gone: as long as deleting one object and
/// one row takes, with much to spare.
const TAKEN_LOOK_EVERY: Duration = Duration::from_millis(50);
const TAKEN_LOOKS: u32 = 200;

/// The catalogue, rows and objects.
#[derive(Clone)]
pub struct Catalogue {
    pub(super) database: Database,
    objects: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    pub(super) limits: ImportLimits,
    /// Files of an import that are analysed at once.
    pub(super) workers: usize,
    ends_at: Option<DateTime<Utc>>,
}

/// A song that is to be added.
#[derive(Clone)]
pub(super) struct Candidate {
    pub name: SongName,
    pub sha256: String,
    pub bytes: Bytes,
    pub facts: SongFacts,
}

impl Catalogue {
    /// `workers` files are analysed at once; each keeps a core busy.
    pub fn new(
        database: Database,
        objects: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
        limits: ImportLimits,
        workers: usize,
    ) -> Self {
        Self { database, objects, clock, limits, workers: workers.max(1), ends_at: None }
    }

    /// The same catalogue, whose imports begin no file from this moment on: whoever waits for the report has its time.
    pub fn until(self, ends_at: Option<DateTime<Utc>>) -> Self {
        Self { ends_at, ..self }
    }

    /// Whether an import is to begin no further file.
    pub(super) fn is_late(&self) -> bool {
        self.ends_at.is_some_and(|ends_at| self.clock.now() >= ends_at)
    }

    /// Adds a song unless its bytes are there. The row comes first, hidden: whatever happens from here on, the object
    /// can be found.
    pub(super) async fn add(&self, candidate: Candidate) -> Result<Inserted, StorageError> {
        if let Some(added) = self.try_to_add(&candidate).await? {
            return Ok(added);
        }
        // Its row was taken for abandoned and goes, and with it whatever finds the object. That is somebody's again as soon
        // as there is a row for these bytes: a song that is shown, or one of our own. Until then the old row is in the way.
        for _ in 0..TAKEN_LOOKS {
            match self.try_to_add(&candidate).await? {
                None | Some(Inserted::Busy) => tokio::time::sleep(TAKEN_LOOK_EVERY).await,
                Some(added) => return Ok(added),
            }
        }
        Ok(Inserted::Busy)
    }

    /// `None` when the row was taken away before the object was there.
    async fn try_to_add(&self, candidate: &Candidate) -> Result<Option<Inserted>, StorageError> {
        const MIDI: &str = "audio/midi";
        let Candidate { name, sha256, bytes, facts } = candidate.clone();
        let now = self.clock.now();
        let key = ObjectKey::song(&sha256)?;
        let new = NewSong {
            id: SongId::new(now, random10()),
            name,
            sha256,
            object_key: key.to_string(),
            bytes: bytes.len() as u64,
            facts,
        };
        let begun = match self.database.songs().begin(&new, now).await? {
            Ok(begun) => begun,
            Err(there) => return Ok(Some(there)),
        };
        if let Err(error) = self.objects.put_bytes(&key, bytes, MIDI).await {
            // It may have arrived all the same: the row goes only when the object is gone for certain, else to the sweep.
            let gone = async {
                self.objects.delete(&key).await?;
                Ok::<_, StorageError>(self.database.songs().remove(new.id).await?)
            };
            if let Err(error) = gone.await {
                tracing::warn!(error = error_chain(&error), "song that was not stored left to the sweep");
            }
            return Err(error.into());
        }
        Ok(self.database.songs().reveal(&begun).await?.map(Inserted::New))
    }

    /// Gives a song another name.
    ///
    /// # Errors
    /// [`StorageError::SongMissing`] when there is none with this id.
    pub async fn correct(&self, id: SongId, name: &SongName) -> Result<Song, StorageError> {
        let corrected = self.database.songs().correct(id, name, self.clock.now()).await?;
        corrected.ok_or(StorageError::SongMissing { song: id })
    }

    /// Deletes a song's object and forgets it. The object goes first: what a crash leaves is found by its row, which is
    /// hidden from then on.
    ///
    /// # Errors
    /// [`StorageError::SongMissing`] when there is none with this id.
    pub async fn remove(&self, id: SongId) -> Result<Song, StorageError> {
        let hidden = self.database.songs().hide(id, self.clock.now()).await?;
        let song = hidden.ok_or(StorageError::SongMissing { song: id })?;
        if let Err(error) = self.delete(&song).await {
            // It is gone for everybody; the sweep does the rest.
            tracing::warn!(%id, error = error_chain(&error), "removed song left to the sweep");
        }
        Ok(song)
    }

    async fn delete(&self, song: &Song) -> Result<(), StorageError> {
        self.objects.delete(&song.object_key.parse()?).await?;
        self.database.songs().remove(song.id).await?;
        Ok(())
    }

    /// Ends up to `limit` imports and removals that died halfway. Says how many were found, and what could not be deleted.
    pub(crate) async fn end_abandoned(&self, limit: u64) -> Result<(u64, Vec<StorageError>), StorageError> {
        let now = self.clock.now();
        let abandoned = self.database.songs().claim_abandoned(now - ABANDONED_AFTER, limit, now).await?;
        let mut failures = Vec::new();
        for song in &abandoned {
            if let Err(error) = self.delete(song).await {
                failures.push(error);
            }
        }
        Ok((abandoned.len() as u64, failures))
    }
}
