//! Spoiled songs: each breaks one thing that a gate is there for.

use crate::{
    chord::{Chord, Quality},
    composition::{Composition, SectionKind},
    role::{LineNote, Role, TICKS_PER_QUARTER},
};

const STEP: u32 = TICKS_PER_QUARTER / 4;

fn line(song: &mut Composition, role: Role) -> &mut Vec<LineNote> {
    &mut song.lines[role.index()]
}

fn sorted(line: &mut [LineNote]) {
    line.sort_by_key(|note| (note.onset, note.pitch));
}

fn pickup(song: &Composition) -> u32 {
    song.effective.pickup_beats * TICKS_PER_QUARTER
}

pub fn half_speed(song: &mut Composition) {
    song.effective.tempo_bpm /= 4.0;
}

/// Everything a sixteenth late.
fn late(song: &mut Composition, role: Role) {
    line(song, role).iter_mut().for_each(|note| note.onset += STEP);
}

pub fn drums_late(song: &mut Composition) {
    late(song, Role::Drums);
}

pub fn bass_late(song: &mut Composition) {
    late(song, Role::Bass);
}

/// To the beat before.
fn to_beats(song: &mut Composition, role: Role) {
    let from = pickup(song);
    for note in line(song, role) {
        note.onset -= note.onset.saturating_sub(from) % TICKS_PER_QUARTER;
    }
}

pub fn comping_early(song: &mut Composition) {
    to_beats(song, Role::Comping);
}

pub fn drums_on_the_beat(song: &mut Composition) {
    to_beats(song, Role::Drums);
}

pub fn on_the_beat(song: &mut Composition) {
    to_beats(song, Role::Comping);
    to_beats(song, Role::Bass);
}

/// Played places between the beats moved to where `place` says.
fn moved(song: &mut Composition, pair: u64, place: f64) {
    let from = u64::from(song.effective.pickup_beats * TICKS_PER_QUARTER);
    for note in song.score.parts.iter_mut().flat_map(|part| &mut part.notes) {
        let inside = note.onset.saturating_sub(from) % pair;
        if (0.4..0.74).contains(&(inside as f64 / pair as f64)) {
            note.onset = note.onset - inside + (place * pair as f64) as u64;
        }
    }
}

pub fn swung(song: &mut Composition) {
    moved(song, u64::from(TICKS_PER_QUARTER), 0.66);
}

/// A beat late, bass and drums.
pub fn a_beat_late(song: &mut Composition) {
    for role in [Role::Bass, Role::Drums] {
        line(song, role).iter_mut().for_each(|note| note.onset += TICKS_PER_QUARTER);
    }
}

pub fn straightened(song: &mut Composition) {
    moved(song, u64::from(TICKS_PER_QUARTER), 0.5);
    moved(song, u64::from(TICKS_PER_QUARTER / 2), 0.5);
}

/// A tritone off.
pub fn bass_astray(song: &mut Composition) {
    line(song, Role::Bass).iter_mut().for_each(|note| note.pitch += 6);
}

/// Every other note is missing.
pub fn sparse_bass(song: &mut Composition) {
    let mut keep = false;
    line(song, Role::Bass).retain(|_| {
        keep = !keep;
        keep
    });
}

pub fn flat_bass(song: &mut Composition) {
    line(song, Role::Bass).iter_mut().for_each(|note| note.pitch = 36);
}

pub fn triads(song: &mut Composition) {
    song.chords.iter_mut().for_each(|span| span.chord = Chord::new(span.chord.root, Quality::Major));
}

/// Chords a tritone off.
pub fn chords_astray(song: &mut Composition) {
    song.chords.iter_mut().for_each(|span| span.chord = span.chord.moved(6));
}

/// A new chord every beat.
pub fn restless(song: &mut Composition) {
    let whole = song.chords.clone();
    song.chords = (whole.iter().flat_map(|span| (0..4).map(move |beat| (span, beat))))
        .map(|(span, beat)| {
            let mut own = span.clone();
            own.chord = span.chord.moved(beat * 5);
            own
        })
        .collect();
}

pub fn no_drums(song: &mut Composition) {
    line(song, Role::Drums).clear();
}

pub fn add_drums(song: &mut Composition) {
    line(song, Role::Drums).push(LineNote { onset: 0, duration: STEP, pitch: 38, velocity: 90 });
}

pub fn drums_from_the_start(song: &mut Composition) {
    line(song, Role::Drums).insert(0, LineNote { onset: 0, duration: STEP, pitch: 38, velocity: 90 });
}

