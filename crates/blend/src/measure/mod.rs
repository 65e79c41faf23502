//! Is it music, and is it a blend? Measures of what was realised, and the gates that a blend has to pass.
//!
//! The gates are those that told blends from two cheap ways to put three songs together (one after another, and bar by
//! bar at random) when they were tried; figures in `docs/benchmarks.md`. The same code measures all three.

mod consonance;
mod form;
mod hygiene;
mod mixing;
mod motif;
mod provenance;
mod rhythm;

use music::{Score, analysis::ChordSymbol};
use serde::Serialize;

pub use motif::motif_share;

use crate::{
    blocks::Shelf,
    form::Section,
    material::Material,
    options::{Length, Options},
    plan::{Cell, Plan},
    realise::Realised,
    role::{LineNote, Role},
    target::Target,
};

/// What is measured: notes in straight eighths, and where they are claimed to be from.
#[derive(Clone, Copy, Debug)]
pub struct Arrangement<'a> {
    pub target: &'a Target,
    pub lines: &'a [Vec<LineNote>; Role::COUNT],
    pub cells: &'a [Vec<Option<Cell>>; Role::COUNT],
    /// [`Target::slots`] for each bar.
    pub chords: &'a [ChordSymbol],
    /// May be empty: then windows of 8 bars stand for sections.
    pub sections: &'a [Section],
    /// Semitones at the joints of the melody.
    pub seams: &'a [i32],
}

impl<'a> Arrangement<'a> {
    pub fn of(plan: &'a Plan, realised: &'a Realised) -> Self {
        Self {
            target: &plan.target,
            lines: &realised.lines,
            cells: &plan.cells,
            chords: &plan.chords,
            sections: &plan.sections,
            seams: &realised.seams,
        }
    }

    fn bars(&self) -> usize {
        self.cells[0].len()
    }

    fn line(&self, role: Role) -> &'a [LineNote] {
        &self.lines[role.index()]
    }

    /// Notes of all roles but drums.
    fn pitched(&self) -> impl Iterator<Item = (Role, &'a LineNote)> {
        let roles = Role::ALL.into_iter().filter(|role| *role != Role::Drums);
        let lines = self.lines;
        roles.flat_map(move |role| lines[role.index()].iter().map(move |note| (role, note)))
    }

    fn chord_at(&self, quarters: f64) -> Option<ChordSymbol> {
        self.chords.get(self.target.slot_at(quarters).min(self.chords.len().checked_sub(1)?)).copied()
    }

    fn bar_of(&self, note: &LineNote) -> usize {
        (((note.onset + 0.03) / self.target.bar()) as usize).min(self.bars().saturating_sub(1))
    }

    /// A role's notes that begin in a bar, with onsets from its start.
    fn notes_in(&self, role: Role, bar: usize) -> Vec<LineNote> {
        let start = bar as f64 * self.target.bar();
        let inside = start - 0.03..start + self.target.bar() - 0.03;
        let notes = self.line(role).iter().filter(|note| inside.contains(&note.onset));
        notes.map(|note| LineNote { onset: (note.onset - start).max(0.0), ..*note }).collect()
    }
}

/// What a gate is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateName {
    KeyUnity,
    PlanObeyed,
    Consonance,
    Provenance,
    Mixed,
    Shares,
    Groove,
    Variety,
    Return,
    Ending,
    Clean,
    Length,
}

impl GateName {
    pub const ALL: [Self; 12] = [
        Self::KeyUnity,
        Self::PlanObeyed,
        Self::Consonance,
        Self::Provenance,
        Self::Mixed,
        Self::Shares,
        Self::Groove,
        Self::Variety,
        Self::Return,
        Self::Ending,
        Self::Clean,
        Self::Length,
    ];

    /// What is true when it is passed.
    pub const fn says(self) -> &'static str {
        match self {
            Self::KeyUnity => "one key from beginning to end",
            Self::PlanObeyed => "notes belong to the key or to the planned chord",
            Self::Consonance => "the melody agrees with what sounds under it",
            Self::Provenance => "bars are nearest to the song that they are said to be from",
            Self::Mixed => "songs sound together, not in turn",
            Self::Shares => "every song has its share",
            Self::Groove => "bars of a section have one groove",
            Self::Variety => "as many different pitches as the songs have",
            Self::Return => "the theme comes back, and the middle differs from it",
            Self::Ending => "it ends on the held tonic",
            Self::Clean => "no collisions, holes, crossings or wild leaps",
            Self::Length => "it is as long as asked, within one bar",
        }
    }
}

