//! Hands the result to storage, which verifies it, makes the renditions and keeps them.

use std::time::Duration;

use async_trait::async_trait;
use blob_store::{ObjectKey, Stored};
use contracts::{IncomingFile, IngestRequest, IngestedResult, Payload, v1};
use domain::{ArtifactRole, Failure, FailureClass, FailureCode, StageName, kind::melody_to_vocals};
use messaging::{MessagingError, Queue};
use serde_json::json;
use song::{LyricsSummary, Report};

use super::work;
use crate::stage::{Stage, StageOutput, StageRun};

pub struct Finalization;

/// Renditions of five minutes take some seconds; a storage service that is starting may take more.
const INGEST_DEADLINE: Duration = Duration::from_secs(60);

#[async_trait]
impl Stage for Finalization {
    fn name(&self) -> StageName {
        melody_to_vocals::FINALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let report: Report = run.get_json(work::REPORT).await?;
        let has_backing = report.backing.is_some();
        let (audio_key, audio) = self.stored(run, if has_backing { work::SONG } else { work::VOCALS }).await?;
        let mut files = Vec::new();
        let alone = has_backing.then_some((ArtifactRole::VocalsWav, work::VOCALS));
        // Jobs that an older version brought as far as this have no score.
        let score = (report.version >= 2).then_some((ArtifactRole::MelodyMusicxml, work::MELODY_MUSICXML));
        for (role, name) in alone.into_iter().chain(score).chain([
            (ArtifactRole::Lyrics, work::LYRICS_TEXT),
            (ArtifactRole::MelodyMidi, work::MELODY_MIDI),
            (ArtifactRole::MelodySvg, work::MELODY_SVG),
            (ArtifactRole::Report, work::REPORT),
        ]) {
            let (key, stored) = self.stored(run, name).await?;
            files.push(IncomingFile {
                role,
                object_key: key.to_string(),
                sha256: stored.sha256,
                size_bytes: stored.size_bytes,
                media_type: role.media_type().to_owned(),
                file_name: name.to_owned(),
            });
        }
        let request = IngestRequest {
            job_id: run.job.id,
            audio_object_key: audio_key.to_string(),
            audio_sha256: audio.sha256,
            audio_size_bytes: audio.size_bytes,
            files,
            title: report.lyrics.title.clone(),
        };
        let ingested = self.ingest(run, request).await?;
        Ok(StageOutput { provider: None, object: None, detail: result(run, &report, &ingested).await? })
    }
}

impl Finalization {
    /// Size and hash of a working object, by reading what is really there.
    async fn stored(&self, run: &StageRun<'_>, name: &str) -> Result<(ObjectKey, Stored), Failure> {
        let stored = blob_store::digest(run.open(name).await?).await.map_err(|error| {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("{name} cannot be read: {error}"))
        })?;
        Ok((run.work_key(name)?, stored))
    }

    async fn ingest(&self, run: &StageRun<'_>, request: IngestRequest) -> Result<IngestedResult, Failure> {
        let unintelligible = || {
            Failure::new(
                FailureClass::Transient,
                FailureCode::Storage,
                "storage answered with something that this version does not know",
            )
        };
        let reply = run
            .tools
            .bus
            .request(
                Queue::StorageRequests,
                run.tools.message(run.job, v1::IngestResult::from(request)),
                INGEST_DEADLINE.min(run.remaining),
            )
            .await
            .map_err(of_bus)?;
        let ingested = v1::ResultIngested::open(reply).map_err(|_| unintelligible())?;
        ingested.try_into().map_err(|_| unintelligible())
    }
}

fn of_bus(error: MessagingError) -> Failure {
    match error {
        MessagingError::Fault { message, retryable, .. } => {
            let class = if retryable { FailureClass::Transient } else { FailureClass::Config };
            Failure::new(class, FailureCode::Storage, message)
        }
        other => {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("storage did not answer: {other}"))
        }
    }
}

/// The job's result as its row keeps it; the gateway turns it into what each API promises.
async fn result(run: &StageRun<'_>, report: &Report, ingested: &IngestedResult) -> Result<serde_json::Value, Failure> {
    let lyrics: engine::lyrics::Lyrics = run.get_json(work::LYRICS).await?;
    let summary: &LyricsSummary = &report.lyrics;
    Ok(json!({
        "title": summary.title,
        "lyrics": lyrics.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        "melody": report.melody,
        "lyricsInfo": summary,
        "voiceInfo": report.voice,
        "quality": report.quality,
        "steps": report.steps,
        "durationSeconds": ingested.duration_seconds,
        "loudnessLufs": ingested.loudness_lufs,
        "truePeakDbtp": ingested.true_peak_dbtp,
    }))
}
