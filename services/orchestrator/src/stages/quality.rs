//! Listens back with instruments, holds the figures against the gate, and writes the documents that go with the song.

use async_trait::async_trait;
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, StageName, kind::melody_to_vocals, quality::QualityFigures,
    request::MelodyToVocalsRequest,
};
use engine::lyrics::Lyrics;
use media::Bounds;
use music::Melody;
use providers::song::{self, Heard, LyricsSummary, MelodySummary, Report, StepSummary, VoiceSummary};

use super::{vocals::VocalsPlan, work};
use crate::stage::{Stage, StageOutput, StageRun, blocking};

pub struct Quality;

#[async_trait]
impl Stage for Quality {
    fn name(&self) -> StageName {
        melody_to_vocals::QUALITY
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let lyrics: Lyrics = run.get_json(work::LYRICS).await?;
        let plan: VocalsPlan = run.get_json(work::VOCALS_PLAN).await?;
        let wav = run.get_bytes(work::VOCALS).await?;
        let voice = VoiceSummary::of(&plan.performance, plan.takes);
        let listened = blocking(move || listen(wav, melody, lyrics, &plan)).await??;
        run.report_progress(0.6);

        let report = Report::new(
            MelodySummary::of(&listened.melody),
            LyricsSummary::of(
                &listened.lyrics,
                request.genre.as_ref().map(|genre| genre.as_str()),
                request.mood.as_ref().map(|mood| mood.as_str()),
            ),
            voice,
            request.options,
            listened.figures,
            &run.tools.gate,
            steps(run),
        );
        if !report.passed {
            let takes = report.voice.takes;
            let reasons: Vec<&str> = report.shortfalls.iter().map(|s| s.message.as_str()).collect();
            return Err(Failure::new(
                FailureClass::Caller,
                FailureCode::QualityGate,
                format!(
                    "The result is not good enough after {takes} takes: {}. Try another recording or prompt.",
                    reasons.join("; ")
                ),
            ));
        }
        let text = song::lyrics_text(&listened.lyrics).into_bytes();
        run.put_bytes(work::LYRICS_TEXT, text, ArtifactRole::Lyrics.media_type()).await?;
        run.put_bytes(work::MELODY_MIDI, listened.midi, ArtifactRole::MelodyMidi.media_type()).await?;
        run.put_bytes(work::MELODY_SVG, listened.svg.into_bytes(), ArtifactRole::MelodySvg.media_type()).await?;
        let object = run.put_json(work::REPORT, &report).await?;
        let detail = serde_json::to_value(&report.quality).unwrap_or_default();
        Ok(StageOutput { provider: None, object: Some(object), detail })
    }
}

struct Listened {
    melody: Melody,
    lyrics: Lyrics,
    figures: QualityFigures,
    midi: Vec<u8>,
    svg: String,
}

/// Decodes the vocal as any listener would, and measures that.
fn listen(wav: bytes::Bytes, melody: Melody, lyrics: Lyrics, plan: &VocalsPlan) -> Result<Listened, Failure> {
    let sound = media::decode_mono(std::io::Cursor::new(wav), engine::voice::SAMPLE_RATE_HZ, &Bounds::default())
        .map_err(|error| {
            Failure::new(
                FailureClass::Transient,
                FailureCode::AudioProcessing,
                format!("the vocal does not decode: {error}"),
            )
        })?;
    let heard = Heard { samples: &sound.samples, sample_rate_hz: sound.sample_rate_hz, performance: &plan.performance };
    let figures = song::assess(&melody, &lyrics, &heard);
    let midi = song::melody_midi(&melody, &lyrics);
    let svg = song::melody_picture(&melody, &lyrics, &heard);
    Ok(Listened { melody, lyrics, figures, midi, svg })
}

fn steps(run: &StageRun<'_>) -> Vec<StepSummary> {
    run.job
        .kind
        .spec()
        .stages
        .iter()
        .filter_map(|stage| {
            let checkpoint = run.done.get(stage.name.as_str())?;
            Some(StepSummary {
                stage: stage.name.to_string(),
                provider: checkpoint.provider.clone(),
                seconds: checkpoint.seconds,
            })
        })
        .collect()
}
