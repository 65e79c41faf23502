//! Hands the song to storage.

use async_trait::async_trait;
use contracts::{IngestPlan, IngestedResult};
use domain::{
    ArtifactRole, Failure, StageName,
    kinds::melody_vocals::{self, SPEC},
};
use providers::Stop;
use serde_json::json;
use song::{BackingSummary, LyricsSummary, Report};

use super::work;
use crate::{
    kinds::played,
    stage::{Stage, StageOutcome, StageRun},
};

pub struct Finalization;

#[async_trait]
impl Stage for Finalization {
    fn name(&self) -> StageName {
        melody_vocals::FINALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let report: Report = run.get_json(work::REPORT).await?;
        let has_backing = report.backing.is_some();
        let alone = has_backing.then_some((ArtifactRole::VOCALS_WAV, work::VOCALS));
        // Jobs that an older version brought as far as this have no score.
        let score = (report.version >= 2).then_some((ArtifactRole::MELODY_MUSICXML, work::MELODY_MUSICXML));
        let mut files = Vec::new();
        for (role, name) in alone.into_iter().chain(score).chain([
            (ArtifactRole::LYRICS, work::LYRICS_TEXT),
            (ArtifactRole::MELODY_MIDI, work::MELODY_MIDI),
            (ArtifactRole::MELODY_SVG, work::MELODY_SVG),
            (ArtifactRole::REPORT, work::REPORT),
        ]) {
            files.push(run.result_file(&role, name).await?);
        }
        let sound = report.backing.as_ref().and_then(BackingSummary::song_sound);
        if report.options.stems {
            for stem in sound.into_iter().flat_map(|sound| &sound.stems) {
                if let Some(role) = SPEC.stem_role(stem) {
                    files.push(run.result_file(role, &played::stem(stem)).await?);
                }
            }
        }
        let audio = run.result_audio(if has_backing { work::SONG } else { work::VOCALS }).await?;
        let plan = IngestPlan {
            title: report.lyrics.title.clone(),
            comment: Some(format!("sung by a machine, job {}", run.job.id)),
            audio: Some(audio),
            // A voice with a band, or with what plays in its place, is at the loudness of whole songs.
            is_mastered: sound.is_some(),
            files,
            ..IngestPlan::default()
        };
        let ingested = run.ingest(plan).await?;
        StageOutcome::done(None, result(run, &report, &ingested).await?)
    }
}

/// The job's result as its row keeps it; the gateway turns it into what each API promises.
async fn result(run: &StageRun<'_>, report: &Report, ingested: &IngestedResult) -> Result<serde_json::Value, Failure> {
    let lyrics: lyrics::Lyrics = run.get_json(work::LYRICS).await?;
    let summary: &LyricsSummary = &report.lyrics;
    Ok(json!({
        "title": summary.title,
        "lyrics": lyrics.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        "melody": report.melody,
        "lyricsInfo": summary,
        "voiceInfo": report.voice,
        "backing": report.backing,
        "quality": report.quality,
        "steps": report.steps,
        "durationSeconds": ingested.duration_seconds,
        "loudnessLufs": ingested.loudness_lufs,
        "truePeakDbtp": ingested.true_peak_dbtp,
    }))
}
