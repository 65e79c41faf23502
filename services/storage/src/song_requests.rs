//! Requests about the catalogue, from the bus and back.

use std::sync::Arc;

use async_trait::async_trait;
use blob_store::{BlobError, ObjectKey};
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Body, Envelope, SongFile, SongImport, v1};
use messaging::{Handler, Outcome};
use telemetry::error_chain;

use crate::{
    error::StorageError,
    service::StorageService,
    songs::{Source, Wishes, plain_path},
};

/// How long before the end of a request no further file is begun: what is being analysed comes to its end, and the report to
/// whoever waits for it.
const REPORTING: TimeDelta = TimeDelta::seconds(30);

/// Requests about songs, which the gateway waits for.
pub(crate) struct SongRequests(pub(crate) Arc<StorageService>);

#[async_trait]
impl Handler for SongRequests {
    async fn handle(&self, message: Envelope) -> Outcome {
        // An import that nobody waits for any more would go on unseen, beside its own repetition.
        let ends_at = message.expires().map(|deadline| deadline - REPORTING);
        let outcome = match message.body {
            Some(Body::ImportSongs(request)) => self.import(request, ends_at).await.map(Outcome::reply),
            Some(Body::CorrectSong(request)) => self.correct(&request).await.map(Outcome::reply),
            Some(Body::RemoveSong(request)) => self.remove(&request).await.map(Outcome::reply),
            _ => return Outcome::Dead("not a message about the catalogue of songs".to_owned()),
        };
        outcome.unwrap_or_else(|error| {
            let retryable = error.is_retryable();
            tracing::warn!(code = error.code(), retryable, error = error_chain(&error), "catalogue not changed");
            Outcome::fault(error.code(), error.to_string(), retryable)
        })
    }
}

impl SongRequests {
    async fn import(
        &self,
        request: v1::ImportSongs,
        ends_at: Option<DateTime<Utc>>,
    ) -> Result<v1::SongsImported, StorageError> {
        const JSON: &str = "application/json";
        let SongImport { files, title, artist, report_object_key } = SongImport::try_from(request)?;
        let report_key = upload_key(&report_object_key)?;
        // Archives are unpacked one after another: one import keeps no more than its share of the machine busy.
        let _permit = self.0.imports.acquire().await.map_err(|_| StorageError::Interrupted)?;
        let mut sources = Vec::with_capacity(files.len());
        for file in files {
            sources.push(self.fetch(file).await?);
        }
        let catalogue = self.0.catalogue().until(ends_at);
        let report = catalogue.import(sources, Wishes { title, artist }, |_| ()).await?;
        let (imported, known, refused) = report.counts();
        let text = serde_json::to_vec(&report).map_err(StorageError::Plan)?;
        self.0.tools.objects.put_bytes(&report_key, text.into(), JSON).await?;
        tracing::info!(imported, known, refused, "songs imported");
        Ok(v1::SongsImported { imported, known, refused })
    }

    async fn fetch(&self, file: SongFile) -> Result<Source, StorageError> {
        let SongFile { object, file_name } = file;
        let key = upload_key(&object.object_key)?;
        let file = match self.0.tools.objects.fetch_to_file(&key, object.size_bytes).await {
            Err(BlobError::LimitExceeded { .. }) => return Err(StorageError::UploadChanged),
            fetched => fetched?,
        };
        let name = file_name.as_deref().and_then(plain_path);
        // Only the last part: a client may send the path that it knows the file by.
        let name = name.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned());
        Ok(Source::File { name: name.unwrap_or_default(), file })
    }

    async fn correct(&self, request: &v1::CorrectSong) -> Result<v1::SongCorrected, StorageError> {
        let song = self.0.catalogue().correct(request.song()?, &request.name()?).await?;
        tracing::info!(song = %song.id, "song corrected");
        Ok(v1::SongCorrected { song_id: song.id.to_string() })
    }

    async fn remove(&self, request: &v1::RemoveSong) -> Result<v1::SongRemoved, StorageError> {
        let song = self.0.catalogue().remove(request.song()?).await?;
        tracing::info!(song = %song.id, "song removed");
        Ok(v1::SongRemoved { song_id: song.id.to_string() })
    }
}

/// Only what came in by the gateway is read, and only beside it is written.
fn upload_key(text: &str) -> Result<ObjectKey, StorageError> {
    let key: ObjectKey = text.parse()?;
    if key.as_str().starts_with(blob_store::KeyPrefix::uploads().as_str()) {
        Ok(key)
    } else {
        Err(StorageError::NoUpload)
    }
}
