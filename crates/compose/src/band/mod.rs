//! Everybody but the tune.

mod bass;
mod chords;
mod drums;
mod vary;
mod voicing;

use std::collections::BTreeMap;

use crate::{
    brief::Brief,
    dice::{Dice, Matter},
    plan::{self, Bar, Plan},
    role::{LineNote, Role},
    spec::{Slot, patterns},
};

pub use self::chords::Last;

/// Each part's notes up to the last chord, and what is held in it.
pub struct Band {
    pub bass: Vec<LineNote>,
    pub comping: Vec<LineNote>,
    pub pad: Vec<LineNote>,
    pub drums: Vec<LineNote>,
    pub last: Last,
}

pub fn play(brief: &Brief<'_>, plan: &Plan) -> Band {
    let (comping, comping_voices) = chords::play(brief, plan, Role::Comping);
    let (pad, pad_voices) = chords::play(brief, plan, Role::Pad);
    let bass = bass::play(brief, plan);
    let drums = drums::play(brief, plan);
    let last = Last::new(brief, plan, &comping_voices, &pad_voices, bass.last().map(|note| note.pitch));
    Band { bass, comping, pad, drums, last }
}

/// Which of a slot's patterns a section has: one for each letter and slot, by the seed.
fn chosen<'a, T>(
    brief: &Brief<'_>,
    of: &'a BTreeMap<Slot, Vec<T>>,
    slot: Slot,
    letter: char,
    matter: Matter,
) -> Option<&'a T> {
    let from = patterns(of, slot);
    brief.dice(matter, (slot as u32) << 8 | u32::from(letter as u8)).pick(from)
}

/// Whether a note that only some seeds play is there: one answer for each letter and place.
fn may_play(brief: &Brief<'_>, matter: Matter, slot: Slot, letter: char, place: usize) -> bool {
    let mut dice: Dice =
        brief.dice(matter, 0x8000 | (slot as u32) << 12 | u32::from(letter as u8) << 5 | place as u32 & 31);
    dice.chance(0.25 + 0.4 * brief.energy)
}

/// The slot of a bar.
fn slot(brief: &Brief<'_>, plan: &Plan, bar: &Bar) -> Slot {
    let section = plan.section(bar);
    plan::slot(section.kind, section.letter, brief.energy)
}

fn velocity(base: f64, swell: f64) -> u8 {
    (base + swell).round().clamp(12.0, 124.0) as u8
}
