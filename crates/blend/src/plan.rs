//! The plan of a blend: which bar of which song plays what where. It is the provenance: nothing is inferred afterwards.

use music::analysis::ChordSymbol;
use serde::Serialize;

use crate::{form::Section, material::Material, role::Role, target::Target};

/// A whole plan. Lists per bar have as many entries as [`Plan::bars`].
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plan {
    pub target: Target,
    pub sections: Vec<Section>,
    /// Per bar: where its chords are from.
    pub harmony: Vec<Cell>,
    /// [`Target::slots`] for each bar.
    pub chords: Vec<ChordSymbol>,
    /// Per role, in the order of [`Role::ALL`], and bar: what plays there; `None` where the role is silent.
    pub cells: [Vec<Option<Cell>>; Role::COUNT],
    /// Per letter of the form: whose tune it has, and whose chords.
    pub letters: Vec<LetterPlan>,
    /// What it costs to change an interval of a line for the chords' sake.
    #[serde(skip)]
    pub stiffness: f64,
    /// Mean cost of the choices; only to compare plans for the same songs.
    pub cost: f64,
}

/// What a role plays in a bar.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Cell {
    /// Index of the song; `None` for what was made for the blend.
    pub song: Option<usize>,
    /// First bar of the song that it is made of, from 0, and how many there are.
    pub source_bar: usize,
    pub source_bars: u8,
    pub kind: Kind,
    /// Semitones by which the bar was moved into the key of the blend, before its notes were fitted to the chords.
    pub shift: i32,
    /// Octaves by which it was moved into the register of its role.
    pub octave: i32,
    /// The bar whose contour a tune follows, if it has only its rhythm from `source_bar`.
    pub contour: Option<Contour>,
    /// Index of the bar in the song's [`Material`].
    #[serde(skip)]
    pub at: usize,
}

/// A bar whose rising and falling is borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Contour {
    pub song: usize,
    pub source_bar: usize,
}

/// Notes of the melody before the bar line, in the bar of another section, that lead into a phrase.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Pickup {
    /// In quarters from the start of the piece: first onset, and the bar line.
    pub from: f64,
    pub to: f64,
    pub song: usize,
    /// The bar of the song that it is from.
    pub source_bar: usize,
}

impl Pickup {
    pub fn has(&self, note: &crate::role::LineNote) -> bool {
        (self.from - 1e-6..self.to - 1e-6).contains(&note.onset)
    }
}

/// How a cell came to be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The source bar, moved and fitted to the chords.
    Source,
    /// The same, ornamented.
    Varied,
    /// The second half is a drum fill from another bar of the song.
    Fill,
    /// The last chord was replaced by one that leads to the next section.
    Bridge,
    /// Part of the closing cadence.
    Cadence,
    /// From no song.
    Made,
}

/// What a letter of the form consists of.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LetterPlan {
    pub letter: char,
    /// Songs; `None` where none could give it.
    pub melody: Option<usize>,
    pub harmony: Option<usize>,
    /// First source bars of the phrases of its tune.
    pub phrases: Vec<usize>,
}

impl Cell {
    /// A bar of a song's material as it is.
    pub fn of(materials: &[Material; 3], song: usize, at: usize, shift: i32) -> Self {
        let bar = &materials[song].bars[at];
        Self {
            song: Some(song),
            source_bar: bar.source_bar,
            source_bars: bar.source_bars,
            kind: Kind::Source,
            shift,
            octave: 0,
            contour: None,
            at,
        }
    }

    pub const fn made(kind: Kind) -> Self {
        Self { song: None, source_bar: 0, source_bars: 0, kind, shift: 0, octave: 0, contour: None, at: 0 }
    }
}

impl Plan {
    /// Length in bars.
    pub fn bars(&self) -> usize {
        self.harmony.len()
    }

    pub fn cell(&self, role: Role, bar: usize) -> Option<&Cell> {
        self.cells[role.index()].get(bar)?.as_ref()
    }

    /// Chord at a moment, in quarters from the start; the first or last one outside.
    pub fn chord_at(&self, quarters: f64) -> ChordSymbol {
        let slot = self.target.slot_at(quarters).min(self.chords.len().saturating_sub(1));
        self.chords.get(slot).copied().unwrap_or_else(|| crate::tonal::tonic_chord(&self.target.key))
    }

    /// First bar of the held end.
    pub fn hold_bar(&self) -> usize {
        self.bars().saturating_sub(if self.bars() > 8 { 2 } else { 1 })
    }
}
