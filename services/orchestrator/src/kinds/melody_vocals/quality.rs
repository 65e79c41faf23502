//! Listens back with instruments, holds the figures against the gate, and writes the documents that go with the song.

use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom},
};

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName, artifact, kinds::melody_vocals,
    kinds::melody_vocals::MelodyToVocalsRequest,
};
use lyrics::Lyrics;
use media::{Bounds, Encoding, Mix, Tags};
use music::Melody;
use service_runtime::error_chain;
use song::{Documents, Heard, Report, Song, StepSummary};

use super::{vocals::VocalsPlan, work};
use crate::stage::{Stage, StageOutcome, StageRun, StageTools};

pub struct Quality;

#[async_trait]
impl Stage for Quality {
    fn name(&self) -> StageName {
        melody_vocals::QUALITY
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let lyrics: Lyrics = run.get_json(work::LYRICS).await?;
        let plan: VocalsPlan = run.get_json(work::VOCALS_PLAN).await?;
        let wav = run.get_bytes(work::VOCALS).await?;
        let (tools, steps) = (run.tools.clone(), steps(run));
        let listened =
            providers::blocking(move || listen(wav, &melody, &lyrics, &plan, &request, &tools, steps)).await??;
        run.report_progress(0.6);

        let Listened { report, documents, mix } = listened;
        let Documents { lyrics, midi, musicxml, svg } = documents;
        run.put_bytes(work::LYRICS_TEXT, lyrics.into_bytes(), artifact::LYRICS.media_type).await?;
        run.put_bytes(work::MELODY_MIDI, midi, artifact::MELODY_MIDI.media_type).await?;
        run.put_bytes(work::MELODY_MUSICXML, musicxml.into_bytes(), artifact::MELODY_MUSICXML.media_type).await?;
        run.put_bytes(work::MELODY_SVG, svg.into_bytes(), artifact::MELODY_SVG.media_type).await?;
        if let Some(mix) = mix {
            run.put_file(work::SONG, mix, artifact::AUDIO_WAV.media_type).await?;
        }
        run.put_json(work::REPORT, &report).await?;
        StageOutcome::done(None, serde_json::to_value(&report.quality).unwrap_or_default())
    }
}

struct Listened {
    report: Report,
    documents: Documents,
    /// The voice over its backing, as WAV; only where a backing was asked for.
    mix: Option<File>,
}

/// Decodes the vocal as any listener would, measures that, and makes what goes with a song that is good enough.
fn listen(
    wav: bytes::Bytes,
    melody: &Melody,
    lyrics: &Lyrics,
    plan: &VocalsPlan,
    request: &MelodyToVocalsRequest,
    tools: &StageTools,
    steps: Vec<StepSummary>,
) -> Result<Listened, Failure> {
    let sound =
        media::decode_mono(std::io::Cursor::new(wav), voice::SAMPLE_RATE_HZ, &Bounds::default()).map_err(|error| {
            Failure::new(
                FailureClass::Transient,
                FailureCode::AudioProcessing,
                format!("the vocal does not decode: {error}"),
            )
        })?;
    let heard = Heard { samples: &sound.samples, sample_rate_hz: sound.sample_rate_hz, performance: &plan.performance };
    let accompaniment = song::accompaniment(melody, request);
    let accompaniment = accompaniment.as_ref();
    let song = Song { melody, lyrics, heard, accompaniment, takes: plan.takes, request };
    let report = Report::on(&song, &tools.gate, steps);
    if let Some(refusal) = report.refusal() {
        return Err(refusal);
    }
    let documents = song::documents(&song);
    let mix = song::mix(&song, &tools.capabilities.accompaniment)?.map(|mix| written(&mix)).transpose()?;
    Ok(Listened { report, documents, mix })
}

/// A mix as WAV, in a temporary file at its start.
fn written(mix: &Mix) -> Result<File, Failure> {
    let not_written = |class, error: &(dyn std::error::Error + 'static)| {
        let why = error_chain(error);
        Failure::new(class, FailureCode::AudioProcessing, format!("the mix was not written: {why}"))
    };
    let of_io = |error: io::Error| not_written(FailureClass::Transient, &error);
    let mut wav = tempfile::tempfile().map_err(of_io)?;
    let writer = wav.try_clone().map_err(of_io)?;
    mix.encode_to(writer, Encoding::Wav16, &Tags::default()).map_err(|error| {
        let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
        not_written(class, &error)
    })?;
    wav.seek(SeekFrom::Start(0)).map_err(of_io)?;
    Ok(wav)
}

fn steps(run: &StageRun<'_>) -> Vec<StepSummary> {
    run.job
        .spec
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
