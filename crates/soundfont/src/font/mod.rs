//! A sound font as it lies in its file: opened by reading its tables only, and made ready for one song at a time.

mod exclusive;
mod generator;
mod info;
mod riff;
mod samples;
mod source;
mod substitute;
mod tables;
mod trim;
mod vorbis;
mod write;

use std::{
    fmt,
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, OnceLock},
};

use rustysynth::SoundFont;

pub use self::{info::FontInfo, tables::PresetId};
pub(crate) use self::{info::is_unfit, trim::Used};
use self::{
    riff::{Extent, Flaw},
    samples::Samples,
    source::Source,
    tables::Tables,
};
use crate::{FontError, MOST_SAMPLE_BYTES};

/// Bank of the drum kits.
pub(crate) const DRUM_BANK: u16 = 128;
/// More modulators by velocity than this, and a font lives from them.
const MANY_MODULATORS: usize = 100;

/// A font that was opened: its tables are in memory and hold together, its sound is not read.
pub(crate) struct Font {
    source: Source,
    samples: Extent,
    tables: Tables,
    info: FontInfo,
    /// Of the whole file, once it was asked for.
    sha256: OnceLock<String>,
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Font").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Font {
    /// # Errors
    /// When the file cannot be read or is no font that can be played.
    pub(crate) fn open(path: &Path) -> Result<Self, FontError> {
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let read = |source| FontError::Read { path: path.to_owned(), source };
        let source = Source::file(File::open(path).map_err(read)?).map_err(read)?;
        Self::new(&name, source).map_err(|flaw| error(&name, flaw))
    }

    /// # Errors
    /// When the bytes are no font that can be played.
    pub(crate) fn from_bytes(name: &str, bytes: Arc<[u8]>) -> Result<Self, FontError> {
        Self::new(name, Source::Memory(bytes)).map_err(|flaw| error(name, flaw))
    }

    fn new(name: &str, source: Source) -> Result<Self, Flaw> {
        let layout = riff::layout(&source)?;
        let tables = tables::read(&layout.tables)?;
        let mut warnings = Vec::new();
        if tables.velocity_modulators > MANY_MODULATORS {
            warnings.push(format!(
                "{name} shapes its sound by modulators, which the renderer does not know: soft notes will be too soft and \
                 dull; FluidR3 is a font without this"
            ));
        }
        if tables.zones_left_out > 0 {
            warnings.push(format!("{} zones of {name} name something that it does not have", tables.zones_left_out));
        }
        let is_compressed = tables.samples.iter().any(|sample| sample.is_compressed);
        let mut first = [0; 4];
        if !is_compressed && layout.samples.length >= 4 {
            source.read_at(layout.samples.at, &mut first)?;
            if &first == b"OggS" {
                return Err(
                    "it is compressed, but not as SF3 is: convert it to .sf2 with the program it came with".into()
                );
            }
        }
        let info = FontInfo::new(name, &layout.info, is_compressed, warnings);
        Ok(Self { source, samples: layout.samples, tables, info, sha256: OnceLock::new() })
    }

    pub(crate) const fn info(&self) -> &FontInfo {
        &self.info
    }

