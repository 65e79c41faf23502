//! What is blended, role by role.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a line of the blend is there for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Melody,
    CounterMelody,
    /// What accompanies in rhythm: struck or broken chords, riffs, pads.
    Chords,
    Bass,
    Drums,
}

impl Role {
    pub const COUNT: usize = 5;
    pub const ALL: [Self; Self::COUNT] = [Self::Melody, Self::CounterMelody, Self::Chords, Self::Bass, Self::Drums];

    /// Place in [`Role::ALL`] and in every list per role.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `melody`, `counter-melody`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Melody => "melody",
            Self::CounterMelody => "counter-melody",
            Self::Chords => "chords",
            Self::Bass => "bass",
            Self::Drums => "drums",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A note of one role. Of drums, `pitch` is the General MIDI drum.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct LineNote {
    /// In quarters, from the start of its bar (in material) or of the piece (in what was realised).
    pub onset: f64,
    /// In quarters, above 0.
    pub length: f64,
    /// MIDI key; may lie outside 0–127 until a line was fitted.
    pub pitch: i32,
    /// 1–127.
    pub velocity: u8,
}

impl LineNote {
    pub fn end(&self) -> f64 {
        self.onset + self.length
    }

    /// Pitch class, 0 = C … 11 = B.
    pub fn class(&self) -> usize {
        self.pitch.rem_euclid(12) as usize
    }
}