/// A figure and what it has to be.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub least: Option<f64>,
    pub most: Option<f64>,
}

impl Figure {
    fn new(name: &'static str, value: f64) -> Self {
        Self { name, value, least: None, most: None }
    }

    fn least(name: &'static str, value: f64, least: f64) -> Self {
        Self { least: Some(least), ..Self::new(name, value) }
    }

    fn most(name: &'static str, value: f64, most: f64) -> Self {
        Self { most: Some(most), ..Self::new(name, value) }
    }

    pub fn holds(&self) -> bool {
        self.least.is_none_or(|least| self.value >= least - 1e-9)
            && self.most.is_none_or(|most| self.value <= most + 1e-9)
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Gate {
    pub name: GateName,
    pub outcome: Outcome,
    pub figures: Vec<Figure>,
    /// Why it, or a part of it, does not apply.
    pub note: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    NotApplicable,
}

impl Gate {
    fn of(name: GateName, figures: Vec<Figure>) -> Self {
        let outcome = if figures.iter().all(Figure::holds) { Outcome::Passed } else { Outcome::Failed };
        Self { name, outcome, figures, note: None }
    }

    fn not_applicable(name: GateName, note: &'static str) -> Self {
        Self { name, outcome: Outcome::NotApplicable, figures: Vec::new(), note: Some(note) }
    }

    fn noted(self, note: Option<&'static str>) -> Self {
        Self { note: note.or(self.note), ..self }
    }
}

/// All gates, in the order of [`GateName::ALL`].
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    pub gates: Vec<Gate>,
}

impl Report {
    pub fn failing(&self) -> impl Iterator<Item = GateName> + '_ {
        self.gates.iter().filter(|gate| gate.outcome == Outcome::Failed).map(|gate| gate.name)
    }

    pub fn passes(&self) -> bool {
        self.failing().next().is_none()
    }

    pub fn gate(&self, name: GateName) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.gates.iter().flat_map(|gate| &gate.figures).find(|figure| figure.name == name).map(|figure| figure.value)
    }
}

/// The length of what was written down, tempo changes and all, against what was asked for.
pub fn length(score: &Score, options: &Options, target: &Target) -> Gate {
    let bar = target.bar() * 60.0 / target.bpm;
    let bars_away = match options.length {
        Length::Seconds(seconds) => (score.seconds() - seconds) / bar,
        Length::Bars(bars) => score.end as f64 / f64::from(score.ticks_per_quarter) / target.bar() - f64::from(bars),
    };
    Gate::of(GateName::Length, vec![Figure::most("bars longer or shorter than asked", bars_away.abs(), 1.0)])
}

/// Measures arrangements of three songs.
pub struct Judge {
    shares: [f64; 3],
    tuneful: [bool; 3],
    gives: [[bool; Role::COUNT]; 3],
    sources: provenance::Index,
    variety: [(f64, f64); 3],
    motifs: motif::Motifs,
}

impl Judge {
    pub fn new(materials: &[Material; 3], target: &Target, options: &Options) -> Self {
        let shelves: [Shelf; 3] = std::array::from_fn(|song| Shelf::new(&materials[song], target));
        Self {
            shares: options.shares(),
            tuneful: std::array::from_fn(|song| shelves[song].is_tuneful()),
            gives: std::array::from_fn(|song| shelves[song].gives),
            sources: provenance::Index::new(materials, target.bar()),
            variety: std::array::from_fn(|song| rhythm::variety_of(&materials[song])),
            motifs: motif::Motifs::of(materials.iter(), target.bar()),
        }
    }

    /// All gates of what is played so far; [`length`] is added when it is written down.
    pub fn judge(&self, arrangement: &Arrangement<'_>) -> Report {
        let gates = vec![
            consonance::key_unity(arrangement),
            consonance::plan_obeyed(arrangement),
            consonance::consonance(arrangement),
            self.sources.gate(arrangement),
            mixing::mixed(arrangement),
            mixing::shares(arrangement, &self.shares, &self.gives, &self.tuneful),
            rhythm::groove(arrangement),
            rhythm::variety(arrangement, &self.variety),
            form::returns(arrangement),
            form::ending(arrangement),
            hygiene::clean(arrangement, &self.motifs),
        ];
        Report { gates }
    }
}
