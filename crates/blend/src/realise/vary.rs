//! Variations: ornaments of a tune that comes back again, and a counter-melody under it.

use crate::{
    dice::Dice,
    form::Section,
    material::Material,
    plan::Plan,
    realise::{
        line::{self, Ground, Sung},
        octaves_to,
        runs::runs,
    },
    role::{LineNote, Role},
    tonal::{self, Classes},
};

/// Share of the places for an ornament that get one at creativity 1.
const ORNAMENTED: f64 = 0.55;
/// Notes shorter than this (in quarters) are left alone.
const LEAST_ORNAMENTED: f64 = 0.95;
/// Register of the counter-melody.
const RANGE: (i32, i32) = (56, 70);
const MIDDLE: i32 = 63;

/// Puts passing notes into thirds and neighbours between repeated notes; where chance or the tune gave no place for
/// either, one note is anticipated, so that a varied return is never the same. `line` is in quarters from the start of the
/// section. Returns the bars of the section that were changed.
pub fn ornament(
    line: &mut Vec<LineNote>,
    plan: &Plan,
    section: &Section,
    creativity: f64,
    dice: &mut Dice,
) -> Vec<usize> {
    let scale = tonal::scale(&plan.target.key);
    let mut places: Vec<(usize, i32)> = Vec::new();
    let mut spare: Option<(usize, i32)> = None;
    for (index, note) in line.iter().enumerate() {
        let wish = dice.share() < ORNAMENTED * creativity;
        let Some(next) = line.get(index + 1).filter(|_| note.length >= LEAST_ORNAMENTED && note.onset >= 0.0) else {
            continue;
        };
        let follows = next.onset - note.end() < 0.3;
        match between(note, next, scale).filter(|_| follows) {
            Some(pitch) if wish => places.push((index, pitch)),
            Some(pitch) => spare = spare.or(Some((index, pitch))),
            None => spare = spare.or(Some((index, next.pitch))),
        }
    }
    if places.is_empty() {
        places.extend(spare);
    }
    let mut touched = Vec::new();
    // On the eighth before the note's end.
    let length = 0.5;
    for &(index, pitch) in places.iter().rev() {
        let note = line[index];
        line[index].length -= length;
        let onset = note.end() - length;
        line.insert(index + 1, LineNote { onset, length, pitch, velocity: note.velocity.saturating_sub(8).max(1) });
        let bar = (onset / plan.target.bar()) as usize;
        if bar < section.bars && touched.last() != Some(&bar) {
            touched.push(bar);
        }
    }
    touched.reverse();
    touched
}

/// A note to be put between two others.
fn between(note: &LineNote, next: &LineNote, scale: Classes) -> Option<i32> {
    let step = next.pitch - note.pitch;
    let in_scale = |pitch: &i32| scale.has(pitch.rem_euclid(12) as usize);
    match step.abs() {
        // From third to third: the note of the scale between.
        3 | 4 => (1..step.abs()).map(|away| note.pitch + away * step.signum()).find(in_scale),
        // A repeated note: its upper neighbour.
        0 => (1..=2).map(|away| note.pitch + away).find(in_scale),
        _ => None,
    }
}

/// Realises the counter-melody: the long and strong notes of its song's line, fitted to the chords below the tune.
pub fn counter_melody(plan: &mut Plan, materials: &[Material; 3], tune: &[LineNote]) -> Vec<LineNote> {
    let role = Role::CounterMelody;
    let mut out: Vec<LineNote> = Vec::new();
    for run in runs(plan, role, 0..plan.hold_bar()) {
        let mut line = counter_line(plan, materials, &run);
        if line.is_empty() {
            continue;
        }
        let mut pitches: Vec<i32> = line.iter().map(|sung| sung.note.pitch).collect();
        pitches.sort_unstable();
        let octave = octaves_to(pitches[pitches.len() / 2], MIDDLE);
        line.iter_mut().for_each(|sung| sung.note.pitch += 12 * octave);
        for bar in run {
            if let Some(cell) = plan.cells[role.index()][bar].as_mut() {
                cell.octave = octave;
            }
        }
        let chord_at = |at: f64| tonal::tones(plan.chord_at(at), &plan.target.key);
        let above = |at: f64| {
            let index = tune.partition_point(|note| note.onset <= at + 0.02);
            index.checked_sub(1).map(|index| tune[index]).filter(|note| note.end() > at + 0.05).map(|note| note.pitch)
        };
        let ground = Ground {
            key: &plan.target.key,
            beats: plan.target.bar(),
            range: RANGE,
            is_bass: false,
            stiffness: plan.stiffness,
            chord_at: &chord_at,
            above: &above,
        };
        let mut fitted = line::fit(&line, &ground);
        line::trim(&mut fitted, plan.target.slot(), true, &chord_at);
        // A long note is heard against every note of the tune over it.
        for note in &mut fitted {
            let rub = tune.iter().find(|other| {
                other.onset > note.onset + 0.05
                    && other.onset < note.end() - 0.05
                    && matches!((other.pitch - note.pitch).rem_euclid(12), 1 | 11)
            });
            if let Some(other) = rub {
                note.length = (other.onset - note.onset).max(0.25);
            }
        }
        if let (Some(last), Some(first)) = (out.last_mut(), fitted.first()) {
            last.length = last.length.min((first.onset - last.onset).max(0.05));
        }
        out.extend(fitted);
    }
    out
}

/// The notes of a melody that carry it: on beats, or long.
fn counter_line(plan: &Plan, materials: &[Material; 3], run: &std::ops::Range<usize>) -> Vec<Sung> {
    let beats = plan.target.bar();
    let mut line: Vec<Sung> = Vec::new();
    for bar in run.clone() {
        let Some(cell) = plan.cell(Role::CounterMelody, bar) else { continue };
        let Some(song) = cell.song else { continue };
        let start = bar as f64 * beats;
        for note in materials[song].bars[cell.at].line(Role::Melody) {
            let carries = line::metric_weight(note.onset, beats) >= 0.75 || note.length >= 0.9;
            let clear = line.last().is_none_or(|last| start + note.onset - last.note.onset >= 0.9);
            if carries && clear {
                let note = LineNote {
                    onset: start + note.onset,
                    pitch: note.pitch + cell.shift,
                    length: note.length.max(1.0),
                    ..*note
                };
                line.push(Sung { note, chord: None });
            }
        }
    }
    line
}
