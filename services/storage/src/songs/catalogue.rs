//! Single songs of the catalogue: row and object come and go together.

use std::sync::Arc;

use blob_store::{BlobStore, ObjectKey};
use bytes::Bytes;
use chrono::TimeDelta;
use domain::{SongFacts, SongId, SongName};
use persistence::{Database, Inserted, NewSong, Song};
use resilience::{Clock, ids::random10};
use telemetry::error_chain;

use super::limits::ImportLimits;
use crate::error::StorageError;

/// An import or a removal that has not come to its end in this time is dead: it writes or deletes one small object.
const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(10);

/// The catalogue, rows and objects.
#[derive(Clone)]
pub struct Catalogue {
    pub(super) database: Database,
    objects: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    pub(super) limits: ImportLimits,
    /// Files of an import that are analysed at once.
    pub(super) workers: usize,
}

/// A song that is to be added.
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
        Self { database, objects, clock, limits, workers: workers.max(1) }
    }

    /// Adds a song unless its bytes are there. The row comes first, hidden: whatever happens from here on, the object
    /// can be found.
    pub(super) async fn add(&self, candidate: Candidate) -> Result<Inserted, StorageError> {
        const MIDI: &str = "audio/midi";
        let Candidate { name, sha256, bytes, facts } = candidate;
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
            Err(there) => return Ok(there),
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
        match self.database.songs().reveal(&begun).await? {
            Some(song) => Ok(Inserted::New(song)),
            // Its row was taken for abandoned. Whoever took it deletes the object.
            None => Ok(Inserted::Busy),
        }
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
