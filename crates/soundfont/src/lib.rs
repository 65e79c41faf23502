//! Instruments from SoundFont 2 files, and small built-in ones, that play the parts of an accompaniment.
//!
//! The only user of `rustysynth`. Reads fonts that the user has installed and writes nothing. What a file says about its
//! own sizes is checked before it is believed. All functions block and use the processor.

mod built_in;
mod find;
mod render;
mod riff;

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use music::harmony::Part;
use rustysynth::SoundFont;

pub use built_in::built_in_bytes;
pub use render::{BLOCK_FRAMES, Playing};

/// Larger fonts are refused: they are held in memory as a whole.
pub const MOST_BYTES: u64 = 512 << 20;
/// Longest rendering, in seconds.
pub const MOST_SECONDS: f64 = 1_800.0;

/// Why a font cannot be used, or nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    #[error("cannot read the sound font {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the sound font {name} is larger than {} MiB; use a smaller one", MOST_BYTES >> 20)]
    TooLarge { name: String },
    #[error("{name} is no SoundFont 2 file that can be played: {reason}; use an uncompressed .sf2")]
    Broken { name: String, reason: String },
    #[error(
        "cannot play {seconds} s at {sample_rate_hz} Hz: up to {MOST_SECONDS} s at 16000 to 192000 Hz are possible"
    )]
    Rendering { seconds: f64, sample_rate_hz: u32 },
}

/// The instruments of one font. Cheap to clone.
#[derive(Clone)]
pub struct Instruments {
    font: Arc<SoundFont>,
    name: String,
}

impl std::fmt::Debug for Instruments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instruments").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Instruments {
    /// The font that is configured, else one of the system, else the built-in one. Fonts of the system that cannot be
    /// read are passed over.
    ///
    /// # Errors
    /// Only for a configured font: it is meant to be used, so nothing else takes its place.
    pub fn find(configured: Option<&Path>) -> Result<Self, FontError> {
        if let Some(path) = configured {
            return Self::load(path);
        }
        match find::system_fonts().into_iter().find_map(|path| Self::load(&path).ok()) {
            Some(found) => Ok(found),
            None => Self::built_in(),
        }
    }

    /// Reads a SoundFont 2 file.
    ///
    /// # Errors
    /// When it cannot be read, is larger than [`MOST_BYTES`], or is no SoundFont that can be played.
    pub fn load(path: &Path) -> Result<Self, FontError> {
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let read = |source| FontError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        fs::File::open(path).map_err(read)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(FontError::TooLarge { name });
        }
        Self::from_bytes(&name, &bytes)
    }

    /// Reads a SoundFont 2 file that is in memory; `name` is for messages.
    ///
    /// # Errors
    /// When it is no SoundFont that can be played.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, FontError> {
        let broken = |reason: String| FontError::Broken { name: name.to_owned(), reason };
        riff::check(bytes).map_err(|reason| broken(reason.to_owned()))?;
        let font = SoundFont::new(&mut &bytes[..]).map_err(|error| broken(error.to_string()))?;
        if font.get_presets().is_empty() {
            return Err(broken("it has no instruments".to_owned()));
        }
        Ok(Self { font: Arc::new(font), name: name.to_owned() })
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
        let made = Self::from_bytes("built-in", &built_in_bytes())?;
        Ok(FONT.get_or_init(|| made).clone())
    }

    /// File name of the font, or `built-in`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Plays parts from 0 s on, block by block: interleaved stereo, `seconds` long in all, what still sounds then is faded
    /// out. The level is that of the font; it may pass full scale.
    ///
    /// # Errors
    /// [`FontError::Rendering`] when that long or that rate is not possible.
    pub fn play(&self, parts: &[Part], seconds: f64, sample_rate_hz: u32) -> Result<Playing, FontError> {
        Playing::begin(&self.font, parts, seconds, sample_rate_hz)
    }
}
