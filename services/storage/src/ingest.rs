//! Takes a finished result in: verify, render, store, record. The order makes it safe to repeat at any point: objects
//! have fixed keys and are written first, rows last; a result whose rows are there is complete.

use std::{collections::BTreeSet, fs::File};

use blob_store::{BlobError, ObjectKey, Stored, bytes_body, file_body};
use bytes::Bytes;
use contracts::{IncomingFile, IngestPlan, IngestRequest, IngestedResult, StoredArtifact, StoredObject};
use domain::{ArtifactId, ArtifactRole, ArtifactSpec, JobId, artifact};
use media::Bounds;
use persistence::{Artifact, Job};
use sha2::{Digest, Sha256};

use crate::{
    error::StorageError,
    incoming::{self, Allowed, blocking},
    render::{self, LoudnessTarget, Rendered},
    service::StorageService,
    waveform::Waveform,
};

/// What is made here of a result's sound; all else is sent.
static RENDITIONS: [ArtifactSpec; 3] = [artifact::AUDIO_WAV, artifact::AUDIO_MP3, artifact::WAVEFORM];
/// Longest stem of a file name, in bytes; file systems allow 255 with the ending.
const MAX_STEM_BYTES: usize = 120;

/// A file that is kept as it is, fetched and checked.
struct KeptFile<'a> {
    file: &'a IncomingFile,
    spec: &'static ArtifactSpec,
    content: File,
}

