//! What a part of the band is there for, and notes before they are performed.

use serde::{Deserialize, Serialize};

/// A part of the band.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The tune, one note at a time.
    Melody,
    /// Chords in the rhythm of the style: strums, stabs, broken chords, a montuno.
    Comping,
    /// Held chords.
    Pad,
    Bass,
    Drums,
}

impl Role {
    pub const COUNT: usize = 5;
    pub const ALL: [Self; Self::COUNT] = [Self::Melody, Self::Comping, Self::Pad, Self::Bass, Self::Drums];

    pub const fn index(self) -> usize {
        self as usize
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Melody => "melody",
            Self::Comping => "comping",
            Self::Pad => "pad",
            Self::Bass => "bass",
            Self::Drums => "drums",
        }
    }
}

/// Ticks of a quarter note, in the score and everywhere before it. Sixteenths and triplets are whole numbers of it.
pub const TICKS_PER_QUARTER: u32 = 480;

/// A note as it is written: in straight time, before swing and human timing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineNote {
    /// Ticks from the start of the song, [`TICKS_PER_QUARTER`] to a quarter.
    pub onset: u32,
    /// At least 1.
    pub duration: u32,
    /// MIDI key; of drums, the General MIDI drum.
    pub pitch: u8,
    pub velocity: u8,
}

impl LineNote {
    pub const fn end(&self) -> u32 {
        self.onset + self.duration
    }
}