pub fn loud_drums(song: &mut Composition) {
    let notes = song.lines.iter_mut().flatten();
    notes.for_each(|note| note.velocity = 110);
}

pub fn block_chords(song: &mut Composition) {
    let line = line(song, Role::Comping);
    let more: Vec<LineNote> = line
        .iter()
        .flat_map(|note| [4, 7].map(|up| LineNote { pitch: note.pitch.saturating_add(up).min(127), ..*note }))
        .collect();
    line.extend(more);
    sorted(line);
}

pub fn no_pad(song: &mut Composition) {
    line(song, Role::Pad).clear();
}

/// Comping and pad in sixteenths.
pub fn dense(song: &mut Composition) {
    for role in [Role::Comping, Role::Pad] {
        let line = line(song, role);
        let end = line.last().map_or(0, LineNote::end);
        *line = (0..end / STEP)
            .map(|step| LineNote { onset: step * STEP, duration: STEP, pitch: 60, velocity: 70 })
            .collect();
    }
}

pub fn diminuendo(song: &mut Composition) {
    let end = song.lines.iter().flatten().map(LineNote::end).max().unwrap_or(1).max(1);
    for note in song.lines.iter_mut().flatten() {
        note.velocity = (110 - 80 * note.onset / end) as u8;
    }
}

pub fn pianos(song: &mut Composition) {
    song.score.parts.iter_mut().for_each(|part| part.program = 0);
}

pub fn in_four(song: &mut Composition) {
    song.score.meters.iter_mut().for_each(|meter| meter.beats = 4);
}

/// No intro and no contrast: one A.
pub fn one_section(song: &mut Composition) {
    for section in &mut song.sections {
        section.kind = SectionKind::A;
        section.name = "A".to_owned();
    }
}

/// The last chord is missing, the song just stops.
pub fn no_ending(song: &mut Composition) {
    let end = song.sections.last().map_or(0.0, |section| section.start_seconds);
    let tick = (end * song.effective.tempo_bpm / 60.0 * f64::from(TICKS_PER_QUARTER)) as u32;
    song.lines.iter_mut().for_each(|line| line.retain(|note| note.onset + 1 < tick));
}

/// Three seconds in which nobody plays.
pub fn hole(song: &mut Composition) {
    let ticks = |seconds: f64| (seconds * song.effective.tempo_bpm / 60.0 * f64::from(TICKS_PER_QUARTER)) as u64;
    let (from, to) = (ticks(song.seconds / 2.0), ticks(song.seconds / 2.0 + 3.0));
    for part in &mut song.score.parts {
        part.notes.retain(|note| note.end() <= from || note.onset >= to);
    }
}

pub fn flat(song: &mut Composition) {
    song.score.parts.iter_mut().flat_map(|part| &mut part.notes).for_each(|note| note.velocity = 80);
}

/// The last bar of each section is as the one before.
pub fn no_fills(song: &mut Composition) {
    let bar = song.score.meters.last().map_or(4, |meter| u32::from(meter.beats)) * TICKS_PER_QUARTER;
    let from = pickup(song);
    let lasts: Vec<u32> = song
        .sections
        .iter()
        .filter(|section| section.bars > 1)
        .map(|section| from + (section.first_bar + section.bars - 1) * bar)
        .collect();
    let drums = line(song, Role::Drums);
    for start in lasts {
        let before: Vec<LineNote> =
            drums.iter().filter(|note| (start - bar..start).contains(&note.onset)).copied().collect();
        drums.retain(|note| !(start..start + bar).contains(&note.onset));
        drums.extend(before.iter().map(|note| LineNote { onset: note.onset + bar, ..*note }));
    }
    sorted(drums);
}

/// The tune on one note.
pub fn drone(song: &mut Composition) {
    line(song, Role::Melody).iter_mut().for_each(|note| note.pitch = 72);
}

/// A tune that never returns: other pitches, other places.
pub fn scatter(song: &mut Composition) {
    let line = line(song, Role::Melody);
    let (low, high) = (
        line.iter().map(|note| note.pitch).min().unwrap_or(60),
        line.iter().map(|note| note.pitch).max().unwrap_or(80),
    );
    let span = u32::from(high - low).max(1);
    let mut state = 1u32;
    for note in line.iter_mut() {
        // The multiplier of Numerical Recipes' quick generator.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        note.pitch = low + ((state >> 16) % (span + 1)) as u8;
        note.onset += (state >> 8) % 16 * STEP / 4;
    }
    sorted(line);
}
