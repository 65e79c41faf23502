//! Loudness: one level per role, accents kept, and a curve over the form.

use crate::{
    form::{Section, SectionKind},
    plan::Plan,
    role::{LineNote, Role},
};

/// Mean velocity of each role.
const LEVELS: [f64; Role::COUNT] = [94.0, 78.0, 70.0, 86.0, 84.0];
/// How much of an accent is kept.
const ACCENT: f64 = 0.7;

/// Sets velocities: songs differ in theirs, so each bar's are moved to the level of the role, and then to that of the
/// section.
pub fn level(plan: &Plan, role: Role, line: &mut [LineNote]) {
    let bar_of = |note: &LineNote| (note.onset.max(0.0) / plan.target.bar()) as usize;
    // Mean of each song's notes in this role: what is louder than that is an accent.
    let mut sums = [(0.0, 0.0); 4];
    let song_of = |bar: usize| plan.cell(role, bar).and_then(|cell| cell.song).unwrap_or(3);
    for note in line.iter() {
        let sum = &mut sums[song_of(bar_of(note))];
        *sum = (sum.0 + f64::from(note.velocity), sum.1 + 1.0);
    }
    for note in line.iter_mut() {
        let bar = bar_of(note);
        let (sum, count) = sums[song_of(bar)];
        let accent = ACCENT * (f64::from(note.velocity) - sum / f64::max(count, 1.0));
        let factor = plan
            .sections
            .iter()
            .find(|section| section.contains(bar))
            .map_or(1.0, |section| loudness(section, bar, plan));
        note.velocity = ((LEVELS[role.index()] + accent).clamp(34.0, 118.0) * factor).round().clamp(20.0, 124.0) as u8;
    }
}

/// The curve: from a quiet intro to the last return, and down into the end. Each section grows a little.
fn loudness(section: &Section, bar: usize, plan: &Plan) -> f64 {
    let inside = (bar - section.first_bar) as f64 / section.bars.max(1) as f64;
    let place = section.first_bar as f64 / plan.bars().max(1) as f64;
    match section.kind {
        SectionKind::Intro => 0.86 + 0.08 * inside,
        SectionKind::End => 1.02 - 0.1 * inside,
        SectionKind::Letter(letter) => {
            let contrast = match letter {
                0 => 0.0,
                2 => -0.04,
                _ => 0.03,
            };
            0.94 + 0.12 * place + contrast + 0.03 * inside
        }
    }
}
