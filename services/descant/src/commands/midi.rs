//! What `descant blend`, `descant compose` and `descant render` share: songs out of MIDI files, and the sound with what goes along.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use arrangement::{Rendering, SongRead, read_song};
use domain::Failure;
use indicatif::ProgressBar;
use media::{Encoding, Master, Tags};
use music::Score;
use providers::AccompanimentPlayer;
use serde_json::{Value, json};
use settings::Settings;
use soundfont::{Instruments, Song, StemSpec};

use super::bars;
use crate::{
    exit::Exit,
    formats::Format,
    output,
    recording::{Recording, Source},
    results::Files,
};

/// Every name that a file of a song may have, so that no folder holds two songs' files.
pub const FILES: [&str; 20] = [
    "song.mp3",
    "song.wav",
    "song.flac",
    "song.m4a",
    "song.ogg",
    "song.mid",
    "song.lrc",
    "song.svg",
    "lyrics.txt",
    "provenance.json",
    "provenance.svg",
    "report.json",
    "stem-voice.flac",
    "stem-melody.flac",
    "stem-counter-melody.flac",
    "stem-chords.flac",
    "stem-bass.flac",
    "stem-drums.flac",
    "stem-pad.flac",
    "stem-effects.flac",
];

/// Reads a song out of a file or a pipe; it is called as its file is.
pub fn read(source: Source) -> Result<SongRead> {
    let limit = domain::midi::MAX_BYTES;
    let Recording { file, name, shown, .. } = source.read(limit)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("{shown} cannot be read"))?;
    let file_name = name.as_deref().map(|name| Path::new(name).file_name().unwrap_or_default().to_string_lossy());
    read_song(&bytes, file_name.as_deref().map(domain::midi::without_ending))
        .map_err(|Failure { message, .. }| Exit::refused(format!("{shown} was refused: {message}")))
}

/// A song that is to be played.
pub struct Playing<'a> {
    pub score: &'a Score,
    pub stems: &'a [StemSpec],
    pub keep_stems: bool,
    pub bar: &'a ProgressBar,
}

/// Plays a song with the sound font of the settings. Blocking.
pub fn play(settings: &Settings, playing: &Playing<'_>) -> Result<Song> {
    play_with(settings, playing, |instruments, rendering, progress| {
        arrangement::render(instruments, playing.score, playing.stems, rendering, progress)
    })
}

/// The same, so many seconds long.
pub fn play_exactly(settings: &Settings, playing: &Playing<'_>, seconds: f64) -> Result<Song> {
    play_with(settings, playing, |instruments, rendering, progress| {
        arrangement::render_exactly(instruments, playing.score, playing.stems, rendering, seconds, progress)
    })
}

fn play_with(
    settings: &Settings,
    playing: &Playing<'_>,
    render: impl FnOnce(&Instruments, Rendering, &mut dyn FnMut(f64) -> ControlFlow<()>) -> Result<Song, Failure>,
) -> Result<Song> {
    let player = AccompanimentPlayer::new(settings.engine.soundfont.clone());
    let instruments = player.instruments().context("the sound font cannot be used")?;
    let rendering = Rendering { keep_stems: playing.keep_stems, threads: settings.providers.engine_threads };
    let mut progress = |share: f64| heard(playing.bar, share);
    let song = render(instruments, rendering, &mut progress).map_err(Exit::of_failure)?;
    bars::done(playing.bar);
    Ok(song)
}

/// Shows what share of a song is played; nobody stops it.
pub fn heard(bar: &ProgressBar, share: f64) -> ControlFlow<()> {
    bar.set_position((share * 100.0) as u64);
    ControlFlow::Continue(())
}

/// What goes with the sound.
pub struct Album<'a> {
    /// `None` where nobody knows its notes; then there is no MIDI file of it.
    pub score: Option<&'a Score>,
    pub master: &'a Master,
    pub stems: &'a [StemSpec],
    pub tags: Tags,
    pub formats: &'a [Format],
    /// Names and contents.
    pub documents: Vec<(&'static str, Vec<u8>)>,
}

impl Album<'_> {
    /// Writes every file; answers with their paths.
    pub fn write(self, mut files: Files) -> Result<Vec<PathBuf>> {
        let folder = files.folder().to_owned();
        let unwritable = |name: &str| format!("{} cannot be written", folder.join(name).display());
        let create = |files: &mut Files, name: &str| -> Result<File> { files.create(name) };
        for format in self.formats {
            let name = format.file_name();
            match (format.encoding(), self.score) {
                (Some((_, encoding)), _) => {
                    let file = create(&mut files, name)?;
                    self.master.encode_to(file, encoding, &self.tags).with_context(|| unwritable(name))?;
                }
                (None, Some(score)) => {
                    let mut file = create(&mut files, name)?;
                    file.write_all(&music::smf::write(score)).with_context(|| unwritable(name))?;
                }
                (None, None) => {}
            }
        }
        for stem in 0..self.master.stems() {
            let Some(spec) = self.stems.get(stem) else { continue };
            let name = format!("stem-{}.flac", spec.name);
            let file = create(&mut files, &name)?;
            let title = self.tags.title.as_ref().map(|title| format!("{title} ({})", spec.name));
            let tags = Tags { title, cover_png: None, ..self.tags.clone() };
            let written = self.master.encode_stem_to(stem, file, Encoding::Flac, &tags);
            written.with_context(|| unwritable(&name))?;
        }
        for (name, bytes) in self.documents {
            create(&mut files, name)?.write_all(&bytes).with_context(|| unwritable(name))?;
        }
        files.commit()
    }
}

/// What is told of a song that was made.
pub struct Told<'a> {
    pub report: Value,
    pub warnings: &'a [String],
    /// What it is called, and what is to be said of it.
    pub title: &'a str,
    pub summary: String,
    pub folder: &'a Path,
    pub formats: &'a [Format],
    pub files: &'a [PathBuf],
    /// What there is to see of it: what it shows, and its file.
    pub picture: Option<(&'static str, &'static str)>,
}

impl Told<'_> {
    /// As JSON, or in words for people.
    pub fn print(&self, json: bool) -> Result<()> {
        let Self { report, warnings, title, summary, folder, formats, files, picture } = self;
        if json {
            let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
            let told = json!({ "success": true, "files": files, "warnings": warnings, "report": report });
            return Ok(output::line(told)?);
        }
        for warning in *warnings {
            output::line(format_args!("note: {warning}"))?;
        }
        output::line(format_args!("\n{title}\n{summary}"))?;
        let listen_to = formats.first().map_or("report.json", |format| format.file_name());
        output::path("Your song: ", &folder.join(listen_to))?;
        if let Some((shows, file)) = picture {
            output::path(shows, &folder.join(file))?;
        }
        Ok(())
    }
}
