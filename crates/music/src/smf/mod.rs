//! Standard MIDI files in and out, for whole songs.
//!
//! [`read`] takes what is in the wild: formats 0, 1 and 2, RMID, SMPTE time, lengths that lie, running status where none
//! may be, names in old encodings. What it had to guess or leave out is a [`Warning`] each. Everything that a file dictates
//! has a bound ([`Limits`]), and every note ends. [`write`] saves a score so that it is read back as it was.
//!
//! The format is that of the MIDI Association's *Standard MIDI Files 1.0* (RP-001), with lyrics as RP-017 and the
//! language tags of RP-026 say.

mod assemble;
mod channels;
mod chunks;
mod conductor;
mod events;
mod notes;
mod sniff;
mod text;
mod warnings;
mod words;
mod write;

use thiserror::Error;

pub use write::write;

use crate::score::Score;

/// How much of a file is taken. What lies beyond is left out with a warning, except bytes: a larger file is refused.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// Size of the file.
    pub bytes: usize,
    /// Length of the song, in seconds.
    pub seconds: f64,
    /// How long a note sounds at most that nothing ends, and how much silence may follow the last note, in seconds.
    pub tail_seconds: f64,
    /// Notes of all tracks together.
    pub notes: usize,
    /// Events of all tracks together, notes' starts and ends among them.
    pub events: usize,
    pub tracks: u16,
    /// Bytes of all names, lyrics and markers together, as they are in the file.
    pub text_bytes: usize,
    /// Warnings that are kept; one more says how many there were.
    pub warnings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            seconds: 3_600.0,
            tail_seconds: 10.0,
            notes: 200_000,
            events: 1_000_000,
            tracks: 1_024,
            text_bytes: 256 << 10,
            warnings: 100,
        }
    }
}

/// A score, and what the reader had to guess or leave out for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Read {
    pub score: Score,
    pub warnings: Vec<Warning>,
}

/// Something wrong with a file that did not keep the rest from being read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// From 0; none where it is not about one track.
    pub track: Option<u16>,
    /// From the start of the file.
    pub byte_offset: usize,
    /// A plain sentence.
    pub what: String,
}

/// Why there is no song in a file.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SmfError {
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes, and {limit} are allowed")]
    TooLarge { bytes: usize, limit: usize },
    /// Carries what the file is, with its article, or what is known of it.
    #[error("this is not a MIDI file but {0}")]
    NotMidi(&'static str),
    #[error("the MIDI file ends within its header")]
    HeaderCutOff,
    #[error("the MIDI file does not say how long a tick is (its division is 0)")]
    NoTimeBase,
    #[error("the MIDI file has no tracks")]
    NoTracks,
    #[error("the MIDI file has no notes")]
    NoNotes,
}

/// Reads a Standard MIDI File, or one in a RIFF wrapper, whatever its name.
///
/// # Errors
///
/// Only where there is no song: not a MIDI file (with what it is instead), larger than allowed, without a time base,
/// tracks or notes. Everything else is read as far as it can be, with warnings.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Read, SmfError> {
    let mut warnings = warnings::Warnings::new(limits.warnings);
    let file = chunks::open(bytes, limits, &mut warnings)?;
    let tracks = events::parse(&file, limits, &mut warnings);
    let score = assemble::assemble(&file, &tracks, limits, &mut warnings)?;
    Ok(Read { score, warnings: warnings.finish() })
}
