//! Where every bar is from, as data for people and programs. Songs and bars count from 1.

use serde::Serialize;

use crate::{
    Blend,
    measure::Gate,
    plan::{Cell, Kind},
    role::Role,
};

/// All of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Provenance<'a> {
    pub songs: Vec<SongFacts<'a>>,
    pub key: String,
    pub tempo_bpm: f64,
    pub beats_per_bar: u8,
    /// First eighth of a beat to the second; 1 is straight.
    pub swing: f64,
    pub sections: Vec<SectionFacts>,
    pub bars: Vec<BarFacts>,
    pub pickups: Vec<PickupFacts>,
    pub passes: bool,
    pub gates: &'a [Gate],
    pub plans_made: u32,
    pub plan_number: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SongFacts<'a> {
    pub song: usize,
    pub title: &'a str,
    /// Semitones from its key to that of the blend; single bars may differ, where it modulates.
    pub shift: i32,
    /// Beats of the blend for one of its beats: 0.5, 1 or 2.
    pub beat_scale: f64,
    /// Share of all cells (bar × role) that are from it, 0–1.
    pub share: f64,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SectionFacts {
    pub label: String,
    pub first_bar: usize,
    pub bars: usize,
}

/// Melody before a bar line that belongs to the phrase behind it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PickupFacts {
    /// The bar that it leads to.
    pub before_bar: usize,
    pub quarters: f64,
    pub song: usize,
    pub song_bar: usize,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BarFacts {
    pub bar: usize,
    pub section: String,
    pub chords: Vec<String>,
    /// Where its chords are from.
    pub harmony: Origin,
    pub melody: Option<Origin>,
    pub counter_melody: Option<Origin>,
    pub chords_role: Option<Origin>,
    pub bass: Option<Origin>,
    pub drums: Option<Origin>,
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Origin {
    /// `None` for what is from no song.
    pub song: Option<usize>,
    /// First bar in the song, and how many bars of it are one of the blend.
    pub bar: Option<usize>,
    pub bars: u8,
    pub kind: Kind,
    pub shift: i32,
    pub octave: i32,
    /// Song and bar whose contour a tune follows to its own rhythm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contour: Option<(usize, usize)>,
}

impl From<&Cell> for Origin {
    fn from(cell: &Cell) -> Self {
        let Cell { song, source_bar, source_bars, kind, shift, octave, contour, at: _ } = *cell;
        Self {
            song: song.map(|song| song + 1),
            bar: song.map(|_| source_bar + 1),
            bars: source_bars,
            kind,
            shift,
            octave,
            contour: contour.map(|contour| (contour.song + 1, contour.source_bar + 1)),
        }
    }
}

impl Blend {
    /// Bar by bar and role by role: song, bar, and how it was changed.
    pub fn provenance(&self) -> Provenance<'_> {
        let plan = &self.plan;
        let shares = self.song_shares();
        let slots = plan.target.slots();
        let song = |song: usize| SongFacts {
            song: song + 1,
            title: &self.titles[song],
            shift: plan.target.shifts[song],
            beat_scale: plan.target.scales[song],
            share: shares[song],
        };
        let bar = |bar: usize| {
            let origin = |role: Role| plan.cell(role, bar).map(Origin::from);
            let chords = plan.chords[bar * slots..(bar + 1) * slots].iter();
            BarFacts {
                bar: bar + 1,
                section: plan.sections.iter().find(|s| s.contains(bar)).map_or_else(String::new, |s| s.label()),
                chords: chords.map(|chord| chord.name_in(&plan.target.key)).collect(),
                harmony: Origin::from(&plan.harmony[bar]),
                melody: origin(Role::Melody),
                counter_melody: origin(Role::CounterMelody),
                chords_role: origin(Role::Chords),
                bass: origin(Role::Bass),
                drums: origin(Role::Drums),
            }
        };
        let pickup = |pickup: &crate::Pickup| PickupFacts {
            before_bar: (pickup.to / plan.target.bar()).round() as usize + 1,
            quarters: pickup.to - pickup.from,
            song: pickup.song + 1,
            song_bar: pickup.source_bar + 1,
        };
        let section = |s: &crate::Section| SectionFacts { label: s.label(), first_bar: s.first_bar + 1, bars: s.bars };
        Provenance {
            songs: (0..3).map(song).collect(),
            key: plan.target.key.to_string(),
            tempo_bpm: plan.target.bpm,
            beats_per_bar: plan.target.beats,
            swing: plan.target.swing,
            sections: plan.sections.iter().map(section).collect(),
            bars: (0..plan.bars()).map(bar).collect(),
            pickups: self.pickups.iter().map(pickup).collect(),
            passes: self.report.passes(),
            gates: &self.report.gates,
            plans_made: self.plans_made,
            plan_number: self.plan_number,
        }
    }

    /// The same as JSON.
    ///
    /// # Errors
    ///
    /// None that a blend can have; those of the serializer.
    pub fn provenance_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&self.provenance())
    }

    /// The notes of the melody.
    pub fn melody(&self) -> &[crate::LineNote] {
        &self.lines[Role::Melody.index()]
    }

    /// Share of the cells that are from each song, 0–1 each.
    pub fn song_shares(&self) -> [f64; 3] {
        let mut counts = [0.0; 3];
        for song in self.plan.cells.iter().flatten().flatten().filter_map(|cell| cell.song) {
            counts[song] += 1.0;
        }
        let all: f64 = f64::max(counts.iter().sum(), 1.0);
        counts.map(|count| count / all)
    }
}
