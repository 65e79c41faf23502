//! Writes the report and hands the song to storage.

use arrangement::{CompositionReport, Reported, VocalsSummary, timed_lines};
use async_trait::async_trait;
use contracts::{IngestPlan, IngestedResult};
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, StageName,
    kinds::composition::{self, CompositionRequest, SPEC, SongTitle, object_name},
};
use lyrics::Lyrics;
use providers::ComposedSong;
use serde_json::{Value, json};

use super::work;
use crate::{
    kinds::played::{self, Sound},
    stage::{FinishedStage, Stage, StageOutcome, StageRun},
};

pub struct Finalization;

#[async_trait]
impl Stage for Finalization {
    fn name(&self) -> StageName {
        composition::FINALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let request: CompositionRequest = run.request()?;
        let song: ComposedSong = run.get_json(work::COMPOSED).await?;
        let sound: Sound = run.get_json(played::SOUND).await?;
        let lyrics: Option<Lyrics> = if request.is_sung() { Some(run.get_json(work::LYRICS).await?) } else { None };
        let report = CompositionReport::new(Reported {
            request: &request,
            song: &song,
            provider: provider(run, composition::COMPOSING),
            lyrics: lyrics.as_ref().map(|lyrics| timed_lines(&song.melody, lyrics)).unwrap_or_default(),
            vocals: lyrics.as_ref().map(|lyrics| vocals(run, lyrics)),
            sound: sound.summary,
            heard: &sound.warnings,
        });
        run.put_json(work::REPORT, &report).await?;

        let mut names = vec![
            (ArtifactRole::REPORT, work::REPORT.to_owned()),
            (composition::SONG_MIDI, work::SONG_MIDI.to_owned()),
            (composition::SONG_SVG, work::SONG_SVG.to_owned()),
            (composition::COVER, played::COVER.to_owned()),
        ];
        if request.is_sung() {
            names.push((ArtifactRole::LYRICS, work::LYRICS_TEXT.to_owned()));
            names.push((composition::LYRICS_LRC, work::LYRICS_LRC.to_owned()));
        }
        for format in &request.options.formats {
            let role = ArtifactRole::parse(&format!("audio_{}", format.as_str()));
            names.extend(role.map(|role| (role, played::song_as(*format))));
        }
        if request.options.stems {
            let stems = report.sound.stems.iter();
            names.extend(stems.filter_map(|stem| Some((SPEC.stem_role(stem)?.clone(), played::stem(stem)))));
        }
        let mut files = Vec::new();
        for (role, name) in names {
            files.push(run.result_file(&role, &name).await?);
        }
        let name = request.name.as_ref().map_or(report.title.as_str(), SongTitle::as_str);
        let plan = IngestPlan {
            title: report.title.clone(),
            object_name: Some(object_name(name, accepted_at(run).await?)),
            mp3_kbps: Some(request.options.output_format.mp3_kbps()),
            // Nothing of this job alone: the same request makes the same file.
            comment: Some(format!("composed by rules, seed {}", request.seed)),
            audio: Some(run.result_audio(played::SONG_WAV).await?),
            is_mastered: true,
            cover: Some(run.result_audio(played::COVER).await?),
            files,
        };
        let ingested = run.ingest(plan).await?;
        StageOutcome::done(None, result(&report, &ingested))
    }
}

/// When the song was asked for: the same however often this runs, so that it has one name.
async fn accepted_at(run: &StageRun<'_>) -> Result<chrono::DateTime<chrono::Utc>, Failure> {
    let rows = |message: String| Failure::new(FailureClass::Transient, FailureCode::Internal, message);
    let job = run.tools.database.jobs().get(run.job.id).await;
    let job = job.map_err(|error| rows(format!("the job's row cannot be read: {error}")))?;
    job.map(|job| job.created_at).ok_or_else(|| rows("the job's row is gone".to_owned()))
}

fn finished<'a>(run: &'a StageRun<'_>, stage: StageName) -> Option<&'a FinishedStage> {
    run.done.get(stage.as_str())
}

/// Who did a stage.
fn provider<'a>(run: &'a StageRun<'_>, stage: StageName) -> &'a str {
    finished(run, stage).and_then(|stage| stage.provider.as_deref()).unwrap_or("unknown")
}

fn vocals(run: &StageRun<'_>, lyrics: &Lyrics) -> VocalsSummary {
    let detail = finished(run, composition::SINGING).map(|stage| &stage.detail);
    let of = |name: &str| detail.map_or(&Value::Null, |detail| &detail[name]);
    VocalsSummary {
        title: lyrics.title.clone(),
        voice: of("voice").as_str().unwrap_or_default().to_owned(),
        words_by: provider(run, composition::WORDS).to_owned(),
        sung_by: provider(run, composition::SINGING).to_owned(),
        syllables_placed: of("syllablesPlaced").as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
    }
}

/// The job's result as its row keeps it; the gateway turns it into what each API promises.
fn result(report: &CompositionReport, ingested: &IngestedResult) -> Value {
    json!({
        "title": report.title,
        "effective": report.effective,
        "understood": report.understood,
        "notUnderstood": report.not_understood,
        "seed": report.seed,
        "modelId": report.model_id,
        "provider": report.provider,
        "sections": report.sections,
        "stems": report.sound.stems,
        "vocals": report.vocals,
        "lyrics": report.lyrics.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        "renderer": report.sound.renderer,
        "font": report.sound.font,
        "warnings": report.warnings,
        "durationSeconds": ingested.duration_seconds,
        "loudnessLufs": ingested.loudness_lufs,
        "truePeakDbtp": ingested.true_peak_dbtp,
    })
}
