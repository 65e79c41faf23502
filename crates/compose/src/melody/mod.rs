//! The tune: a few motifs, repeated and varied, that return with their section.

mod fit;
mod motif;

use std::collections::BTreeMap;

use music::{Key, Mode};

use self::{
    fit::Spot,
    motif::{Theme, Tone},
};
use crate::{
    brief::Brief,
    chord::Chord,
    composition::SectionKind,
    dice::{Dice, Matter},
    form::PlannedSection,
    measure,
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
    spec::Scale,
};

/// Velocity of a note that is nothing special.
const VELOCITY: f64 = 84.0;

/// Themes that are tried for one song.
const ATTEMPTS: u32 = 32;

/// The whole tune, without the last note: the first of some attempts that is neither dull nor erratic, or the one that comes
/// nearest to that.
pub fn compose(brief: &Brief<'_>, plan: &Plan) -> Vec<LineNote> {
    let mut best: Option<(f64, Vec<LineNote>)> = None;
    let is_chorus =
        |section: &PlannedSection| brief.spec.unit == 12 && section.bars == 12 && section.kind != SectionKind::Solo;
    let firsts = plan.bars.iter().filter(|bar| bar.index == 0 && is_chorus(plan.section(bar)));
    let choruses: Vec<u32> = firsts.map(|bar| bar.start).collect();
    for attempt in 0..ATTEMPTS {
        let line = self::attempt(brief, plan, attempt);
        let shortfall =
            measure::shortfall(brief.spec.style, &line) + measure::chorus_shortfall(&line, &choruses, plan.bar_ticks);
        if best.as_ref().is_none_or(|(least, _)| shortfall < *least) {
            best = Some((shortfall, line));
        }
        if best.as_ref().is_some_and(|(least, _)| *least <= 0.0) {
            break;
        }
    }
    best.map_or_else(Vec::new, |(_, line)| line)
}

fn attempt(brief: &Brief<'_>, plan: &Plan, attempt: u32) -> Vec<LineNote> {
    let mut notes: Vec<LineNote> = Vec::new();
    let mut heard: BTreeMap<char, u32> = BTreeMap::new();
    let mut first_bar = 0;
    for (place, section) in plan.sections.iter().enumerate() {
        let times = heard.entry(section.letter).or_default();
        *times += 1;
        let bars = first_bar..first_bar + section.bars as usize;
        first_bar = bars.end;
        if section.kind == SectionKind::Intro {
            continue;
        }
        let times = *times;
        let mut own = self::section(brief, plan, place, section, bars.clone(), (times, attempt));
        if times > 3 && section.kind != SectionKind::Solo {
            let mut dice = brief.dice(Matter::Melody, 0x4000 | u32::from(section.letter as u8) << 6 | times.min(63));
            ornament(&mut own, &plan.key_of(place), brief, &mut dice);
        }
        notes.extend(own);
    }
    // Nothing runs into the next note or the last chord.
    for index in 0..notes.len() {
        let until = notes.get(index + 1).map_or(plan.end, |next| next.onset);
        let note = &mut notes[index];
        note.duration = note.duration.min(until.saturating_sub(note.onset)).max(1);
    }
    notes.retain(|note| note.end() <= plan.end);
    notes
}

