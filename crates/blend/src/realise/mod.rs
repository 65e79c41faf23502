//! From a plan to notes.

mod chords;
mod dynamics;
mod line;
mod runs;
mod tune;
mod vary;

use crate::{
    dice::Dice,
    form::SectionKind,
    material::Material,
    plan::{Cell, Kind, Pickup, Plan},
    role::{LineNote, Role},
    tonal,
};

/// Register of the bass.
const BASS: (i32, i32) = (28, 45);
const BASS_MIDDLE: i32 = 36;
/// General MIDI drums that fills are made of: snares and toms.
const FILL_DRUMS: [i32; 8] = [38, 40, 41, 43, 45, 47, 48, 50];
const CRASH: i32 = 49;
const KICK: i32 = 36;

/// The notes of a blend, per role in the order of [`Role::ALL`]; onsets in quarters from the start, in straight
/// eighths.
#[derive(Clone, PartialEq, Debug)]
pub struct Realised {
    pub lines: [Vec<LineNote>; Role::COUNT],
    /// Semitones between the last note of a phrase of the melody and the first of the next, where they are from
    /// different places.
    pub seams: Vec<i32>,
    pub pickups: Vec<Pickup>,
}

/// Realises a plan, and notes in its cells what was decided on the way: octaves, fills, what was varied or made.
pub fn realise(plan: &mut Plan, materials: &[Material; 3], creativity: f64, dice: &mut Dice) -> Realised {
    let (mut tune, pickups) = tune::realise(plan, materials, creativity, dice);
    let counter = vary::counter_melody(plan, materials, &tune);
    let seams = seams(plan, &tune);
    let ceilings = ceilings(plan, &tune, &counter);
    let chords = chords::realise(plan, materials, &ceilings);
    let bass = bass(plan, materials);
    let drums = drums(plan, materials);
    tune.retain(|note| note.pitch > 0);
    let mut lines = [tune, counter, chords, bass, drums];
    ending(plan, &mut lines);
    for role in Role::ALL {
        let line = &mut lines[role.index()];
        tidy(line, plan.bars() as f64 * plan.target.bar());
        dynamics::level(plan, role, line);
    }
    silence(plan, &lines);
    Realised { lines, seams, pickups }
}

/// Octaves that bring a pitch nearest to another.
fn octaves_to(pitch: i32, middle: i32) -> i32 {
    (f64::from(middle - pitch) / 12.0).round() as i32
}

/// Per bar: the pitch below which chords have to stay, from the lowest note of tune and counter-melody around it.
fn ceilings(plan: &Plan, tune: &[LineNote], counter: &[LineNote]) -> Vec<i32> {
    let bar = plan.target.bar();
    let lowest: Vec<Option<i32>> = (0..plan.bars())
        .map(|index| {
            let (from, to) = (index as f64 * bar, (index + 1) as f64 * bar);
            let lines = tune.iter().chain(counter);
            lines.filter(|note| note.onset < to && note.end() > from).map(|note| note.pitch).min()
        })
        .collect();
    (0..plan.bars())
        .map(|index| {
            let around = index.saturating_sub(1)..(index + 2).min(lowest.len());
            lowest[around].iter().flatten().min().map_or(72, |&lowest| lowest.max(57))
        })
        .collect()
}

fn seams(plan: &Plan, tune: &[LineNote]) -> Vec<i32> {
    let runs = runs::runs(plan, Role::Melody, 0..plan.hold_bar());
    let starts = runs.iter().skip(1).map(|run| run.start as f64 * plan.target.bar());
    let seam = |start: f64| {
        let index = tune.partition_point(|note| note.onset < start - 1e-6);
        let (before, after) = (tune.get(index.checked_sub(1)?)?, tune.get(index)?);
        Some((after.pitch - before.pitch).abs())
    };
    starts.filter_map(seam).collect()
}

