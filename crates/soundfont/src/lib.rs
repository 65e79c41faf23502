//! Sound fonts (SoundFont 2 and SF3), small built-in instruments, and songs and accompaniments played with them.
//!
//! The only user of `rustysynth`. Reads fonts that the user has installed and writes nothing but temporary files. What a
//! file says about its own sizes is checked before it is believed, only what a song needs of it is read, and what it makes
//! of the synthesizer ends in an error. All functions block and use the processor.

mod built_in;
mod choose;
mod effects;
mod error;
mod font;
mod limits;
mod playing;
mod render;
mod sequence;
mod song;
mod stems;
#[cfg(test)]
mod test_scores;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use music::harmony::Part;

use self::font::Font;
pub use self::{
    built_in::built_in_bytes,
    effects::StemMix,
    error::{FontError, RenderError},
    font::{FontInfo, PresetId},
    playing::{PLAYED_FRAMES, Playing},
    render::{BLOCK_FRAMES, Event, Message, Renderer, RustySynth, Session, StemEvents, StemPlayer},
    sequence::{MOST_PARTS, check},
    song::{MOST_TAIL_SECONDS, RenderReport, RenderSettings, Song, render},
    stems::StemSpec,
};

/// Sound that one song may take from a font, in bytes: it is held in memory. Real songs take 3 to 30 MB of a large font.
pub const MOST_SAMPLE_BYTES: u64 = 256 << 20;
/// Longest rendering, in seconds.
pub const MOST_SECONDS: f64 = 1_800.0;

/// The instruments of one font. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Instruments {
    font: Arc<Font>,
}

impl Instruments {
    /// The font that is configured, else the best one of the system, else the built-in one. Fonts of the system that cannot
    /// be read are passed over.
    ///
    /// # Errors
    /// Only for a configured font: it is meant to be used, so nothing else takes its place.
    pub fn find(configured: Option<&Path>) -> Result<Self, FontError> {
        if let Some(path) = configured {
            return Self::load(path);
        }
        match choose::system_fonts().into_iter().find_map(|path| Self::load(&path).ok()) {
            Some(found) => Ok(found),
            None => Self::built_in(),
        }
    }

    /// Opens a SoundFont 2 or SF3 file: reads its tables and leaves its sound where it is. The file stays open.
    ///
    /// # Errors
    /// When it cannot be read, or is no SoundFont that can be played.
    pub fn load(path: &Path) -> Result<Self, FontError> {
        Ok(Self { font: Arc::new(Font::open(path)?) })
    }

    /// Takes a SoundFont file that is in memory; `name` is for messages.
    ///
    /// # Errors
    /// When it is no SoundFont that can be played.
    pub fn from_bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Result<Self, FontError> {
        Ok(Self { font: Arc::new(Font::from_bytes(name, bytes.into())?) })
    }

    /// The instruments that need no file. Computed once for a process, in about a tenth of a second.
    ///
    /// # Errors
    /// Never, as tests see to.
    pub fn built_in() -> Result<Self, FontError> {
        static FONT: OnceLock<Instruments> = OnceLock::new();
        if let Some(found) = FONT.get() {
            return Ok(found.clone());
        }
        let made = Self::from_bytes("built-in", built_in_bytes())?;
        Ok(FONT.get_or_init(|| made).clone())
    }

    /// File name of the font, or `built-in`.
    pub fn name(&self) -> &str {
        &self.font.info().file_name
    }

    /// What the font says of itself.
    pub fn info(&self) -> &FontInfo {
        self.font.info()
    }

    /// SHA-256 of the whole font, in hexadecimal: two builds of a font may say the same of themselves. The first call reads
    /// the file, in some tenths of a second for the largest.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256(&self) -> Result<&str, FontError> {
        self.font.sha256()
    }

    pub(crate) fn font(&self) -> &Font {
        &self.font
    }

    /// Plays parts from 0 s on, block by block: interleaved stereo, `seconds` long in all, what still sounds then is faded
    /// out. The level is that of the font; it may pass full scale.
    ///
    /// # Errors
    /// [`FontError::Rendering`] when that long or that rate is not possible, and when the font's samples cannot be read.
    pub fn play(&self, parts: &[Part], seconds: f64, sample_rate_hz: u32) -> Result<Playing, FontError> {
        Playing::begin(self, parts, seconds, sample_rate_hz)
    }
}
