//! Plays the blend and writes it down as sound.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrangement::{Rendering as How, SoundSummary, cover, render, stems_of};
use async_trait::async_trait;
use domain::{
    ExtraFormat, Failure, FailureClass, FailureCode, StageName,
    kinds::blend::{self, SPEC},
    kinds::blend::{BlendOptions, BlendRequest},
};
use media::{Encoding, MediaError, Tags};
use providers::{AccompanimentPlayer, BlendedSong, ENGINE_VERSION, ProgressSink, blocking};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use soundfont::{FontError, Instruments};

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
        blend::RENDERING
    }

    /// The blend, what it is written as, and the instruments.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let BlendOptions { stems, formats, .. } = run.request::<BlendRequest>()?.options;
        let Some(blended) = run.object_sha256(work::BLENDED) else { return Ok(None) };
        let player = run.tools.capabilities.accompaniment.clone();
        let font = blocking(move || player.instruments().and_then(font_key)).await?;
        let font = font.map_err(|error| of_font(&error))?;
        Ok(Some(ReuseKey { inputs: json!([ENGINE_VERSION, font, blended, stems, formats]), provider: None }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let BlendOptions { stems, formats, .. } = run.request::<BlendRequest>()?.options;
        let blended: BlendedSong = run.get_json(work::BLENDED).await?;
        let work = Work {
            blended,
            keep_stems: stems,
            formats,
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

/// What a song's sound, and what is said of it, has of a font. Another build of the same font is another font.
fn font_key(instruments: &Instruments) -> Result<Value, FontError> {
    let font = instruments.info();
    Ok(json!([instruments.sha256()?, font.file_name, font.title, font.licence]))
}

/// Says so when nobody waits any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Work {
    blended: BlendedSong,
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
        let score = &self.blended.score;
        let stems = stems_of(score, self.blended.part_roles.as_deref());
        let instruments = self.player.instruments().map_err(|error| of_font(&error))?;
        // Jobs run beside each other; each has one core.
        let how = How { keep_stems: self.keep_stems, threads: 1 };
        let mut song = render(instruments, score, &stems, how, &mut |share| {
            (self.progress)(share * PLAYED);
            if self.is_wanted.load(Ordering::Relaxed) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let cover = cover(score, &stems, self.blended.origin.as_ref());
        let tags = Tags {
            title: Some(score.title.clone()),
            artist: Some("Descant".to_owned()),
            comment: None,
            cover_png: Some(cover.clone()),
        };
        let mut files = Vec::new();
        let written = |encode: &dyn Fn(File) -> Result<(), MediaError>| -> Result<File, Failure> {
            let mut file = tempfile::tempfile().map_err(|error| of_sound(MediaError::Write { source: error }))?;
            let writer = file.try_clone().map_err(|source| of_sound(MediaError::Write { source }))?;
            encode(writer).map_err(of_sound)?;
            file.seek(SeekFrom::Start(0)).map_err(|source| of_sound(MediaError::Write { source }))?;
            Ok(file)
        };
        let wav = written(&|file| song.master.encode_to(file, Encoding::Wav16, &tags))?;
        files.push((work::SONG_WAV.to_owned(), wav, domain::artifact::AUDIO_WAV.media_type));
        for format in &self.formats {
            let file = written(&|file| song.master.encode_to(file, encoding(*format), &tags))?;
            files.push((work::song_as(*format), file, media_type(&format!("audio_{}", format.as_str()))));
        }
        for (place, stem) in stems.iter().enumerate().take(song.master.stems()) {
            let title = Some(format!("{} ({})", score.title, stem.name));
            let tags = Tags { title, cover_png: None, ..tags.clone() };
            let file = written(&|file| song.master.encode_stem_to(place, file, Encoding::Flac, &tags))?;
            files.push((work::stem(&stem.name), file, "audio/flac"));
            // Written down it takes half the room at most.
            song.master.forget_stem(place).map_err(of_sound)?;
        }
        (self.progress)(0.95);
        let sound = Sound { summary: SoundSummary::of(&song.report, &stems), warnings: song.report.warnings };
        Ok(Played { files, cover, sound })
    }
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

fn of_font(error: &FontError) -> Failure {
    Failure::new(FailureClass::Config, FailureCode::ProviderConfig, telemetry::error_chain(error).to_string())
}

fn of_sound(error: MediaError) -> Failure {
    let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
    let message = format!("the song was not written: {}", telemetry::error_chain(&error));
    Failure::new(class, FailureCode::AudioProcessing, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_build_of_a_font_makes_another_key() {
        let bytes = soundfont::built_in_bytes();
        let samples = bytes.windows(4).position(|four| four == b"smpl").unwrap() + 8;
        let mut rebuilt = bytes.clone();
        rebuilt[samples + 1_000] ^= 1;
        let key = |bytes: &[u8]| font_key(&Instruments::from_bytes("own.sf2", bytes).unwrap()).unwrap();
        assert_ne!(key(&bytes), key(&rebuilt), "the same name, title and licence, and another sound");
        assert_eq!(key(&bytes), key(&bytes));
    }
}
