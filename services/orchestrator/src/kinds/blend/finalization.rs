//! Writes the report and hands the song to storage.

use arrangement::BlendReport;
use async_trait::async_trait;
use contracts::{IngestPlan, IngestedResult};
use domain::{ArtifactRole, StageName, kinds::blend, kinds::blend::BlendRequest};
use providers::{BlendedSong, Stop};
use serde_json::{Value, json};

use super::{analysis::ReadSongs, work};
use crate::{
    kinds::played::{self, Beside, Sound},
    stage::{Stage, StageOutcome, StageRun},
};

pub struct Finalization;

#[async_trait]
impl Stage for Finalization {
    fn name(&self) -> StageName {
        blend::FINALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: BlendRequest = run.request()?;
        let songs: ReadSongs = run.get_json(work::SONGS).await?;
        let blended: BlendedSong = run.get_json(work::BLENDED).await?;
        let sound: Sound = run.get_json(played::SOUND).await?;
        let provider = run.done.get(blend::BLENDING.as_str()).and_then(|stage| stage.provider.clone());
        let heard = (sound.summary, sound.warnings.as_slice());
        let provider = provider.as_deref().unwrap_or("unknown");
        let report = BlendReport::new(&songs.titles, &blended, provider, &request, heard, &songs.warnings);
        run.put_json(work::REPORT, &report).await?;

        let mut documents = vec![
            (ArtifactRole::REPORT, work::REPORT),
            (blend::SONG_MIDI, work::SONG_MIDI),
            (blend::COVER, played::COVER),
        ];
        if blended.origin.is_some() {
            documents.push((blend::PROVENANCE, work::PROVENANCE));
            documents.push((blend::PROVENANCE_SVG, work::PROVENANCE_SVG));
        }
        let stems = if request.options.stems { report.sound.stems.as_slice() } else { &[] };
        let beside = Beside { formats: &request.options.formats, stems };
        let plan = IngestPlan {
            comment: Some(format!("blended of {}, job {}", songs.titles.join(", "), run.job.id)),
            ..played::plan(run, &report.title, documents, beside).await?
        };
        let ingested = run.ingest(plan).await?;
        StageOutcome::done(None, result(&report, &ingested))
    }
}

/// The job's result as its row keeps it; the gateway turns it into what each API promises.
fn result(report: &BlendReport, ingested: &IngestedResult) -> Value {
    json!({
        "title": report.title,
        "songs": report.songs,
        "key": report.key,
        "tempoBpm": report.tempo_bpm,
        "beatsPerBar": report.beats_per_bar,
        "bars": report.bars,
        "form": report.form,
        "passes": report.passes,
        "notMet": report.not_met,
        "seed": report.seed,
        "provider": report.provider,
        "stems": report.sound.stems,
        "renderer": report.sound.renderer,
        "font": report.sound.font,
        "warnings": report.warnings,
        "durationSeconds": ingested.duration_seconds,
        "loudnessLufs": ingested.loudness_lufs,
        "truePeakDbtp": ingested.true_peak_dbtp,
    })
}
