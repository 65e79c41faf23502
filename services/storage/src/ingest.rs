//! Takes a finished result in: verify, render, store, record. The order makes it safe to repeat at any point: objects
//! have fixed keys and are written first, rows last; a result whose rows are there is complete.

use std::{collections::BTreeSet, fs::File};

use blob_store::{BlobError, ObjectKey, Stored, bytes_body, file_body};
use bytes::Bytes;
use contracts::{IncomingFile, IngestRequest, IngestedResult, StoredArtifact};
use domain::{ArtifactId, ArtifactRole, JobId};
use persistence::{Artifact, Job};
use sha2::{Digest, Sha256};

use crate::{
    error::StorageError,
    incoming::{self, Announced, blocking},
    render::{self, LoudnessTarget, Rendered},
    service::StorageService,
    waveform::Waveform,
};

/// Roles that are made here; all others are sent.
const RENDITIONS: [ArtifactRole; 3] = [ArtifactRole::AudioMp3, ArtifactRole::AudioWav, ArtifactRole::Waveform];
/// Largest object that is written: one rendition. An hour of stereo as WAV stays below.
const MAX_RENDITION_BYTES: u64 = 1024 * 1024 * 1024;
/// Longest stem of a file name, in bytes; file systems allow 255 with the ending.
const MAX_STEM_BYTES: usize = 120;

impl StorageService {
    /// Takes a result in and says what was made of it. A repeat of a request that was carried out gives the same answer
    /// and stores nothing. `generation` is the asker's lease on the job, 0 when it has none.
    pub async fn ingest(&self, generation: u64, request: &IngestRequest) -> Result<IngestedResult, StorageError> {
        let id = request.job_id;
        let job = self.tools.database.jobs().get(id).await?.ok_or(StorageError::JobMissing { job: id })?;
        if generation != 0 && generation < job.generation {
            return Err(StorageError::Superseded { job: id });
        }
        if let Some(done) = self.already_ingested(request).await? {
            return Ok(done);
        }
        // Nobody would see or delete the files of a job that has ended without them.
        if job.state.is_final() {
            return Err(StorageError::JobOver { job: id, state: job.state });
        }
        let kept = self.fetch_kept(request).await?;
        let rendered = self.render(request).await?;
        let result = self.store(&job, request, kept, rendered).await?;
        // The job may have ended while this was rendered, and the command to delete its objects may have come before
        // they were there. Whoever ends it after this look sends that command after what was stored.
        let job = self.tools.database.jobs().get(id).await?.ok_or(StorageError::JobMissing { job: id })?;
        if job.state.is_final() && job.state != domain::JobState::Completed {
            self.delete_everything_of(&job).await?;
            return Err(StorageError::JobOver { job: id, state: job.state });
        }
        Ok(result)
    }

    /// The answer to a request that was carried out before: its rows are there, they are about the same content, and
    /// the objects exist.
    async fn already_ingested(&self, request: &IngestRequest) -> Result<Option<IngestedResult>, StorageError> {
        let rows = wanted(request, self.tools.database.artifacts().of_job(request.job_id).await?);
        let row = |role| rows.iter().find(|row| row.role == role);
        let complete = RENDITIONS.into_iter().all(|role| row(role).is_some())
            && request.files.iter().all(|file| row(file.role).is_some_and(|row| row.sha256 == file.sha256));
        let (true, Some(waveform)) = (complete, row(ArtifactRole::Waveform)) else { return Ok(None) };
        let Some(waveform) = self.read_waveform(request.job_id, &waveform.sha256).await? else { return Ok(None) };
        if waveform.source_sha256 != request.audio_sha256 {
            return Ok(None);
        }
        for row in &rows {
            let key: ObjectKey = row.object_key.parse()?;
            match self.tools.objects.head(&key).await {
                Ok(head) if head.size_bytes == row.size_bytes => {}
                Ok(_) | Err(BlobError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(answer(request.job_id, rows, &waveform)))
    }

    /// The stored waveform, unless it is missing or not the recorded one.
    async fn read_waveform(&self, job: JobId, sha256: &str) -> Result<Option<Waveform>, StorageError> {
        let object = match self.tools.objects.get(&ObjectKey::artifact(job, ArtifactRole::Waveform), None).await {
            Err(BlobError::NotFound { .. }) => return Ok(None),
            opened => opened?,
        };
        let content = blob_store::collect(object.body, Waveform::MAX_BYTES).await?;
        if hex::encode(Sha256::digest(&content)) != sha256 {
            return Ok(None);
        }
        Ok(serde_json::from_slice(&content).ok())
    }

    /// Fetches and checks the files that are kept as they are.
    async fn fetch_kept<'a>(&self, request: &'a IngestRequest) -> Result<Vec<(&'a IncomingFile, Bytes)>, StorageError> {
        let mut roles = BTreeSet::new();
        let mut kept = Vec::new();
        for file in &request.files {
            let role = file.role;
            if !roles.insert(role) {
                return Err(StorageError::FileRefused { role, reason: "it comes twice" });
            }
            kept.push((file, incoming::fetch_kept(&*self.tools.objects, request.job_id, file).await?));
        }
        Ok(kept)
    }

    /// Fetches and checks the audio and makes the renditions on the bounded pool.
    async fn render(&self, request: &IngestRequest) -> Result<Rendered, StorageError> {
        if request.audio_size_bytes > self.settings.max_audio_bytes {
            let reason = "it is too large";
            return Err(StorageError::FileRefused { role: ArtifactRole::AudioWav, reason });
        }
        // Taken before the audio is fetched, so that waiting requests hold no files.
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| StorageError::Interrupted)?;
        let announced = Announced {
            role: ArtifactRole::AudioWav,
            object_key: &request.audio_object_key,
            sha256: &request.audio_sha256,
            size_bytes: request.audio_size_bytes,
        };
        let audio = incoming::fetch(&*self.tools.objects, request.job_id, announced).await?;
        let work = render::Job {
            job: request.job_id,
            audio,
            audio_sha256: request.audio_sha256.clone(),
            title: stem(&request.title),
            bounds: self.settings.bounds.clone(),
            target: LoudnessTarget {
                target_lufs: self.settings.target_lufs,
                tolerance_lu: self.settings.tolerance_lu,
                max_dbtp: self.settings.max_dbtp,
            },
        };
        blocking(move || {
            // Given back when the work ends, not when somebody stops waiting for it.
            let _worker = worker;
            render::render(work)
        })
        .await
    }