fn bass(plan: &mut Plan, materials: &[Material; 3]) -> Vec<LineNote> {
    let mut out: Vec<LineNote> = Vec::new();
    for run in runs::runs(plan, Role::Bass, 0..plan.hold_bar()) {
        let mut sung = runs::source_line(plan, materials, Role::Bass, &run);
        if sung.is_empty() {
            continue;
        }
        let mut pitches: Vec<i32> = sung.iter().map(|sung| sung.note.pitch).collect();
        pitches.sort_unstable();
        let octave = octaves_to(pitches[pitches.len() / 2], BASS_MIDDLE);
        for bar in run {
            if let Some(cell) = plan.cells[Role::Bass.index()][bar].as_mut() {
                cell.octave = octave;
            }
        }
        for sung in &mut sung {
            let target = plan.chord_at(sung.note.onset);
            // First with the root, then note by note.
            let moved = sung.chord.as_ref().map_or(0, |chord| tonal::nearest_shift(chord[0], usize::from(target.root)));
            sung.note.pitch += 12 * octave + moved;
            sung.chord.iter_mut().flatten().for_each(|class| *class = (*class as i32 + moved).rem_euclid(12) as usize);
        }
        let chord_at = |at: f64| tonal::tones(plan.chord_at(at), &plan.target.key);
        let ground = line::Ground {
            key: &plan.target.key,
            beats: plan.target.bar(),
            range: BASS,
            is_bass: true,
            stiffness: plan.stiffness,
            chord_at: &chord_at,
            above: &|_| None,
        };
        let mut fitted = line::fit(&sung, &ground);
        fitted.iter_mut().for_each(|note| note.pitch = into(note.pitch, BASS));
        line::trim(&mut fitted, plan.target.slot(), true, &chord_at);
        if let (Some(last), Some(first)) = (out.last_mut(), fitted.first()) {
            last.length = last.length.min((first.onset - last.onset).max(0.05));
        }
        out.extend(fitted);
    }
    out
}

/// By octaves into a range of an octave or more.
fn into(mut pitch: i32, (low, high): (i32, i32)) -> i32 {
    while pitch < low {
        pitch += 12;
    }
    while pitch > high {
        pitch -= 12;
    }
    pitch
}

/// Drums as they are. Before a new section the second half of the bar is the song's busiest fill.
fn drums(plan: &mut Plan, materials: &[Material; 3]) -> Vec<LineNote> {
    let beats = plan.target.bar();
    let half = plan.target.slot().min(2.0);
    let from = beats - half;
    let mut out = Vec::new();
    for bar in 0..plan.hold_bar() {
        let Some(cell) = plan.cells[Role::Drums.index()][bar] else { continue };
        let Some(song) = cell.song else { continue };
        let material = &materials[song];
        let own = material.bars[cell.at].line(Role::Drums);
        let leads_on = bar > 3
            && plan.sections.iter().any(|section| section.first_bar == bar + 1 && section.kind != SectionKind::Intro);
        let start = bar as f64 * beats;
        let place = |note: &LineNote| LineNote { onset: start + note.onset, length: note.length.min(1.0), ..*note };
        let fill = leads_on.then(|| busiest(material, from)).flatten();
        match fill {
            Some(fill) => {
                out.extend(own.iter().filter(|note| note.onset < from).map(place));
                let other = material.bars[fill].line(Role::Drums);
                out.extend(other.iter().filter(|note| note.onset >= from).map(place));
                if let Some(cell) = plan.cells[Role::Drums.index()][bar].as_mut() {
                    cell.kind = Kind::Fill;
                }
            }
            None => out.extend(own.iter().map(place)),
        }
    }
    out
}

/// The bar with most snare and toms in its last part.
fn busiest(material: &Material, from: f64) -> Option<usize> {
    let strokes = |bar: usize| {
        let line = material.bars[bar].line(Role::Drums);
        line.iter().filter(|note| note.onset >= from && FILL_DRUMS.contains(&note.pitch)).count()
    };
    let count = material.bars.len().min(crate::blocks::MOST_SEARCHED);
    let best = (0..count)
        .filter(|&bar| material.plays(Role::Drums, bar))
        .max_by_key(|&bar| (strokes(bar), usize::MAX - bar))?;
    (strokes(best) > 0).then_some(best)
}

