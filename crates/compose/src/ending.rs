//! The pickup, and the last chord: held, let go early enough to die away, struck again where its instrument would not last.

use crate::{
    band::Last,
    brief::Brief,
    instrument::{Decay, decay},
    melody,
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
};

const KICK: u8 = 36;
const CRASH: u8 = 49;
const RIDE: u8 = 51;

/// Most of the last chord that its dying away may take.
const MOST_RELEASE_SHARE: f64 = 0.42;

/// Adds the last chord to each line.
pub fn close(brief: &Brief<'_>, plan: &Plan, last: &Last, lines: &mut [Vec<LineNote>; Role::COUNT]) {
    let ticks_per_second = plan.clock.ticks_per_second(plan.end);
    let hold = plan.length.hold_seconds;
    let swell = 14.0 * (brief.energy - 0.5) + 30.0 * brief.spec.crescendo;
    let held = |role: Role| {
        let decay = decay(brief.players.programs[role.index()]);
        let release = decay.release_seconds().min(MOST_RELEASE_SHARE * hold);
        (((hold - release) * ticks_per_second) as u32).max(1)
    };
    let at = plan.end;
    let velocity = |base: f64| (base + swell).clamp(24.0, 120.0) as u8;
    let note = |pitch: u8, role: Role, base: f64| LineNote {
        onset: at,
        duration: held(role),
        pitch,
        velocity: velocity(base),
    };
    let tune = melody::last_pitch(brief, plan, lines[Role::Melody.index()].last().map(|note| note.pitch));
    lines[Role::Melody.index()].push(note(tune, Role::Melody, 84.0));
    lines[Role::Bass.index()].push(note(last.bass, Role::Bass, 86.0));
    if !brief.spec.pad.is_empty() {
        lines[Role::Pad.index()].extend(last.pad.iter().map(|pitch| note(*pitch, Role::Pad, 58.0)));
    }
    let comping = held(Role::Comping);
    let class = decay(brief.players.programs[Role::Comping.index()]);
    let again = class.most_hold_seconds() * ticks_per_second;
    let line = &mut lines[Role::Comping.index()];
    if f64::from(comping) > again && matches!(class, Decay::Plucked | Decay::Struck) {
        // Rolled once more, softer, when the first has gone.
        let second = again as u32;
        let step = ((0.07 * ticks_per_second) as u32).max(1);
        for (index, pitch) in last.comping.iter().enumerate() {
            line.push(LineNote { onset: at, duration: second, pitch: *pitch, velocity: velocity(72.0) });
            let onset = at + second + step * index as u32;
            let duration = (at + comping).saturating_sub(onset).max(1);
            line.push(LineNote { onset, duration, pitch: *pitch, velocity: velocity(52.0) });
        }
    } else {
        line.extend(last.comping.iter().map(|pitch| note(*pitch, Role::Comping, 72.0)));
    }
    line.sort_by_key(|note| (note.onset, note.pitch));
    // A drum that played is there at the end.
    let drums = &mut lines[Role::Drums.index()];
    if !drums.is_empty() {
        let duration = TICKS_PER_QUARTER;
        drums.push(LineNote { onset: at, duration, pitch: KICK, velocity: velocity(92.0) });
        let (cymbal, base) = if brief.spec.crash > 0 { (CRASH, f64::from(brief.spec.crash)) } else { (RIDE, 54.0) };
        drums.push(LineNote { onset: at, duration, pitch: cymbal, velocity: velocity(base - 6.0) });
    }
}

/// The beats before the first bar: the tune steps up to it over a chord that leads there.
pub fn pickup(brief: &Brief<'_>, plan: &Plan, lines: &mut [Vec<LineNote>; Role::COUNT]) {
    if plan.pickup_ticks == 0 {
        return;
    }
    let (low, high) = brief.register(Role::Comping);
    let middle = (low + high) / 2;
    let classes: Vec<u8> = plan.pickup_chord.classes().collect();
    let near = |class: u8| (middle - 6..middle + 6).find(|pitch| pitch % 12 == class);
    let mut voices: Vec<u8> = classes.iter().take(4).filter_map(|class| near(*class)).collect();
    voices.sort_unstable();
    let duration = plan.pickup_ticks - TICKS_PER_QUARTER / 16;
    let chord = voices.iter().map(|pitch| LineNote { onset: 0, duration, pitch: *pitch, velocity: 60 });
    let comping = &mut lines[Role::Comping.index()];
    comping.splice(0..0, chord);
    // The tune leads in by steps where it begins with the first bar or has nothing before the last chord.
    let (low, high) = brief.register(Role::Melody);
    let tune = &mut lines[Role::Melody.index()];
    let goal = tune.first().map_or((low + high) / 2, |note| note.pitch);
    let beats = plan.pickup_ticks / TICKS_PER_QUARTER;
    let lead: Vec<LineNote> = (0..beats)
        .map(|beat| {
            let below = goal.saturating_sub(2 * (beats - beat) as u8).max(low);
            let pitch = (below..=goal.min(high)).find(|pitch| plan.pickup_chord.has(pitch % 12)).unwrap_or(below);
            let duration = TICKS_PER_QUARTER - TICKS_PER_QUARTER / 12;
            LineNote { onset: beat * TICKS_PER_QUARTER, duration, pitch, velocity: 78 }
        })
        .collect();
    tune.splice(0..0, lead);
}
