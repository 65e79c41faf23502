//! Stretches of a role that come from one song without a cut, and their notes.

use crate::{
    material::Material,
    plan::{Cell, Plan},
    realise::{chords::source_chord, line::Sung},
    role::{LineNote, Role},
};

/// Stretches of bars that go on in one song.
pub fn runs(plan: &Plan, role: Role, bars: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    let mut last: Option<Cell> = None;
    for bar in bars {
        let cell = plan.cell(role, bar).copied();
        match (last, cell, runs.last_mut()) {
            (Some(before), Some(cell), Some(run))
                if run.end == bar
                    && before.song == cell.song
                    && before.at + 1 == cell.at
                    && before.shift == cell.shift =>
            {
                run.end = bar + 1;
            }
            (_, Some(_), _) => runs.push(bar..bar + 1),
            _ => {}
        }
        last = cell;
    }
    runs
}

/// The notes of a run at their places in the piece, moved into the key, with the chords they had.
pub fn source_line(plan: &Plan, materials: &[Material; 3], role: Role, run: &std::ops::Range<usize>) -> Vec<Sung> {
    let mut line = Vec::new();
    for bar in run.clone() {
        let Some(cell) = plan.cell(role, bar) else { continue };
        let Some(song) = cell.song else { continue };
        let start = bar as f64 * plan.target.bar();
        line.extend(materials[song].bars[cell.at].line(role).iter().map(|note| Sung {
            note: LineNote { onset: start + note.onset, pitch: note.pitch + cell.shift, ..*note },
            chord: source_chord(plan, materials, song, cell.at, cell.shift, note.onset),
        }));
    }
    line
}