impl StorageService {
    /// Takes a result in and says what was made of it. A repeat of a request that was carried out gives the same answer
    /// and stores nothing. `generation` is the requester's lease on the job, 0 when it has none.
    pub async fn ingest(&self, generation: u64, request: &IngestRequest) -> Result<IngestedResult, StorageError> {
        let id = request.job_id;
        let job = self.tools.database.jobs().get(id).await?.ok_or(StorageError::JobMissing { job: id })?;
        if generation != 0 && generation < job.generation {
            return Err(StorageError::Superseded { job: id });
        }
        let allowed = Allowed::new(id, &self.tools.database.stages().list(id).await?);
        let plan = match &request.plan_object {
            Some(object) => incoming::fetch_plan(&*self.tools.objects, &allowed, object).await?,
            None => request.plan.clone(),
        };
        if let Some(done) = self.already_ingested(id, &plan).await? {
            return Ok(done);
        }
        // Nobody would see or delete the files of a job that has ended without them.
        if job.state.is_final() {
            return Err(StorageError::JobOver { job: id, state: job.state });
        }
        // Taken before anything is fetched, so that waiting requests hold no files.
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| StorageError::Interrupted)?;
        let kept = self.fetch_kept(&job, &allowed, &plan).await?;
        let rendered = match &plan.audio {
            Some(audio) => Some(self.render(&job, &allowed, &plan, audio, worker).await?),
            None => None,
        };
        let result = self.store(&job, &plan, kept, rendered).await?;
        // The job may have ended while this was rendered, and the command to delete its objects may have come before
        // they were there. Whoever ends it after this look sends that command after what was stored.
        let job = self.tools.database.jobs().get(id).await?.ok_or(StorageError::JobMissing { job: id })?;
        if job.state == domain::JobState::Cancelled {
            self.delete_everything_of(&job).await?;
        }
        if job.state.is_final() && job.state != domain::JobState::Completed {
            return Err(StorageError::JobOver { job: id, state: job.state });
        }
        Ok(result)
    }

    /// The answer to a request that was carried out before: its rows are there, they are about the same content, and
    /// the objects exist.
    async fn already_ingested(&self, job: JobId, plan: &IngestPlan) -> Result<Option<IngestedResult>, StorageError> {
        let rows = rows_of_plan(plan, self.tools.database.artifacts().of_job(job).await?);
        let row = |role: &ArtifactRole| rows.iter().find(|row| row.role == *role);
        let has_files = plan.files.iter().all(|file| row(&file.role).is_some_and(|row| row.sha256 == file.sha256));
        let has_renditions = plan.audio.is_none() || RENDITIONS.iter().all(|spec| row(&spec.role).is_some());
        if rows.is_empty() || !has_files || !has_renditions {
            return Ok(None);
        }
        let waveform = match (&plan.audio, row(&ArtifactRole::WAVEFORM)) {
            (None, _) => None,
            (Some(audio), Some(row)) => match self.read_waveform(job, &row.sha256).await? {
                Some(waveform) if waveform.source_sha256 == audio.sha256 => Some(waveform),
                _ => return Ok(None),
            },
            (Some(_), None) => return Ok(None),
        };
        for row in &rows {
            let key: ObjectKey = row.object_key.parse()?;
            match self.tools.objects.head(&key).await {
                Ok(head) if head.size_bytes == row.size_bytes => {}
                Ok(_) | Err(BlobError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(answer(job, rows, waveform.as_ref())))
    }

    /// The stored waveform, unless it is missing or not the recorded one.
    async fn read_waveform(&self, job: JobId, sha256: &str) -> Result<Option<Waveform>, StorageError> {
        let object = match self.tools.objects.get(&ObjectKey::artifact(job, &artifact::WAVEFORM), None).await {
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
    async fn fetch_kept<'a>(
        &self,
        job: &Job,
        allowed: &Allowed,
        plan: &'a IngestPlan,
    ) -> Result<Vec<KeptFile<'a>>, StorageError> {
        let kind = self.tools.kinds.get(job.kind.as_str());
        let mut roles = BTreeSet::new();
        let mut kept = Vec::new();
        for file in &plan.files {
            let spec = kind.and_then(|kind| kind.artifact(&file.role));
            let spec =
                spec.ok_or_else(|| StorageError::RoleUnknown { kind: job.kind.clone(), role: file.role.clone() })?;
            if !roles.insert(&file.role) {
                return Err(StorageError::FileRefused { role: file.role.clone(), reason: "it comes twice" });
            }
            let content = incoming::fetch_kept(&*self.tools.objects, allowed, file, spec).await?;
            kept.push(KeptFile { file, spec, content });
        }
        Ok(kept)
    }

    /// Fetches and checks the audio and makes the renditions on the bounded pool.
    async fn render(
        &self,
        job: &Job,
        allowed: &Allowed,
        plan: &IngestPlan,
        audio: &StoredObject,
        worker: tokio::sync::OwnedSemaphorePermit,
    ) -> Result<Rendered, StorageError> {
        if audio.size_bytes > self.settings.max_audio_bytes {
            let reason = "it is too large";
            return Err(StorageError::FileRefused { role: ArtifactRole::AUDIO_WAV, reason });
        }
        let file = incoming::fetch(&*self.tools.objects, allowed, &ArtifactRole::AUDIO_WAV, audio).await?;
        let cover_png = match &plan.cover {
            Some(cover) => Some(incoming::fetch_cover(&*self.tools.objects, allowed, cover).await?),
            None => None,
        };
        let work = render::Job {
            audio: file,
            audio_sha256: audio.sha256.clone(),
            title: stem(&plan.title),
            mp3_kbps: plan.mp3_kbps,
            comment: plan.comment.clone().unwrap_or_else(|| format!("job {}", job.id)),
            cover_png,
            is_mastered: plan.is_mastered,
            bounds: self.bounds(job),
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

    /// How much sound a job of this kind may end with.
    pub(crate) fn bounds(&self, job: &Job) -> Bounds {
        let settings = &self.settings.bounds;
        let own = self.tools.kinds.get(job.kind.as_str()).and_then(|kind| kind.limits.sound);
        let own = own.map_or(0.0, |sound| Bounds::for_duration(sound.as_secs_f64()).max_seconds);
        Bounds { max_seconds: settings.max_seconds.max(own), ..settings.clone() }
    }

    /// Writes objects, then rows, and answers with what is stored: when two did this at once, both say the same.
    async fn store(
        &self,
        job: &Job,
        plan: &IngestPlan,
        kept: Vec<KeptFile<'_>>,
        rendered: Option<Rendered>,
    ) -> Result<IngestedResult, StorageError> {
        let place = Place::of(job.id, plan);
        let stem = place.stem.clone();
        let mut rows = Vec::new();
        for KeptFile { file, spec, content } in kept {
            let is_named = place.object_name.is_some() && is_song(spec);
            let name = if is_named { format!("{stem}.{}", spec.extension) } else { file_name(&file.file_name, spec) };
            rows.push(self.put(&place, spec, name, Content::File(content)).await?);
        }
        let mut waveform = None;
        if let Some(rendered) = rendered {
            let json = serde_json::to_vec(&rendered.waveform).map_err(std::io::Error::other)?;
            let name = |spec: &ArtifactSpec| format!("{stem}.{}", spec.extension);
            for (spec, name, content) in [
                (&artifact::AUDIO_WAV, name(&artifact::AUDIO_WAV), Content::File(rendered.wav)),
                (&artifact::AUDIO_MP3, name(&artifact::AUDIO_MP3), Content::File(rendered.mp3)),
                (&artifact::WAVEFORM, format!("{stem}-waveform.json"), Content::Memory(json.into())),
            ] {
                rows.push(self.put(&place, spec, name, content).await?);
            }
            waveform = Some(rendered.waveform);
        }
        let rows = self.tools.database.artifacts().upsert(&rows).await?;
        Ok(answer(job.id, rows, waveform.as_ref()))
    }

    async fn put(
        &self,
        place: &Place<'_>,
        spec: &ArtifactSpec,
        file_name: String,
        content: Content,
    ) -> Result<Artifact, StorageError> {
        let (job, key) = (place.job, place.key(spec)?);
        let body = match content {
            Content::Memory(bytes) => bytes_body(bytes),
            Content::File(file) => file_body(file),
        };
        let Stored { size_bytes, sha256 } = self.tools.objects.put(&key, body, spec.media_type, spec.max_bytes).await?;
        let now = self.tools.clock.now();
        Ok(Artifact {
            id: ArtifactId::new(now, resilience::ids::random10()),
            job_id: job,
            role: spec.role.clone(),
            object_key: key.to_string(),
            size_bytes,
            sha256,
            media_type: spec.media_type.to_owned(),
            file_name,
            created_at: now,
        })
    }
}

/// Of a job's rows, those that are about what a plan brings.
fn rows_of_plan(plan: &IngestPlan, mut rows: Vec<Artifact>) -> Vec<Artifact> {
    let is_made = |row: &Artifact| plan.audio.is_some() && RENDITIONS.iter().any(|spec| spec.role == row.role);
    rows.retain(|row| is_made(row) || plan.files.iter().any(|file| file.role == row.role));
    rows
}

/// Where the files of a result lie and what they are called. The same plan, the same places: who does it again writes
/// over what was begun.
struct Place<'a> {
    job: JobId,
    /// Of the song's own, where the plan has one.
    object_name: Option<&'a str>,
    /// Of the downloads' file names.
    stem: String,
}

impl<'a> Place<'a> {
    fn of(job: JobId, plan: &'a IngestPlan) -> Self {
        let object_name = plan.object_name.as_deref();
        let last = object_name.and_then(|name| name.rsplit('/').next());
        Self { job, object_name, stem: stem(last.unwrap_or(&plan.title)) }
    }

    fn key(&self, spec: &ArtifactSpec) -> Result<ObjectKey, StorageError> {
        match self.object_name {
            Some(name) if is_song(spec) => Ok(ObjectKey::artifact_named(self.job, name, spec)?),
            _ => Ok(ObjectKey::artifact(self.job, spec)),
        }
    }
}

/// Whether it is the whole song in one of its formats.
fn is_song(spec: &ArtifactSpec) -> bool {
    spec.role.as_str().starts_with("audio_")
}

enum Content {
    Memory(Bytes),
    File(File),
}

/// A result without sound has no loudness and lasts no time.
fn answer(job_id: JobId, rows: Vec<Artifact>, waveform: Option<&Waveform>) -> IngestedResult {
    IngestedResult {
        job_id,
        artifacts: rows.into_iter().map(stored_artifact).collect(),
        loudness_lufs: waveform.and_then(|waveform| waveform.loudness_lufs),
        true_peak_dbtp: waveform.and_then(|waveform| waveform.true_peak_dbtp),
        clipped_share: waveform.map_or(0.0, |waveform| waveform.clipped_share),
        duration_seconds: waveform.map_or(0.0, |waveform| waveform.duration_seconds),
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
fn file_name(sent: &str, spec: &ArtifactSpec) -> String {
    let base = sent.rsplit_once('.').map_or(sent, |(base, _)| base);
    let base = if base.trim().is_empty() { spec.role.as_str() } else { base };
    format!("{}.{}", stem(base), spec.extension)
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
        assert_eq!(file_name("melody.midi", &artifact::MELODY_MIDI), "melody.mid");
        assert_eq!(file_name("", &artifact::LYRICS), "lyrics.txt");
        assert_eq!(file_name("x/../y.exe", &artifact::REPORT), "x_.._y.json");
    }
}
