//! Writes a finished song in one more format when somebody asks for it.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
};

use blob_store::{ObjectKey, file_body};
use domain::{ArtifactId, ArtifactRole, ArtifactSpec, JobId, JobState, artifact};
use media::{Encoding, Tags};
use persistence::{Artifact, Job};

use crate::{error::StorageError, incoming::blocking, service::StorageService};

impl StorageService {
    /// Sees to it that a song is there in the format of a role.
    pub async fn make_rendition(&self, id: JobId, role: &ArtifactRole) -> Result<(), StorageError> {
        let job = self.tools.database.jobs().get(id).await?.ok_or(StorageError::JobMissing { job: id })?;
        if !job.state.is_final() {
            return Err(StorageError::JobNotOver { job: id, state: job.state });
        }
        if job.state != JobState::Completed || job.files_deleted_at.is_some() {
            return Err(StorageError::JobOver { job: id, state: job.state });
        }
        let spec = self.tools.kinds.get(job.kind.as_str()).and_then(|kind| kind.artifact(role));
        let spec = spec.ok_or_else(|| StorageError::RoleUnknown { kind: job.kind.clone(), role: role.clone() })?;
        let not_made = |reason| StorageError::FileRefused { role: role.clone(), reason };
        let encoding = encoding(spec).ok_or_else(|| not_made("it is no other format of the song"))?;
        let rows = self.tools.database.artifacts().of_job(id).await?;
        if rows.iter().any(|row| row.role == *role) {
            return Ok(());
        }
        let wav = rows.into_iter().find(|row| row.role == ArtifactRole::AUDIO_WAV);
        let wav = wav.ok_or_else(|| not_made("the song itself is not there"))?;
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| StorageError::Interrupted)?;
        let made = self.encoded(&job, &wav, encoding, worker).await?;
        self.keep(&job, &wav, spec, made).await
    }

    async fn encoded(
        &self,
        job: &Job,
        wav: &Artifact,
        encoding: Encoding,
        worker: tokio::sync::OwnedSemaphorePermit,
    ) -> Result<File, StorageError> {
        let sound = self.tools.objects.fetch_to_file(&wav.object_key.parse()?, wav.size_bytes).await?;
        let title = job.result.as_ref().and_then(|made| made["title"].as_str()).map(str::to_owned);
        let tags = Tags {
            title,
            artist: Some("Descant".to_owned()),
            // As in those that are made with the song.
            comment: None,
            cover_png: None,
        };
        let bounds = self.bounds(job);
        blocking(move || {
            // Given back when the work ends, not when somebody stops waiting for it.
            let _worker = worker;
            let audio = media::decode(sound, &bounds)?;
            let mut file = tempfile::tempfile()?;
            media::encode_to(file.try_clone()?, &audio.samples, audio.sample_rate_hz, audio.channels, encoding, &tags)?;
            file.seek(SeekFrom::Start(0))?;
            Ok::<_, StorageError>(file)
        })
        .await
    }

    /// Beside the WAV file, under its name.
    async fn keep(&self, job: &Job, wav: &Artifact, spec: &ArtifactSpec, made: File) -> Result<(), StorageError> {
        let is_named = wav.object_key != ObjectKey::artifact(job.id, &artifact::AUDIO_WAV).as_str();
        let key: ObjectKey = match wav.object_key.rsplit_once('.').filter(|_| is_named) {
            Some((stem, _)) => format!("{stem}.{}", spec.extension).parse()?,
            None => ObjectKey::artifact(job.id, spec),
        };
        let stored = self.tools.objects.put(&key, file_body(made), spec.media_type, spec.max_bytes).await?;
        let now = self.tools.clock.now();
        let stem = wav.file_name.rsplit_once('.').map_or(wav.file_name.as_str(), |(stem, _)| stem);
        let row = Artifact {
            id: ArtifactId::new(now, resilience::ids::random10()),
            job_id: job.id,
            role: spec.role.clone(),
            object_key: key.to_string(),
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
            media_type: spec.media_type.to_owned(),
            file_name: format!("{stem}.{}", spec.extension),
            created_at: now,
        };
        self.tools.database.artifacts().upsert(&[row]).await?;
        // Its time may have come meanwhile; whoever deletes after this look finds it.
        let after = self.tools.database.jobs().get(job.id).await?;
        if after.is_none_or(|job| job.files_deleted_at.is_some()) {
            self.tools.objects.delete(&key).await?;
            self.tools.database.artifacts().delete_of_job(job.id).await?;
            return Err(StorageError::JobOver { job: job.id, state: job.state });
        }
        Ok(())
    }
}

/// What a song is written as that is not made of every result.
fn encoding(spec: &ArtifactSpec) -> Option<Encoding> {
    match spec.role.as_str() {
        "audio_flac" => Some(Encoding::Flac),
        "audio_m4a" => Some(Encoding::M4a { kbps: 160 }),
        "audio_ogg" => Some(Encoding::Ogg { quality: 6.0 }),
        _ => None,
    }
}