/// Notes of a section. Its own letter decides, so that it returns as it was.
fn section(
    brief: &Brief<'_>,
    plan: &Plan,
    place: usize,
    section: &PlannedSection,
    bars: std::ops::Range<usize>,
    (times, attempt): (u32, u32),
) -> Vec<LineNote> {
    let is_solo = section.kind == SectionKind::Solo;
    let letter = u32::from(section.letter as u8);
    let row = attempt << 8 | if is_solo { 0x2000 | times.min(0xff) } else { letter };
    let mut dice = brief.dice(Matter::Melody, row);
    let theme = Theme::new(brief, section.letter, is_solo, &mut dice);
    let key = plan.key_of(place);
    let range = range(brief, section.kind, is_solo);
    let mut spots: Vec<Spot> = Vec::new();
    let mut shape: Vec<(u32, u32, u8)> = Vec::new();
    let ticks = TICKS_PER_QUARTER / brief.spec.steps_per_beat;
    for index in bars.clone() {
        let bar = &plan.bars[index];
        let is_end = index + 1 == bars.end;
        let bar_tones = theme.bar(section.from_bar + bar.index, is_end, section.kind == SectionKind::Break);
        for tone in bar_tones {
            let at = tone.step * ticks;
            let (chord, until) = plan.chord_at(bar, at);
            spots.push(spot(brief, &key, &chord, tone, until - at, is_end, ticks));
            let accent = if tone.step == 0 {
                6
            } else if tone.step.is_multiple_of(brief.spec.steps_per_beat) {
                2
            } else {
                0
            };
            let swell = plan.swell(brief, bar, Role::Melody);
            let velocity = (VELOCITY + f64::from(accent) + swell + 4.0 * dice.bell()).clamp(20.0, 122.0);
            shape.push((bar.start + at, tone.steps * ticks, velocity as u8));
        }
    }
    let pitches = fit::fit(&spots, range, brief.spec.leap_share, &mut dice);
    let notes = shape.into_iter().zip(pitches);
    notes.map(|((onset, duration, velocity), pitch)| LineNote { onset, duration, pitch, velocity }).collect()
}

/// Lowest and highest key of a section's tune: B lies higher, a solo has all of it.
fn range(brief: &Brief<'_>, kind: SectionKind, is_solo: bool) -> (u8, u8) {
    // Whoever sings, solos and breaks are an instrument's.
    let is_played = is_solo || kind == SectionKind::Break;
    let (low, high) = if is_played { brief.spec.registers[Role::Melody.index()] } else { brief.register(Role::Melody) };
    // A player goes further in a contrast; a singer keeps to the voice.
    let wider = if is_played || brief.instrumental { 3 } else { 0 };
    match kind {
        _ if is_solo => (low.saturating_sub(wider), high + wider),
        SectionKind::B => (low + 2, high + wider),
        SectionKind::Break => (low, high - 4),
        _ => (low, high - 2),
    }
}

/// What may sound at a place, and what should.
fn spot(brief: &Brief<'_>, key: &Key, chord: &Chord, tone: Tone, room: u32, is_end: bool, ticks: u32) -> Spot {
    let per_beat = brief.spec.steps_per_beat;
    let is_long = tone.steps >= per_beat;
    let is_strong = tone.step == 0 || tone.step.is_multiple_of(2 * per_beat) || is_long;
    let scale = scale(brief.spec.scale, key, chord);
    let is_last = is_end && tone.is_last_of_bar;
    let stable = |class: u8| if is_last { class == key.tonic || chord.has(class) } else { chord.has(class) };
    let mut classes = [fit::Fit::No; 12];
    for class in 0..12u8 {
        let rubs = chord.classes().take(3).any(|own| (own + 1) % 12 == class);
        classes[usize::from(class)] = match (stable(class), scale[usize::from(class)]) {
            (true, _) => fit::Fit::Chord,
            (false, true) if rubs && brief.spec.scale != Scale::Blues => fit::Fit::Rub,
            (false, true) => fit::Fit::Scale,
            (false, false) => fit::Fit::No,
        };
    }
    // Five notes go with every chord of their key, and blue notes with every chord of a blues.
    let strictness = match brief.spec.scale {
        Scale::Diatonic => 1.6,
        Scale::Pentatonic => 0.8,
        Scale::Blues => 0.4,
    };
    // A theme of few notes is known by its contour alone.
    let pull = match brief.spec.scale {
        _ if brief.spec.density.1 <= 2.0 => 0.75,
        // A line of blues is said again over other chords, all of which its notes go with.
        Scale::Blues => 0.6,
        Scale::Diatonic | Scale::Pentatonic => 0.38,
    };
    Spot {
        classes,
        is_strong,
        is_close: tone.is_close,
        lean: tone.lean,
        target: step(brief.spec.scale) * tone.height,
        is_long: room.min(tone.steps * ticks) >= TICKS_PER_QUARTER,
        motif: tone.motif,
        strictness,
        pull,
    }
}

