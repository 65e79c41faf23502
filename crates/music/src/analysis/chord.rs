//! Chord symbols as analysis reads them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{key::Key, pitch::MidiPitch};

/// A chord: pitch class of its root (0 = C … 11 = B) and its kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ChordSymbol {
    pub root: u8,
    pub kind: ChordKind,
}

/// Kinds of chord that are told apart; named as MusicXML's `kind`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChordKind {
    Major,
    Minor,
    /// Root and fifth only: a power chord.
    Power,
    Dominant,
    MinorSeventh,
    MajorSeventh,
    Diminished,
    DiminishedSeventh,
    HalfDiminished,
    Augmented,
    SuspendedFourth,
    SuspendedSecond,
    MajorSixth,
    MinorSixth,
}

impl ChordKind {
    pub const ALL: [Self; 14] = [
        Self::Major,
        Self::Minor,
        Self::Power,
        Self::Dominant,
        Self::MinorSeventh,
        Self::MajorSeventh,
        Self::Diminished,
        Self::DiminishedSeventh,
        Self::HalfDiminished,
        Self::Augmented,
        Self::SuspendedFourth,
        Self::SuspendedSecond,
        Self::MajorSixth,
        Self::MinorSixth,
    ];

    /// Semitones above the root, rising.
    pub const fn intervals(self) -> &'static [u8] {
        match self {
            Self::Major => &[0, 4, 7],
            Self::Minor => &[0, 3, 7],
            Self::Power => &[0, 7],
            Self::Dominant => &[0, 4, 7, 10],
            Self::MinorSeventh => &[0, 3, 7, 10],
            Self::MajorSeventh => &[0, 4, 7, 11],
            Self::Diminished => &[0, 3, 6],
            Self::DiminishedSeventh => &[0, 3, 6, 9],
            Self::HalfDiminished => &[0, 3, 6, 10],
            Self::Augmented => &[0, 4, 8],
            Self::SuspendedFourth => &[0, 5, 7],
            Self::SuspendedSecond => &[0, 2, 7],
            Self::MajorSixth => &[0, 4, 7, 9],
            Self::MinorSixth => &[0, 3, 7, 9],
        }
    }

    /// What is written behind the root: `m7`, `5`, `sus4`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Major => "",
            Self::Minor => "m",
            Self::Power => "5",
            Self::Dominant => "7",
            Self::MinorSeventh => "m7",
            Self::MajorSeventh => "maj7",
            Self::Diminished => "dim",
            Self::DiminishedSeventh => "dim7",
            Self::HalfDiminished => "m7b5",
            Self::Augmented => "aug",
            Self::SuspendedFourth => "sus4",
            Self::SuspendedSecond => "sus2",
            Self::MajorSixth => "6",
            Self::MinorSixth => "m6",
        }
    }

    /// Whether its third is minor; `None` without a third.
    pub fn is_minor(self) -> Option<bool> {
        let intervals = self.intervals();
        if intervals.contains(&3) { Some(true) } else { intervals.contains(&4).then_some(false) }
    }
}

impl ChordSymbol {
    /// Pitch classes that it consists of, from its root up.
    pub fn classes(self) -> impl Iterator<Item = u8> {
        self.kind.intervals().iter().map(move |interval| (self.root % 12 + interval) % 12)
    }

    pub fn has(self, class: u8) -> bool {
        self.kind.intervals().contains(&((class % 12 + 12 - self.root % 12) % 12))
    }

    /// The same chord some semitones higher or lower.
    pub fn transposed(self, semitones: i32) -> Self {
        Self { root: (i32::from(self.root) + semitones).rem_euclid(12) as u8, ..self }
    }

    /// As it is written: `G`, `Em7`, `D5`; spelled as in the key.
    pub fn name_in(self, key: &Key) -> String {
        // Any octave does: its digit is cut off.
        let root = MidiPitch::new(60 + self.root % 12).name_in(key);
        format!("{}{}", root.trim_end_matches(|c: char| c.is_ascii_digit()), self.kind.suffix())
    }
}

impl fmt::Display for ChordSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ROOTS: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
        write!(f, "{}{}", ROOTS[usize::from(self.root % 12)], self.kind.suffix())
    }
}
