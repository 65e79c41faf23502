//! Comping and pad: chords in the rhythm of their patterns.

use super::{chosen, may_play, slot, vary::varied, velocity, voicing::voiced};
use crate::{
    brief::Brief,
    chord::Chord,
    dice::Matter,
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
    spec::{Line, Slot, Spec, Stroke, Voicing},
};

/// What is held in the last chord, by role.
pub struct Last {
    pub comping: Vec<u8>,
    pub pad: Vec<u8>,
    pub bass: u8,
}

impl Last {
    pub fn new(brief: &Brief<'_>, plan: &Plan, comping: &[u8], pad: &[u8], bass: Option<u8>) -> Self {
        let voices = |role: Role, before: &[u8]| {
            voiced(&plan.last_chord, layout(brief.spec, role), brief.register(role), before)
        };
        let (low, high) = brief.register(Role::Bass);
        let near = bass.unwrap_or((low + high) / 2);
        let class = plan.last_chord.bass_class();
        let bass = (low..=high).filter(|pitch| pitch % 12 == class).min_by_key(|pitch| pitch.abs_diff(near));
        Self { comping: voices(Role::Comping, comping), pad: voices(Role::Pad, pad), bass: bass.unwrap_or(near) }
    }
}

const fn layout(spec: &Spec, role: Role) -> Voicing {
    match (role, spec.voicing) {
        // Held power chords would lack the third that makes the key.
        (Role::Pad, Voicing::Power | Voicing::Wide) => Voicing::Close,
        (_, voicing) => voicing,
    }
}

/// What is played: which voices, from when, how long, how.
struct Strike {
    at: u32,
    length: u32,
    stroke: Stroke,
}

/// The notes of a role, and the voices of its last chord.
pub fn play(brief: &Brief<'_>, plan: &Plan, role: Role) -> (Vec<LineNote>, Vec<u8>) {
    let spec = brief.spec;
    let (of, matter) = if role == Role::Pad { (&spec.pad, Matter::Pad) } else { (&spec.comping, Matter::Comping) };
    let kind = layout(spec, role);
    let mut notes: Vec<LineNote> = Vec::new();
    let mut voices: Vec<u8> = Vec::new();
    let mut spoken: Option<Chord> = None;
    for (number, bar) in plan.bars.iter().enumerate() {
        let section = plan.section(bar);
        let slot = slot(brief, plan, bar);
        let slot = if number + 1 == plan.bars.len() && of.contains_key(&Slot::Ending) { Slot::Ending } else { slot };
        let Some(pattern) = chosen(brief, of, slot, section.letter, matter) else { continue };
        let swell = plan.swell(brief, bar, role);
        // A pad keeps still.
        let own =
            if role == Role::Pad { pattern.clone() } else { varied(brief, pattern, slot, section.letter, matter) };
        for strike in strikes(brief, plan, number, &own, slot, matter) {
            let (chord, _) = plan.chord_at(bar, strike.at);
            if spoken != Some(chord) {
                voices = voiced(&chord, kind, brief.register(role), &voices);
                spoken = Some(chord);
            }
            let onset = bar.start + strike.at;
            sound(brief, role, &voices, &strike, onset, swell, &mut notes);
        }
    }
    (notes, voices)
}

/// The strokes of a bar. What is held over a change of chord is struck again.
fn strikes(brief: &Brief<'_>, plan: &Plan, number: usize, pattern: &Line, slot: Slot, matter: Matter) -> Vec<Strike> {
    let bar = &plan.bars[number];
    let letter = plan.section(bar).letter;
    let steps = brief.spec.steps_per_bar() as usize;
    let ticks = TICKS_PER_QUARTER / brief.spec.steps_per_beat;
    let from = bar.index as usize * steps % pattern.0.len().max(1);
    let own = &pattern.0[from..(from + steps).min(pattern.0.len())];
    let mut strikes: Vec<Strike> = Vec::new();
    for (step, stroke) in own.iter().enumerate() {
        let at = step as u32 * ticks;
        let changes = bar.chords.iter().any(|(start, _)| *start == at);
        let holds = strikes.last().is_some_and(|last| last.at + last.length == at);
        match stroke {
            // A bar may begin with what the one before has let ring.
            Stroke::Hold if step == 0 => strikes.push(Strike { at, length: ticks, stroke: Stroke::Plain }),
            Stroke::Hold if changes && holds => {
                let stroke = strikes.last().map_or(Stroke::Plain, |last| last.stroke);
                strikes.push(Strike { at, length: ticks, stroke });
            }
            Stroke::Hold => {
                if let Some(last) = strikes.last_mut().filter(|_| holds) {
                    last.length += ticks;
                }
            }
            Stroke::Rest => {}
            Stroke::Maybe if !may_play(brief, matter, slot, letter, step) => {}
            _ => strikes.push(Strike { at, length: ticks, stroke: *stroke }),
        }
    }
    strikes
}

fn sound(
    brief: &Brief<'_>,
    role: Role,
    voices: &[u8],
    strike: &Strike,
    onset: u32,
    swell: f64,
    notes: &mut Vec<LineNote>,
) {
    let on_beat = strike.at.is_multiple_of(TICKS_PER_QUARTER);
    let base = match (role, strike.stroke) {
        (Role::Pad, Stroke::Accent) => 76.0,
        (Role::Pad, Stroke::Muted) => 52.0,
        (Role::Pad, _) => 60.0,
        (_, Stroke::Accent) => 82.0,
        (_, Stroke::Muted) => 42.0,
        (_, Stroke::Degree(_)) => {
            if on_beat {
                66.0
            } else {
                60.0
            }
        }
        _ => 70.0,
    };
    let velocity = velocity(base, swell);
    let duration = match strike.stroke {
        Stroke::Muted => strike.length * 2 / 5,
        // Short strokes are short; long ones almost reach the next.
        _ if strike.length <= TICKS_PER_QUARTER / 4 => strike.length * 4 / 5,
        _ => strike.length - strike.length / 16,
    };
    let mut push =
        |pitch: u8, duration: u32| notes.push(LineNote { onset, duration: duration.max(1), pitch, velocity });
    match strike.stroke {
        Stroke::Degree(voice) if !voices.is_empty() => {
            let octave = 12 * (usize::from(voice) / voices.len()) as u8;
            let pitch = voices[usize::from(voice) % voices.len()].saturating_add(octave).min(127);
            // Broken chords ring into each other.
            let ringing = if brief.spec.octaves { duration } else { duration.max(TICKS_PER_QUARTER * 3 / 4) };
            push(pitch, ringing);
            if brief.spec.octaves {
                push(pitch.saturating_add(12).min(127), ringing);
            }
        }
        // A muted stroke of a guitar is two or three strings.
        Stroke::Muted => voices.iter().rev().take(3).for_each(|pitch| push(*pitch, duration)),
        _ => voices.iter().for_each(|pitch| push(*pitch, duration)),
    }
}
