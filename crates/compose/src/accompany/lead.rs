//! The instrument that answers the voice: it plays the end of the tune as an intro, and fills where the voice rests.

use music::{Key, Melody, Mode};

use super::timeline::Timeline;
use crate::{
    brief::Brief,
    dice::{Dice, Matter},
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
};

/// A note of the tune on the band's ticks.
#[derive(Clone, Copy, Debug)]
struct Sung {
    onset: u32,
    end: u32,
    pitch: u8,
}

const EIGHTH: u32 = TICKS_PER_QUARTER / 2;
/// What is filled is at least this long, in ticks; a fill ends this long before the voice returns.
const LEAST_REST: u32 = 2 * EIGHTH;
const BEFORE_VOICE: u32 = EIGHTH / 2;
/// A note that is held for longer than this is as good as a rest from here on.
const HELD: u32 = 3 * TICKS_PER_QUARTER;
const AFTER_ONSET: u32 = 2 * TICKS_PER_QUARTER;
/// A fill is an answer and no solo.
const MOST_FILL: u32 = 4 * TICKS_PER_QUARTER;
const MOST_ECHO: usize = 5;
/// Under the voice's.
const VELOCITY: u8 = 74;

/// Everything that the lead plays before the last chord.
pub fn play(brief: &Brief<'_>, plan: &Plan, timeline: &Timeline, tune: &Melody) -> Vec<LineNote> {
    let sung: Vec<Sung> = tune
        .notes
        .iter()
        .map(|note| {
            let tick = |seconds: f64| timeline.clock.ticks(seconds).round().max(0.0) as u32;
            Sung { onset: tick(note.onset_seconds), end: tick(note.end_seconds()), pitch: note.pitch.number() }
        })
        .collect();
    let mut dice = brief.dice(Matter::Melody, 0);
    let mut notes = intro(brief, plan, timeline, &sung);
    for (index, note) in sung.iter().enumerate() {
        let until = sung.get(index + 1).map_or(plan.end, |next| next.onset.saturating_sub(BEFORE_VOICE));
        let rests_from = if note.end - note.onset > HELD { note.onset + AFTER_ONSET } else { note.end };
        // On the next eighth; what ends a little after one has ended on it.
        let from = rests_from.saturating_sub(EIGHTH / 4).div_ceil(EIGHTH) * EIGHTH;
        let said = said(&sung[..=index]);
        for from in answers(from, until, plan.bar_ticks) {
            notes.extend(fill(brief, plan, said, from..until.min(from + MOST_FILL), &mut dice));
        }
    }
    notes
}

/// The last notes that were sung without a rest between them.
fn said(sung: &[Sung]) -> &[Sung] {
    let earliest = sung.len().saturating_sub(MOST_ECHO);
    let is_rest = |index: &usize| sung[*index].onset.saturating_sub(sung[index - 1].end) >= TICKS_PER_QUARTER;
    let from = (earliest + 1..sung.len()).rev().find(is_rest).unwrap_or(earliest);
    &sung[from..]
}

/// When the answers to what was sung begin: at once, and in a long rest with every other bar after that.
fn answers(from: u32, until: u32, bar_ticks: u32) -> Vec<u32> {
    let is_long_enough = |from: &u32| until.saturating_sub(*from) >= LEAST_REST;
    let bar = (from + MOST_FILL).div_ceil(bar_ticks) * bar_ticks;
    let later =
        (0..).map(|turn| bar + 2 * turn * bar_ticks).take_while(|from| until.saturating_sub(*from) >= MOST_FILL);
    std::iter::once(from).filter(is_long_enough).chain(later).collect()
}

/// The last bars of the tune, as long as the intro.
fn intro(brief: &Brief<'_>, plan: &Plan, timeline: &Timeline, sung: &[Sung]) -> Vec<LineNote> {
    let length = timeline.body_tick();
    let from = timeline.body_end_tick().saturating_sub(length).max(length);
    // A pickup is sung over the end of the intro.
    let until = sung.first().map_or(length, |first| first.onset.saturating_sub(BEFORE_VOICE).min(length));
    let own: Vec<&Sung> = sung.iter().filter(|note| (from..timeline.body_end_tick()).contains(&note.onset)).collect();
    let register = brief.register(Role::Melody);
    let octave = octave(own.iter().map(|note| note.pitch), register);
    let mut notes: Vec<LineNote> = Vec::new();
    for note in own {
        let onset = rounded(note.onset - from);
        let end = rounded(note.end - from).min(until);
        if end < onset + TICKS_PER_QUARTER / 4 || notes.last().is_some_and(|last| last.onset >= onset) {
            continue;
        }
        let pitch = (i32::from(note.pitch) + octave).clamp(0, 127) as u8;
        // The last bar has another chord than the tune's own.
        let pitch = nearest(pitch, |class| fits(plan, onset, class) || !is_long(onset, end));
        notes.push(LineNote { onset, duration: end - onset, pitch, velocity: VELOCITY + 4 });
    }
    notes
}

