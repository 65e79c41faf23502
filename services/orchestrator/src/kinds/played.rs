//! Songs that were played with a sound font: what stages of several kinds share that write them down as sound.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrangement::SoundSummary;
use contracts::IngestPlan;
use domain::{ArtifactRole, ExtraFormat, Failure, FailureClass, FailureCode, KindSpec, artifact};
use media::{Encoding, Master, MediaError, Tags};
use providers::{AccompanimentPlayer, ProgressSink, Stop, blocking, font_failure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use soundfont::{FontError, Instruments};

use crate::stage::{StageOutcome, StageRun};

pub const SONG_WAV: &str = "song.wav";
pub const COVER: &str = "cover.png";
/// What is to be said of the sound.
pub const SOUND: &str = "sound.json";

/// Some of the progress is for what comes after playing.
const PLAYED: f64 = 0.8;
const WRITTEN: f64 = 0.95;

pub fn song_as(format: ExtraFormat) -> String {
    format!("song.{}", format.as_str())
}

pub fn stem(name: &str) -> String {
    format!("stem-{name}.flac")
}

/// What is said of the sound.
#[derive(Serialize, Deserialize)]
pub struct Sound {
    pub summary: SoundSummary,
    /// What is played otherwise than the song asks.
    pub warnings: Vec<String>,
}

/// What a song's sound, and what is said of it, has of a font. Another build of the same font is another font.
pub async fn font_key(player: AccompanimentPlayer) -> Result<Value, Failure> {
    blocking(move || player.instruments().and_then(key_of)).await?.map_err(|error| font_failure(&error))
}

fn key_of(instruments: &Instruments) -> Result<Value, FontError> {
    let font = instruments.info();
    Ok(json!([instruments.sha256()?, font.file_name, font.title, font.licence]))
}

/// The playing of a song, which says how far it is and ends when nobody waits for it any more.
pub struct Playing {
    progress: ProgressSink,
    is_wanted: Arc<AtomicBool>,
}

/// Whoever stops waiting drops it, and so stops the work.
pub struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Playing {
    pub fn new(progress: ProgressSink) -> (Self, Wanted) {
        let is_wanted = Arc::new(AtomicBool::new(true));
        (Self { progress, is_wanted: is_wanted.clone() }, Wanted(is_wanted))
    }

    /// Hears what share of the song is played.
    pub fn heard(&self, share: f64) -> ControlFlow<()> {
        (self.progress)(share * PLAYED);
        if self.is_wanted.load(Ordering::Relaxed) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn written(&self) {
        (self.progress)(WRITTEN);
    }
}

/// Name among the working objects, a file without a name at its start, and its media type.
pub type PlayedFile = (String, File, &'static str);

/// A song that was played, in its files.
pub struct Played {
    files: Vec<PlayedFile>,
    cover: Vec<u8>,
    sound: Sound,
}

/// What a song is written down as.
pub struct Album<'a> {
    pub spec: &'static KindSpec,
    pub title: &'a str,
    pub cover: Vec<u8>,
    pub formats: &'a [ExtraFormat],
    /// Names of the stems that the master keeps, in its order.
    pub stems: &'a [&'a str],
}

impl Album<'_> {
    /// Blocking. Each stem gives its room on the disk back when it is written.
    pub fn written(self, master: &mut Master, sound: Sound, playing: &Playing) -> Result<Played, Failure> {
        let tags = Tags {
            title: Some(self.title.to_owned()),
            artist: Some("Descant".to_owned()),
            comment: None,
            cover_png: Some(self.cover.clone()),
        };
        let wav = written(|file| master.encode_to(file, Encoding::Wav16, &tags))?;
        let mut files = vec![(SONG_WAV.to_owned(), wav, artifact::AUDIO_WAV.media_type)];
        for format in self.formats {
            let file = written(|file| master.encode_to(file, encoding(*format), &tags))?;
            files.push((song_as(*format), file, self.media_type(*format)));
        }
        for (place, name) in self.stems.iter().enumerate().take(master.stems()) {
            let tags = Tags { title: Some(format!("{} ({name})", self.title)), cover_png: None, ..tags.clone() };
            files.push(written_stem(master, place, name, &tags)?);
        }
        playing.written();
        Ok(Played { files, cover: self.cover, sound })
    }

    fn media_type(&self, format: ExtraFormat) -> &'static str {
        let role = format!("audio_{}", format.as_str());
        let spec = self.spec.artifacts.iter().find(|artifact| artifact.role.as_str() == role);
        spec.map_or("application/octet-stream", |artifact| artifact.media_type)
    }
}

/// Puts a song among the working objects of its job: the outcome of the stage that played it.
pub async fn keep(run: &StageRun<'_>, played: Played) -> Result<StageOutcome, Stop> {
    let Played { files, cover, sound } = played;
    for (name, file, media_type) in files {
        run.put_file(&name, file, media_type).await?;
    }
    run.put_bytes(COVER, cover, "image/png").await?;
    run.put_json(SOUND, &sound).await?;
    StageOutcome::done(None, serde_json::to_value(&sound.summary).unwrap_or_default())
}

/// What was asked for beside the song itself.
pub struct Beside<'a> {
    pub formats: &'a [ExtraFormat],
    /// Names of the stems that were kept; none where nobody asked for them.
    pub stems: &'a [String],
}

/// What storage is to take in of a song that lies among the working objects: its sound with the cover, the documents that go
/// along by role and name, and what was asked for beside.
pub async fn plan(
    run: &StageRun<'_>,
    title: &str,
    documents: Vec<(ArtifactRole, &str)>,
    beside: Beside<'_>,
) -> Result<IngestPlan, Failure> {
    let Beside { formats, stems } = beside;
    let mut names: Vec<(ArtifactRole, String)> =
        documents.into_iter().map(|(role, name)| (role, name.to_owned())).collect();
    for format in formats {
        let role = ArtifactRole::parse(&format!("audio_{}", format.as_str()));
        names.extend(role.map(|role| (role, song_as(*format))));
    }
    names.extend(stems.iter().filter_map(|name| Some((run.job.spec.stem_role(name)?.clone(), stem(name)))));
    let mut files = Vec::new();
    for (role, name) in names {
        files.push(run.result_file(&role, &name).await?);
    }
    Ok(IngestPlan {
        title: title.to_owned(),
        audio: Some(run.result_audio(SONG_WAV).await?),
        is_mastered: true,
        cover: Some(run.result_audio(COVER).await?),
        files,
        ..IngestPlan::default()
    })
}

/// Writes a stem down and gives its room on the disk back.
pub fn written_stem(master: &mut Master, place: usize, name: &str, tags: &Tags) -> Result<PlayedFile, Failure> {
    let file = written(|file| master.encode_stem_to(place, file, Encoding::Flac, tags))?;
    // Written down it takes half the room at most.
    master.forget_stem(place).map_err(of_sound)?;
    Ok((stem(name), file, "audio/flac"))
}

/// Encodes into a file without a name, and leaves it at its start.
pub fn written(encode: impl FnOnce(File) -> Result<(), MediaError>) -> Result<File, Failure> {
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

pub fn of_sound(error: MediaError) -> Failure {
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
        let key = |bytes: &[u8]| key_of(&Instruments::from_bytes("own.sf2", bytes).unwrap()).unwrap();
        assert_ne!(key(&bytes), key(&rebuilt), "the same name, title and licence, and another sound");
        assert_eq!(key(&bytes), key(&bytes));
    }
}