/// Semitones of a step of a scale, on average.
const fn step(scale: Scale) -> f64 {
    match scale {
        Scale::Diatonic | Scale::Blues => 12.0 / 7.0,
        Scale::Pentatonic => 12.0 / 5.0,
    }
}

/// The pitch classes of the scale under a chord: an altered note of the chord takes the place of its neighbours.
fn scale(kind: Scale, key: &Key, chord: &Chord) -> [bool; 12] {
    let steps: &[u8] = match (kind, key.mode) {
        (Scale::Diatonic, Mode::Major) => &[0, 2, 4, 5, 7, 9, 11],
        (Scale::Diatonic, Mode::Minor) => &[0, 2, 3, 5, 7, 8, 10],
        (Scale::Pentatonic, Mode::Major) => &[0, 2, 4, 7, 9],
        (Scale::Pentatonic, Mode::Minor) => &[0, 3, 5, 7, 10],
        (Scale::Blues, Mode::Major) => &[0, 2, 3, 4, 5, 7, 9, 10],
        (Scale::Blues, Mode::Minor) => &[0, 3, 5, 6, 7, 10],
    };
    let mut scale = [false; 12];
    steps.iter().for_each(|step| scale[usize::from((key.tonic + step) % 12)] = true);
    for class in chord.classes().take(4) {
        if !scale[usize::from(class)] {
            if kind == Scale::Diatonic {
                scale[usize::from((class + 1) % 12)] = false;
                scale[usize::from((class + 11) % 12)] = false;
            }
            scale[usize::from(class)] = true;
        }
    }
    scale
}

/// A later return is ornamented: neighbours in long notes, notes that come early.
fn ornament(notes: &mut Vec<LineNote>, key: &Key, brief: &Brief<'_>, dice: &mut Dice) {
    let step = TICKS_PER_QUARTER / brief.spec.steps_per_beat;
    let scale = scale(brief.spec.scale, key, &Chord::new(key.tonic, crate::Quality::Power));
    let mut ornamented: Vec<LineNote> = Vec::with_capacity(notes.len());
    for &note in notes.iter() {
        let above = (note.pitch + 1..=note.pitch + 3).find(|pitch| scale[usize::from(pitch % 12)]);
        let starts_late = ornamented.last().is_none_or(|last: &LineNote| last.end() + step <= note.onset);
        match above {
            Some(above) if note.duration >= 4 * step && dice.chance(0.18) => {
                let third = note.duration / 4;
                ornamented.push(LineNote { duration: 2 * third, ..note });
                let soft = note.velocity.saturating_sub(10).max(1);
                ornamented.push(LineNote {
                    onset: note.onset + 2 * third,
                    duration: third,
                    pitch: above,
                    velocity: soft,
                });
                ornamented.push(LineNote {
                    onset: note.onset + 3 * third,
                    duration: note.duration - 3 * third,
                    ..note
                });
            }
            _ if starts_late && note.onset >= step && note.duration >= 2 * step && dice.chance(0.12) => {
                ornamented.push(LineNote { onset: note.onset - step, duration: note.duration + step, ..note });
            }
            _ => ornamented.push(note),
        }
    }
    *notes = ornamented;
}

/// The last note, held: the tonic, or the third of its chord, near where the tune ended.
pub fn last_pitch(brief: &Brief<'_>, plan: &Plan, before: Option<u8>) -> u8 {
    let (low, high) = brief.register(Role::Melody);
    let near = before.unwrap_or((low + high) / 2);
    let mut dice = brief.dice(Matter::Melody, 0x1fff);
    let third = (plan.last_chord.root + plan.last_chord.quality.third()) % 12;
    let class = if dice.chance(0.75) { plan.last_chord.root } else { third };
    (low..=high).filter(|pitch| pitch % 12 == class).min_by_key(|pitch| pitch.abs_diff(near)).unwrap_or(near)
}
