//! How beats are grouped, and where they are.

use serde::{Deserialize, Serialize};

/// How beats are grouped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Meter {
    #[default]
    #[serde(rename = "4/4")]
    FourFour,
    #[serde(rename = "3/4")]
    ThreeFour,
    #[serde(rename = "6/8")]
    SixEight,
}

impl Meter {
    pub const ALL: [Self; 3] = [Self::FourFour, Self::ThreeFour, Self::SixEight];

    pub const fn quarters_per_bar(self) -> u32 {
        match self {
            Self::FourFour => 4,
            Self::ThreeFour | Self::SixEight => 3,
        }
    }

    /// Upper and lower number of the time signature.
    pub const fn signature(self) -> (u8, u8) {
        match self {
            Self::FourFour => (4, 4),
            Self::ThreeFour => (3, 4),
            Self::SixEight => (6, 8),
        }
    }

    /// Expected accents of the eighths of a bar, 0 to 1 (after F. Lerdahl and R. Jackendoff, "A Generative Theory of
    /// Tonal Music", 1983: the more levels of the metrical grid coincide, the stronger).
    pub(crate) const fn accents(self) -> &'static [f64] {
        match self {
            Self::FourFour => &[1.0, 0.05, 0.4, 0.05, 0.9, 0.05, 0.4, 0.05],
            Self::ThreeFour => &[1.0, 0.05, 0.45, 0.05, 0.45, 0.05],
            Self::SixEight => &[1.0, 0.05, 0.2, 0.75, 0.05, 0.2],
        }
    }
}

impl std::fmt::Display for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (upper, lower) = self.signature();
        write!(f, "{upper}/{lower}")
    }
}

/// Where the beats and the bars of a melody are.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Rhythm {
    /// Moments of the quarter beats from about the first onset to the last note's end, rising; empty when not known.
    pub beats_seconds: Vec<f64>,
    /// The beat that begins the first whole bar: an index below the quarters of a bar.
    pub downbeat: usize,
    pub meter: Meter,
    /// 0–1: lead of the meter over the next one.
    pub meter_confidence: f64,
    /// 0–1: how well the onsets keep to the tempo.
    pub tempo_confidence: f64,
}

impl Rhythm {
    /// Tempo and bars are to be believed: chords may follow the bars, not only the notes.
    pub fn is_steady(&self) -> bool {
        self.beats_seconds.len() >= 4 && self.tempo_confidence >= 0.5
    }
}
