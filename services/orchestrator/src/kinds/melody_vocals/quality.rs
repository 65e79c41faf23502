//! Listens back with instruments, holds the figures against the gate, and writes the documents that go with the song.

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName, artifact, kinds::melody_vocals,
    kinds::melody_vocals::MelodyToVocalsRequest,
};
use lyrics::Lyrics;
use media::{Bounds, Encoding, Tags};
use music::Melody;
use providers::Stop;
use song::{Backing, Documents, Heard, Mixed, Report, Song, StepSummary};

use super::{vocals::VocalsPlan, work};
use crate::{
    kinds::played::{self, PlayedFile, Playing},
    stage::{Stage, StageOutcome, StageRun, StageTools},
};

pub struct Quality;

#[async_trait]
impl Stage for Quality {
    fn name(&self) -> StageName {
        melody_vocals::QUALITY
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: MelodyToVocalsRequest = run.request()?;
        let (melody, arranged) = work::melody(run, &request).await?;
        let band = match arranged {
            Some(arranged) => Some(work::band(run, arranged).await?),
            None => None,
        };
        let lyrics: Lyrics = run.get_json(work::LYRICS).await?;
        let plan: VocalsPlan = run.get_json(work::VOCALS_PLAN).await?;
        let wav = run.get_bytes(work::VOCALS).await?;
        let (playing, _wanted) = Playing::new(run.progress.clone());
        let listening = Listening {
            wav,
            melody,
            band,
            lyrics,
            plan,
            request,
            tools: run.tools.clone(),
            steps: steps(run),
            playing,
        };
        let listened = providers::blocking(move || listening.listen()).await??;
        let Listened { report, documents, files } = listened;
        let Documents { lyrics, midi, musicxml, svg } = documents;
        run.put_bytes(work::LYRICS_TEXT, lyrics.into_bytes(), artifact::LYRICS.media_type).await?;
        run.put_bytes(work::MELODY_MIDI, midi, artifact::MELODY_MIDI.media_type).await?;
        run.put_bytes(work::MELODY_MUSICXML, musicxml.into_bytes(), artifact::MELODY_MUSICXML.media_type).await?;
        run.put_bytes(work::MELODY_SVG, svg.into_bytes(), artifact::MELODY_SVG.media_type).await?;
        for (name, file, media_type) in files {
            run.put_file(&name, file, media_type).await?;
        }
        run.put_json(work::REPORT, &report).await?;
        StageOutcome::done(None, serde_json::to_value(&report.quality).unwrap_or_default())
    }
}

/// What is listened to, and what it is held against.
struct Listening {
    /// The voice.
    wav: bytes::Bytes,
    melody: Melody,
    /// Who plays where a band was arranged.
    band: Option<Backing>,
    lyrics: Lyrics,
    plan: VocalsPlan,
    request: MelodyToVocalsRequest,
    tools: StageTools,
    steps: Vec<StepSummary>,
    playing: Playing,
}

struct Listened {
    report: Report,
    documents: Documents,
    /// The voice over its backing and the stems, where they were asked for.
    files: Vec<PlayedFile>,
}

impl Listening {
    /// Decodes the vocal as any listener would, measures that, and makes what goes with a song that is good enough.
    fn listen(self) -> Result<Listened, Failure> {
        let Self { wav, melody, band, lyrics, plan, request, tools, steps, playing } = self;
        let decoded = media::decode_mono(std::io::Cursor::new(wav), voice::SAMPLE_RATE_HZ, &Bounds::default());
        let sound = decoded.map_err(|error| {
            let message = format!("the vocal does not decode: {error}");
            Failure::new(FailureClass::Transient, FailureCode::AudioProcessing, message)
        })?;
        let performance = &plan.performance;
        let heard = Heard { samples: &sound.samples, sample_rate_hz: sound.sample_rate_hz, performance };
        let backing = match band {
            Some(band) => Some(band),
            None => song::backing(&melody, &request)?,
        };
        let backing = backing.as_ref();
        let song = Song { melody: &melody, lyrics: &lyrics, heard, backing, takes: plan.takes, request: &request };
        let mut report = Report::on(&song, &tools.gate, steps);
        if let Some(refusal) = report.refusal() {
            return Err(refusal);
        }
        let documents = song::documents(&song);
        // Jobs run beside each other; each has one core.
        let player = &tools.capabilities.accompaniment;
        let mixed = song::mix(&song, player, 1, &mut |share| playing.heard(share))?;
        let mut files = Vec::new();
        if let Some(mixed) = &mixed {
            let wav = played::written(|file| mixed.encode_to(file, Encoding::Wav16, &Tags::default()))?;
            files.push((work::SONG.to_owned(), wav, artifact::AUDIO_WAV.media_type));
        }
        if let Some(Mixed::Band(mut sound)) = mixed {
            report.heard_band(&sound);
            for (place, stem) in sound.stems.iter().enumerate() {
                let tags = Tags { title: Some(format!("{} ({stem})", lyrics.title)), ..Tags::default() };
                files.push(played::written_stem(&mut sound.master, place, stem, &tags)?);
            }
        }
        Ok(Listened { report, documents, files })
    }
}

fn steps(run: &StageRun<'_>) -> Vec<StepSummary> {
    run.job
        .spec
        .stages
        .iter()
        .filter_map(|stage| {
            let checkpoint = run.done.get(stage.name.as_str())?;
            Some(StepSummary {
                tried: checkpoint.tried.clone(),
                stage: stage.name.to_string(),
                provider: checkpoint.provider.clone(),
                seconds: checkpoint.seconds,
            })
        })
        .collect()
}
