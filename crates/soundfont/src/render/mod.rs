//! The face of a synthesizer: what it is sent, and what it answers with.

mod rusty;

pub use rusty::RustySynth;

use crate::{FontError, Instruments, PresetId};

/// Frames that are played at once; what happens, happens at the nearest beginning of a block (0.36 ms at 44.1 kHz).
pub const BLOCK_FRAMES: usize = 32;

/// A message to one line of a stem. Values are within the ranges of MIDI, and ranges and tuning within what
/// [`Sequence`](crate::sequence) allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    Preset(PresetId),
    /// A key that is already down was let go before.
    NoteOn {
        key: u8,
        velocity: u8,
    },
    /// No pedal holds it: pedals were seen to.
    NoteOff {
        key: u8,
    },
    /// Modulation, volume, pan or expression.
    Controller {
        number: u8,
        value: u8,
    },
    /// −8192 to 8191.
    PitchBend(i16),
    BendRange {
        semitones: u8,
        cents: u8,
    },
    /// 14 bits, a semitone up or down around 8192.
    FineTune(u16),
    /// Semitones.
    CoarseTune(i8),
    /// Silence at once.
    SoundOff,
}

/// A message and when it is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    pub block: u64,
    /// Of the stem, from 0.
    pub line: u16,
    pub message: Message,
}

/// What a stem plays.
#[derive(Clone, Copy, Debug)]
pub struct StemEvents<'a> {
    /// In order of blocks.
    pub events: &'a [Event],
    /// Whether each line plays drums.
    pub lines: &'a [bool],
}

/// Makes sound of stems.
pub trait Renderer: Send + Sync {
    /// Name and version, for reports.
    fn name(&self) -> String;

    /// The instruments that it plays: what presets there are.
    fn instruments(&self) -> &Instruments;

    /// A synthesizer for each stem, made ready for what it will be sent, and what may be heard of the font's faults.
    ///
    /// # Errors
    /// When the font cannot be played.
    fn begin(&self, stems: &[StemEvents<'_>], sample_rate_hz: u32) -> Result<Session, FontError>;
}

/// The synthesizers of a song.
pub struct Session {
    /// One for each stem.
    pub stems: Vec<Box<dyn StemPlayer>>,
    pub warnings: Vec<String>,
    /// What they hold of the font, in bytes.
    pub sample_bytes: u64,
}

/// The synthesizer of one stem.
pub trait StemPlayer: Send {
    /// Takes what happens at the beginning of the next block.
    ///
    /// # Errors
    /// When the synthesizer fails.
    fn send(&mut self, line: u16, message: Message) -> Result<(), FontError>;

    /// Plays the next block: [`BLOCK_FRAMES`] of each side. The level may pass full scale; every sample is finite.
    ///
    /// # Errors
    /// When the synthesizer fails.
    fn play(&mut self, left: &mut [f32; BLOCK_FRAMES], right: &mut [f32; BLOCK_FRAMES]) -> Result<(), FontError>;
}