/// To sixteenths.
fn rounded(tick: u32) -> u32 {
    const SIXTEENTH: u32 = TICKS_PER_QUARTER / 4;
    (tick + SIXTEENTH / 2) / SIXTEENTH * SIXTEENTH
}

const fn is_long(onset: u32, end: u32) -> bool {
    end - onset >= TICKS_PER_QUARTER || onset.is_multiple_of(2 * TICKS_PER_QUARTER)
}

/// The rhythm and the contour of what was just sung, on the chords that sound now.
fn fill(brief: &Brief<'_>, plan: &Plan, said: &[Sung], room: std::ops::Range<u32>, dice: &mut Dice) -> Vec<LineNote> {
    let (low, high) = brief.register(Role::Melody);
    let scale = scale(&brief.key);
    let Some(first) = said.first() else { return Vec::new() };
    let faster = diminution(said, room.end.saturating_sub(room.start));
    let after = |note: &Sung| (note.onset - first.onset + faster * EIGHTH / 2) / (faster * EIGHTH) * EIGHTH;
    let octave = octave(said.iter().map(|note| note.pitch), (low, high));
    let turned = dice.chance(0.4);
    let mut notes: Vec<LineNote> = Vec::new();
    for (place, note) in said.iter().enumerate() {
        let onset = room.start + after(note);
        if onset + EIGHTH > room.end || notes.last().is_some_and(|last| last.onset >= onset) {
            continue;
        }
        // An answer goes the other way as often as not.
        let height = i32::from(note.pitch) - i32::from(first.pitch);
        let wanted = i32::from(first.pitch) + octave + if turned { -height } else { height };
        let wanted = wanted.clamp(i32::from(low), i32::from(high)) as u8;
        let is_last = place + 1 == said.len();
        let next = said.get(place + 1).map_or(2 * EIGHTH, |next| after(next) - after(note));
        let duration = next.clamp(EIGHTH, 2 * TICKS_PER_QUARTER);
        let end = (onset + duration).min(room.end);
        let strict = is_last || place == 0 || is_long(onset, end);
        let pitch = nearest(wanted, |class| fits(plan, onset, class) || !strict && scale[usize::from(class % 12)]);
        let velocity = VELOCITY.saturating_sub(2 * place as u8);
        notes.push(LineNote { onset, duration: end - onset, pitch, velocity });
    }
    // The last note is let go before the voice returns.
    if let Some(last) = notes.last_mut() {
        last.duration = last.duration.clamp(EIGHTH / 2, TICKS_PER_QUARTER);
    }
    // One note is no answer.
    if notes.len() < 2 { Vec::new() } else { notes }
}

/// How many times faster an answer is than what was sung, so that three of its notes fit into so many ticks.
fn diminution(said: &[Sung], room: u32) -> u32 {
    let fits = |faster: &u32| {
        let third = said.get(2).or(said.last()).map_or(0, |note| note.onset - said[0].onset);
        third / faster + EIGHTH <= room
    };
    [1, 2, 4].into_iter().find(fits).unwrap_or(4)
}

/// Whether a pitch class belongs to the chord of a moment.
fn fits(plan: &Plan, tick: u32, class: u8) -> bool {
    let bar = plan.bars.get((tick / plan.bar_ticks) as usize);
    let chord = bar.map_or(plan.last_chord, |bar| plan.chord_at(bar, tick - bar.start).0);
    chord.has(class % 12)
}

/// The nearest pitch whose class is wanted, the lower of two.
fn nearest(pitch: u8, wanted: impl Fn(u8) -> bool) -> u8 {
    let away = (0..12u8).flat_map(|away| [pitch.saturating_sub(away), pitch.saturating_add(away).min(127)]);
    away.into_iter().find(|near| wanted(near % 12)).unwrap_or(pitch)
}

/// By how many semitones, in octaves, pitches are moved into a register.
fn octave(pitches: impl Iterator<Item = u8>, (low, high): (u8, u8)) -> i32 {
    let pitches: Vec<i32> = pitches.map(i32::from).collect();
    let middle = pitches.iter().sum::<i32>() / (pitches.len().max(1) as i32);
    let wanted = (i32::from(low) + i32::from(high)) / 2;
    ((wanted - middle) as f64 / 12.0).round() as i32 * 12
}

fn scale(key: &Key) -> [bool; 12] {
    let steps = match key.mode {
        Mode::Major => [0, 2, 4, 5, 7, 9, 11],
        Mode::Minor => [0, 2, 3, 5, 7, 8, 10],
    };
    let mut scale = [false; 12];
    steps.iter().for_each(|step| scale[usize::from((key.tonic + step) % 12)] = true);
    scale
}
