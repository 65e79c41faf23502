//! Plays the song to the frame as long as it was asked for, lays the voice over it where there is one, and writes it down as
//! sound.

use std::{
    fs::File,
    io::{Cursor, Seek as _, SeekFrom},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrangement::{Rendering as How, SoundSummary, VOICE, composed_stems, cover, render_exactly, with_voice};
use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    ExtraFormat, Failure, FailureClass, FailureCode, StageName,
    kinds::composition::{self, CompositionRequest, MOST_MS, SPEC},
};
use media::{Bounds, Encoding, MediaError, Tags};
use providers::{AccompanimentPlayer, ComposedSong, ENGINE_VERSION, ProgressSink, blocking};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::work;
use crate::stage::{ReuseKey, Stage, StageOutcome, StageRun};

pub struct Rendering;

/// Some of the progress is for what comes after playing.
const PLAYED: f64 = 0.8;

/// What is said of the sound.
#[derive(Serialize, Deserialize)]
pub struct Sound {
    pub summary: SoundSummary,
    /// What is played otherwise than the song asks.
    pub warnings: Vec<String>,
}

#[async_trait]
impl Stage for Rendering {
    fn name(&self) -> StageName {
        composition::RENDERING
    }

    /// The song, the voice, what it is written as, and the instruments.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let options = run.request::<CompositionRequest>()?.options;
        let Some(song) = run.object_sha256(work::COMPOSED) else { return Ok(None) };
        let voice = run.object_sha256(work::VOCALS);
        let player = run.tools.capabilities.accompaniment.clone();
        let font = blocking(move || player.instruments().map(|font| font.info().clone())).await?;
        let font = font.map_err(|error| of_font(&error))?;
        let font = (font.file_name, font.title, font.licence, font.is_compressed);
        let inputs = json!([ENGINE_VERSION, font, song, voice, options.stems, options.formats]);
        Ok(Some(ReuseKey { inputs, provider: None }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let request: CompositionRequest = run.request()?;
        let song: ComposedSong = run.get_json(work::COMPOSED).await?;
        let voice = if request.is_sung() { Some(run.get_bytes(work::VOCALS).await?) } else { None };
        let work = Work {
            song,
            voice,
            keep_stems: request.options.stems,
            formats: request.options.formats,
            player: run.tools.capabilities.accompaniment.clone(),
            progress: run.progress.clone(),
            is_wanted: Arc::new(AtomicBool::new(true)),
        };
        // Whoever stops waiting stops the work.
        let _wanted = Wanted(work.is_wanted.clone());
        let Played { files, cover, sound } = blocking(move || work.play()).await??;
        for (name, file, media_type) in files {
            run.put_file(&name, file, media_type).await?;
        }
        run.put_bytes(work::COVER, cover, "image/png").await?;
        run.put_json(work::SOUND, &sound).await?;
        StageOutcome::done(None, serde_json::to_value(&sound.summary).unwrap_or_default())
    }
}

/// Says so when nobody waits any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Work {
    song: ComposedSong,
    /// As WAV.
    voice: Option<Bytes>,
    keep_stems: bool,
    formats: Vec<ExtraFormat>,
    player: AccompanimentPlayer,
    progress: ProgressSink,
    is_wanted: Arc<AtomicBool>,
}

/// Sound in files without names, at their starts.
struct Played {
    files: Vec<(String, File, &'static str)>,
    cover: Vec<u8>,
    sound: Sound,
}

impl Work {
    fn play(self) -> Result<Played, Failure> {
        let score = &self.song.score;
        let stems = composed_stems(&self.song, self.voice.is_some());
        let instruments = self.player.instruments().map_err(|error| of_font(&error))?;
        // Jobs run beside each other; each has one core.
        let how = How { keep_stems: self.keep_stems, threads: 1 };
        let band = render_exactly(instruments, score, &stems, how, self.song.seconds, &mut |share| {
            (self.progress)(share * PLAYED);
            if self.is_wanted.load(Ordering::Relaxed) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let song = match &self.voice {
            Some(wav) => with_voice(&band, &decoded(wav)?)?,
            None => band,
        };
        let mut names: Vec<&str> = stems.iter().map(|stem| stem.name.as_str()).collect();
        if self.voice.is_some() {
            names.insert(0, VOICE);
        }
        let cover = cover(score, &stems, None);
        let tags = Tags {
            title: Some(score.title.clone()),
            artist: Some("Descant".to_owned()),
            comment: None,
            cover_png: Some(cover.clone()),
        };
        let mut files = vec![(
            work::SONG_WAV.to_owned(),
            written(|file| song.master.encode_to(file, Encoding::Wav16, &tags))?,
            domain::artifact::AUDIO_WAV.media_type,
        )];
        for format in &self.formats {
            let file = written(|file| song.master.encode_to(file, encoding(*format), &tags))?;
            files.push((work::song_as(*format), file, media_type(&format!("audio_{}", format.as_str()))));
        }
        for (place, name) in names.iter().enumerate().take(song.master.stems()) {
            let tags = Tags { title: Some(format!("{} ({name})", score.title)), cover_png: None, ..tags.clone() };
            let file = written(|file| song.master.encode_stem_to(place, file, Encoding::Flac, &tags))?;
            files.push((work::stem(name), file, "audio/flac"));
        }
        (self.progress)(0.95);
        let mut summary = SoundSummary::of(&song.report, &stems);
        summary.stems = names.into_iter().map(str::to_owned).collect();
        Ok(Played { files, cover, sound: Sound { summary, warnings: song.report.warnings } })
    }
}

/// A voice out of its file.
fn decoded(wav: &Bytes) -> Result<Vec<f32>, Failure> {
    let bounds = Bounds::for_duration(f64::from(MOST_MS) / 1000.0);
    let sound = media::decode_mono(Cursor::new(wav.clone()), voice::SAMPLE_RATE_HZ, &bounds);
    Ok(sound.map_err(of_sound)?.samples)
}

fn written(encode: impl FnOnce(File) -> Result<(), MediaError>) -> Result<File, Failure> {
    let of_io = |source| of_sound(MediaError::Write { source });
    let mut file = tempfile::tempfile().map_err(of_io)?;
    encode(file.try_clone().map_err(of_io)?).map_err(of_sound)?;
    file.seek(SeekFrom::Start(0)).map_err(of_io)?;
    Ok(file)
}

const fn encoding(format: ExtraFormat) -> Encoding {
    match format {
        ExtraFormat::Flac => Encoding::Flac,
        ExtraFormat::M4a => Encoding::M4a { kbps: 160 },
        ExtraFormat::Ogg => Encoding::Ogg { quality: 6.0 },
    }
}

fn media_type(role: &str) -> &'static str {
    let spec = SPEC.artifacts.iter().find(|artifact| artifact.role.as_str() == role);
    spec.map_or("application/octet-stream", |artifact| artifact.media_type)
}

fn of_font(error: &soundfont::FontError) -> Failure {
    Failure::new(FailureClass::Config, FailureCode::ProviderConfig, telemetry::error_chain(error).to_string())
}

fn of_sound(error: MediaError) -> Failure {
    let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
    let message = format!("the song was not written: {}", telemetry::error_chain(&error));
    Failure::new(class, FailureCode::AudioProcessing, message)
}
