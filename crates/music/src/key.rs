//! Musical keys.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Major or minor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Major,
    Minor,
}

/// A key: tonic pitch class (0 = C … 11 = B), mode, and how sure the estimate is (0–1).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Key {
    pub tonic: u8,
    pub mode: Mode,
    pub confidence: f64,
}

impl Key {
    /// Number of sharps (positive) or flats (negative) in its signature, −6 to 6, spelled as it is displayed.
    pub fn sharps(&self) -> i8 {
        const MAJOR: [i8; 12] = [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5];
        const MINOR: [i8; 12] = [-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2];
        let tonic = usize::from(self.tonic % 12);
        match self.mode {
            Mode::Major => MAJOR[tonic],
            Mode::Minor => MINOR[tonic],
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAJOR: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
        const MINOR: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
        let tonic = usize::from(self.tonic % 12);
        match self.mode {
            Mode::Major => write!(f, "{} major", MAJOR[tonic]),
            Mode::Minor => write!(f, "{} minor", MINOR[tonic]),
        }
    }
}