    /// SHA-256 of the whole file, in hexadecimal. Read when it is first asked for.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn sha256(&self) -> Result<&str, FontError> {
        if let Some(known) = self.sha256.get() {
            return Ok(known);
        }
        let read = self.source.sha256().map_err(|source| error(&self.info.file_name, Flaw::Read(source)))?;
        Ok(self.sha256.get_or_init(|| read))
    }

    /// Name of a preset.
    pub(crate) fn preset_name(&self, id: PresetId) -> &str {
        self.tables.presets.get(&id).map_or("", |preset| &preset.name)
    }

    /// The preset that plays a program: itself, its bank's plain one, or the nearest of its kind. `None` where the font has
    /// no drums, or nothing but drums.
    pub(crate) fn resolve(&self, is_drums: bool, bank: u8, program: u8) -> Option<PresetId> {
        let has = |bank: u16, program: u8| {
            let id = PresetId { bank, program: program.into() };
            self.tables.presets.contains_key(&id).then_some(id)
        };
        if is_drums {
            // Kits come in groups of eight, the plain one first (Roland GS).
            let near = [program, program & !7, 0].into_iter().find_map(|program| has(DRUM_BANK, program));
            return near.or_else(|| self.tables.presets.keys().find(|id| id.bank == DRUM_BANK).copied());
        }
        has(bank.into(), program)
            .or_else(|| has(0, program))
            .or_else(|| substitute::programs(program).find_map(|program| has(0, program)))
            .or_else(|| self.tables.presets.keys().find(|id| id.bank < DRUM_BANK).copied())
    }

    /// The key that plays a drum: itself, or the nearest that the kit has; itself also where it has nothing like it.
    pub(crate) fn drum_key(&self, kit: PresetId, key: u8) -> u8 {
        let sounds = |key: u8| {
            let preset = self.tables.presets.get(&kit);
            preset.is_some_and(|preset| {
                preset.zones.iter().any(|zone| {
                    let instrument = &self.tables.instruments[usize::from(zone.target)];
                    (zone.keys.0..=zone.keys.1).contains(&key)
                        && instrument.iter().any(|zone| (zone.keys.0..=zone.keys.1).contains(&key))
                })
            })
        };
        if sounds(key) { key } else { substitute::drums(key).iter().copied().find(|key| sounds(*key)).unwrap_or(key) }
    }

    /// Reads what some notes need, and makes it ready to play at a rate: samples that nothing can step out of, classes of
    /// which both sides of a stereo sound are heard, compressed samples decoded. `None` where nothing is left to play.
    ///
    /// # Errors
    /// When the samples cannot be read or decoded, or need more than [`MOST_SAMPLE_BYTES`].
    pub(crate) fn prepare(&self, used: &Used, sample_rate_hz: u32) -> Result<Option<Prepared>, FontError> {
        self.prepared(used, sample_rate_hz).map_err(|flaw| error(&self.info.file_name, flaw))
    }

    fn prepared(&self, used: &Used, sample_rate_hz: u32) -> Result<Option<Prepared>, Flaw> {
        let mut samples = Samples::new(&self.source, self.samples);
        let mut selection = trim::select(&self.tables, used, sample_rate_hz, &mut samples)?;
        if selection.presets.is_empty() || samples.headers().is_empty() {
            return Ok(None);
        }
        exclusive::split(&mut selection.presets, &mut selection.instruments);
        let bytes = samples.bytes();
        let mut reader = write::reader(&selection, samples)?;
        // Whatever the checks above let through must not end the process.
        let loaded = catch_unwind(AssertUnwindSafe(|| SoundFont::new(&mut reader)));
        let font = loaded
            .map_err(|_| Flaw::from("the synthesizer fails on it"))?
            .map_err(|error| Flaw::Broken(error.to_string()))?;
        Ok(Some(Prepared { font: Arc::new(font), sample_bytes: bytes, unplayable_zones: selection.unplayable }))
    }
}

/// A font that holds what one song needs.
pub(crate) struct Prepared {
    pub(crate) font: Arc<SoundFont>,
    pub(crate) sample_bytes: u64,
    /// Zones that were left out because their samples cannot be played.
    pub(crate) unplayable_zones: usize,
}

fn error(name: &str, flaw: Flaw) -> FontError {
    let name = name.to_owned();
    match flaw {
        Flaw::Read(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            FontError::Broken { name, reason: "it is cut off".to_owned() }
        }
        Flaw::Read(source) => FontError::Read { path: name.into(), source },
        Flaw::Broken(reason) => FontError::Broken { name, reason },
        Flaw::TooLarge => FontError::TooLarge { name, most_mib: MOST_SAMPLE_BYTES >> 20 },
    }
}