    /// Writes objects, then rows, and answers with what is stored: when two did this at once, both say the same.
    async fn store(
        &self,
        job: &Job,
        request: &IngestRequest,
        kept: Vec<(&IncomingFile, Bytes)>,
        rendered: Rendered,
    ) -> Result<IngestedResult, StorageError> {
        let Rendered { wav, mp3, waveform } = rendered;
        let stem = stem(&request.title);
        let mut rows = Vec::new();
        for (file, content) in kept {
            let name = file_name(&file.file_name, file.role);
            rows.push(self.put(job.id, file.role, name, Content::Memory(content)).await?);
        }
        let json = serde_json::to_vec(&waveform).map_err(std::io::Error::other)?;
        for (role, content) in [
            (ArtifactRole::AudioWav, Content::File(wav)),
            (ArtifactRole::AudioMp3, Content::File(mp3)),
            (ArtifactRole::Waveform, Content::Memory(json.into())),
        ] {
            let name = match role {
                ArtifactRole::Waveform => format!("{stem}-waveform.json"),
                role => format!("{stem}.{}", role.extension()),
            };
            rows.push(self.put(job.id, role, name, content).await?);
        }
        let rows = self.tools.database.artifacts().upsert(&rows).await?;
        Ok(answer(job.id, rows, &waveform))
    }

    async fn put(
        &self,
        job: JobId,
        role: ArtifactRole,
        file_name: String,
        content: Content,
    ) -> Result<Artifact, StorageError> {
        let key = ObjectKey::artifact(job, role);
        let body = match content {
            Content::Memory(bytes) => bytes_body(bytes),
            Content::File(file) => file_body(file),
        };
        let Stored { size_bytes, sha256 } =
            self.tools.objects.put(&key, body, role.media_type(), MAX_RENDITION_BYTES).await?;
        let now = self.tools.clock.now();
        Ok(Artifact {
            id: ArtifactId::new(now, resilience::ids::random10()),
            job_id: job,
            role,
            object_key: key.to_string(),
            size_bytes,
            sha256,
            media_type: role.media_type().to_owned(),
            file_name,
            created_at: now,
        })
    }
}

/// Of a job's rows, those that are about what a request brings.
fn wanted(request: &IngestRequest, mut rows: Vec<Artifact>) -> Vec<Artifact> {
    rows.retain(|row| RENDITIONS.contains(&row.role) || request.files.iter().any(|file| file.role == row.role));
    rows
}

enum Content {
    Memory(Bytes),
    File(File),
}

fn answer(job_id: JobId, rows: Vec<Artifact>, waveform: &Waveform) -> IngestedResult {
    IngestedResult {
        job_id,
        artifacts: rows.into_iter().map(stored_artifact).collect(),
        loudness_lufs: waveform.loudness_lufs,
        true_peak_dbtp: waveform.true_peak_dbtp,
        clipped_share: waveform.clipped_share,
        duration_seconds: waveform.duration_seconds,
    }
}

fn stored_artifact(row: Artifact) -> StoredArtifact {
    let Artifact { id, job_id: _, role, object_key, size_bytes, sha256, media_type, file_name, created_at: _ } = row;
    StoredArtifact { id, role, object_key, sha256, size_bytes, media_type, file_name }
}

/// A title as the stem of a file name on any system: no separators, no control characters, no dot in front.
fn stem(title: &str) -> String {
    let mut stem = String::new();
    for c in title.trim().chars() {
        let c = if c.is_alphanumeric() || " _-()',!&.".contains(c) { c } else { '_' };
        if stem.len() + c.len_utf8() > MAX_STEM_BYTES {
            break;
        }
        stem.push(c);
    }
    let stem = stem.trim_matches([' ', '.']);
    if stem.is_empty() { "song".to_owned() } else { stem.to_owned() }
}

/// A sent file's name with the ending of its role.
fn file_name(sent: &str, role: ArtifactRole) -> String {
    let base = sent.rsplit_once('.').map_or(sent, |(base, _)| base);
    let base = if base.trim().is_empty() { role.as_str() } else { base };
    format!("{}.{}", stem(base), role.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_file_names() {
        assert_eq!(stem("Grüße an dich"), "Grüße an dich");
        assert_eq!(stem("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(stem("  .hidden  "), "hidden");
        assert_eq!(stem("a\r\nb\"c"), "a__b_c");
        assert_eq!(stem("..."), "song");
        assert_eq!(stem(""), "song");
        assert!(stem(&"ü".repeat(500)).len() <= MAX_STEM_BYTES);
        assert_eq!(file_name("melody.midi", ArtifactRole::MelodyMidi), "melody.mid");
        assert_eq!(file_name("", ArtifactRole::Lyrics), "lyrics.txt");
        assert_eq!(file_name("x/../y.exe", ArtifactRole::Report), "x_.._y.json");
    }
}