/// The held tonic.
fn ending(plan: &mut Plan, lines: &mut [Vec<LineNote>; Role::COUNT]) {
    let hold = plan.hold_bar();
    let start = hold as f64 * plan.target.bar();
    let length = (plan.bars() - hold) as f64 * plan.target.bar() - 0.5;
    let tonic = i32::from(plan.target.key.tonic);
    for line in lines.iter_mut() {
        line.retain(|note| note.onset < start - 0.01);
        line.iter_mut().for_each(|note| note.length = note.length.min((start - note.onset).max(0.05)));
    }
    let held = |pitch: i32, velocity: u8| LineNote { onset: start, length, pitch, velocity };
    let nearest = |to: i32, range: (i32, i32)| {
        let tonics = (range.0..=range.1).filter(|pitch| pitch.rem_euclid(12) == tonic);
        tonics.min_by_key(|pitch| (pitch - to).abs()).unwrap_or(range.0)
    };
    let had = Role::ALL.map(|role| !lines[role.index()].is_empty());
    let tones = tonal::tones(tonal::tonic_chord(&plan.target.key), &plan.target.key);
    let mut top = 66;
    if let Some(last) = lines[Role::Melody.index()].iter().max_by(|a, b| a.onset.total_cmp(&b.onset)).map(|n| n.pitch) {
        let pitch = nearest(last, (60, 84));
        lines[Role::Melody.index()].push(held(pitch, 84));
        top = pitch - 3;
    }
    let low = lines[Role::Bass.index()].last().map_or(BASS_MIDDLE, |note| note.pitch);
    lines[Role::Bass.index()].push(held(nearest(low, BASS), 84));
    let before: Vec<i32> = lines[Role::Chords.index()].iter().rev().take(3).map(|note| note.pitch).collect();
    let voices = chords::voicing(&tones, 3, top.clamp(55, 64), top.max(55), &before);
    lines[Role::Chords.index()].extend(voices.into_iter().map(|pitch| held(pitch, 74)));
    if had[Role::Drums.index()] {
        let drums = &mut lines[Role::Drums.index()];
        drums.push(LineNote { length: 2.0, ..held(CRASH, 96) });
        drums.push(LineNote { length: 0.5, ..held(KICK, 96) });
    }
    for bar in hold..plan.bars() {
        for role in Role::ALL {
            let sounds = match role {
                Role::Melody => had[role.index()],
                Role::CounterMelody => false,
                Role::Chords | Role::Bass => true,
                Role::Drums => had[role.index()] && bar == hold,
            };
            plan.cells[role.index()][bar] = sounds.then(|| Cell::made(Kind::Made));
        }
    }
}

/// In order, no two notes of one pitch at once, nothing behind the end.
fn tidy(line: &mut Vec<LineNote>, end: f64) {
    line.retain(|note| note.onset < end - 0.02 && note.length > 0.0);
    line.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.pitch.cmp(&b.pitch)).then(b.length.total_cmp(&a.length)));
    let mut last: [Option<usize>; 128] = [None; 128];
    let mut kept: Vec<LineNote> = Vec::with_capacity(line.len());
    for mut note in line.drain(..) {
        note.onset = note.onset.max(0.0);
        note.length = note.length.min(end - note.onset);
        note.pitch = into(note.pitch, (0, 127));
        if let Some(before) = last[note.pitch as usize] {
            let before: &mut LineNote = &mut kept[before];
            if note.onset - before.onset < 0.05 {
                before.length = before.length.max(note.length);
                continue;
            }
            before.length = before.length.min(note.onset - before.onset);
        }
        last[note.pitch as usize] = Some(kept.len());
        kept.push(note);
    }
    *line = kept;
}

/// Takes cells out in which nothing of the role begins or sounds: a rest of the song is no bar of it.
fn silence(plan: &mut Plan, lines: &[Vec<LineNote>; Role::COUNT]) {
    let beats = plan.target.bar();
    for role in Role::ALL {
        let line = &lines[role.index()];
        for bar in 0..plan.bars() {
            let (from, to) = (bar as f64 * beats, (bar + 1) as f64 * beats);
            if !line.iter().any(|note| note.onset < to - 0.03 && note.end() > from + 0.03) {
                plan.cells[role.index()][bar] = None;
            }
        }
    }
}
