//! Writes the report and hands the song to storage.

use arrangement::{CompositionReport, Reported, SoundSong, Subject, TimedLine, VocalsSummary, timed_lines};
use async_trait::async_trait;
use contracts::{IngestPlan, IngestedResult};
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, StageName,
    kinds::composition::{self, CompositionRequest, SongTitle, object_name},
    quality::QualityShortfall,
    registry::ModelUsed,
};
use lyrics::Lyrics;
use providers::{ComposedSong, Stop};
use serde_json::{Value, json};

use super::work::{self, SungDetail};
use crate::{
    kinds::played::{self, Beside, Sound},
    stage::{FinishedStage, Stage, StageOutcome, StageRun},
};

pub struct Finalization;

#[async_trait]
impl Stage for Finalization {
    fn name(&self) -> StageName {
        composition::FINALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: CompositionRequest = run.request()?;
        let song = if work::came_as_sound(run.done) {
            Song::Sound(run.get_json(work::SOUND_SONG).await?)
        } else {
            Song::Notes(run.get_json(work::COMPOSED).await?)
        };
        let sound: Sound = run.get_json(played::SOUND).await?;
        let is_sung_here = work::is_sung_here(&run.job.request, run.done);
        let lyrics: Option<Lyrics> = if is_sung_here { Some(run.get_json(work::LYRICS).await?) } else { None };
        let report = CompositionReport::new(Reported {
            request: &request,
            song: song.subject(),
            provider: provider(run, composition::COMPOSING),
            lyrics: song.timed(lyrics.as_ref()),
            vocals: lyrics.as_ref().map(|lyrics| vocals(run, lyrics)),
            sound: sound.summary,
            heard: &sound.warnings,
        })
        .made_with(model(run));
        run.put_json(work::REPORT, &report).await?;

        let mut documents = vec![(ArtifactRole::REPORT, work::REPORT), (composition::COVER, played::COVER)];
        if let Song::Notes(_) = song {
            documents.push((composition::SONG_MIDI, work::SONG_MIDI));
            documents.push((composition::SONG_SVG, work::SONG_SVG));
        }
        if is_sung_here {
            documents.push((ArtifactRole::LYRICS, work::LYRICS_TEXT));
            documents.push((composition::LYRICS_LRC, work::LYRICS_LRC));
        }
        let stems = if request.options.stems { report.sound.stems.as_slice() } else { &[] };
        let beside = Beside { formats: &request.options.formats, stems };
        let name = request.name.as_ref().map_or(report.title.as_str(), SongTitle::as_str);
        let how = match &song {
            Song::Notes(_) => "composed by rules".to_owned(),
            Song::Sound(_) => format!("made by {}", report.provider),
        };
        let plan = IngestPlan {
            object_name: Some(object_name(name, accepted_at(run).await?)),
            mp3_kbps: Some(request.options.output_format.mp3_kbps()),
            // Nothing of this job alone: the same request makes the same file.
            comment: Some(format!("{how}, seed {}", request.seed)),
            ..played::plan(run, &report.title, documents, beside).await?
        };
        let ingested = run.ingest(plan).await?;
        StageOutcome::done(None, result(&report, &ingested))
    }
}

/// What was composed.
enum Song {
    Notes(Box<ComposedSong>),
    Sound(SoundSong),
}

impl Song {
    fn subject(&self) -> Subject<'_> {
        match self {
            Self::Notes(song) => Subject::Notes(song),
            Self::Sound(song) => Subject::Sound(song),
        }
    }

    fn timed(&self, lyrics: Option<&Lyrics>) -> Vec<TimedLine> {
        match (self, lyrics) {
            (Self::Notes(song), Some(lyrics)) => timed_lines(&song.melody, lyrics),
            _ => Vec::new(),
        }
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

/// With which model it was composed, where one was asked for.
fn model(run: &StageRun<'_>) -> Option<ModelUsed> {
    let detail = finished(run, composition::COMPOSING)?.detail.get(work::MODEL)?;
    serde_json::from_value(detail.clone()).ok()
}

fn vocals(run: &StageRun<'_>, lyrics: &Lyrics) -> VocalsSummary {
    let detail = |stage| finished(run, stage).map(|stage| stage.detail.clone()).unwrap_or_default();
    let sung: SungDetail = serde_json::from_value(detail(composition::SINGING)).unwrap_or_default();
    let words = detail(composition::WORDS)[work::SHORTFALLS].take();
    let mut shortfalls: Vec<QualityShortfall> = serde_json::from_value(words).unwrap_or_default();
    shortfalls.extend(sung.shortfalls);
    VocalsSummary {
        title: lyrics.title.clone(),
        voice: sung.voice,
        words_by: provider(run, composition::WORDS).to_owned(),
        sung_by: provider(run, composition::SINGING).to_owned(),
        syllables_placed: sung.syllables_placed,
        takes: sung.takes,
        quality: sung.quality,
        shortfalls,
    }
}

/// The job's result as its row keeps it; the gateway turns it into what each API promises.
fn result(report: &CompositionReport, ingested: &IngestedResult) -> Value {
    let mut result = json!({
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
    });
    if let Some(model) = &report.model {
        result["model"] = json!(model);
    }
    result
}
