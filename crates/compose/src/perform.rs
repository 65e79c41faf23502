//! From written to played: swing and human timing. Nothing of the last chord is moved.

use crate::{
    brief::Brief,
    dice::Matter,
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
    spec::{Spec, SwingUnit},
};

/// Where a moment in straight time is played with swing, in ticks. Between the beats that stay, time is stretched evenly.
pub fn swung(tick: u32, spec: &Spec) -> f64 {
    if spec.swing <= 1.0 || spec.steps_per_beat == 3 {
        return f64::from(tick);
    }
    let pair = match spec.swing_unit {
        SwingUnit::Eighths => TICKS_PER_QUARTER,
        SwingUnit::Sixteenths => TICKS_PER_QUARTER / 2,
    };
    let first = spec.swing / (1.0 + spec.swing);
    let (start, inside) = (tick / pair * pair, f64::from(tick % pair) / f64::from(pair));
    let played = if inside < 0.5 { 2.0 * inside * first } else { first + (2.0 * inside - 1.0) * (1.0 - first) };
    f64::from(start) + played * f64::from(pair)
}

/// How far a role strays, in parts of the style's looseness, and how much it lags, in milliseconds.
const fn touch(role: Role) -> (f64, f64) {
    match role {
        Role::Melody => (1.0, 3.0),
        Role::Comping => (0.8, 1.0),
        Role::Pad => (0.5, 0.0),
        Role::Bass => (0.6, 2.0),
        Role::Drums => (0.5, 0.0),
    }
}

/// The notes of a role as they are played. Those from the last chord on keep their time.
pub fn perform(brief: &Brief<'_>, plan: &Plan, role: Role, line: &[LineNote]) -> Vec<LineNote> {
    let mut dice = brief.dice(Matter::Timing, role.index() as u32);
    let (loose_ms, loose_velocity) = brief.spec.human;
    let (part, late_ms) = touch(role);
    let late_ms = if loose_ms > 0.0 { late_ms } else { 0.0 };
    let strum = if role == Role::Comping { brief.spec.strum_ms } else { 0.0 };
    let mut played: Vec<LineNote> = Vec::with_capacity(line.len());
    let (mut together, mut string) = (None, 0u32);
    let mut stray = 0.0;
    for note in line {
        // Keys that are struck together stay together, or follow each other as the strings of a strum.
        if together == Some(note.onset) {
            string += 1;
        } else {
            (together, string) = (Some(note.onset), 0);
            stray = late_ms + part * loose_ms * dice.bell() / 1.5;
        }
        let ticks_per_ms = plan.clock.ticks_per_second(note.onset) / 1000.0;
        let velocity = f64::from(note.velocity) + 0.6 * loose_velocity * dice.bell() / 1.5;
        let velocity = velocity.round().clamp(1.0, 127.0) as u8;
        let later = strum * f64::from(string.min(5)) * ticks_per_ms;
        if note.onset >= plan.end {
            let onset = note.onset + later.round() as u32;
            let duration = note.end().saturating_sub(onset).max(1);
            played.push(LineNote { onset, duration, ..*note });
            continue;
        }
        let latest = plan.end.saturating_sub(1);
        let onset = (swung(note.onset, brief.spec) + stray * ticks_per_ms + later).round().max(0.0) as u32;
        let onset = onset.min(latest);
        let end = (swung(note.end(), brief.spec).round() as u32).min(plan.end);
        played.push(LineNote { onset, duration: end.saturating_sub(onset).max(1), pitch: note.pitch, velocity });
    }
    tidy(&mut played, role == Role::Melody);
    played
}

/// Notes in order; those of one pitch end where the next begins, and a tune has one at a time.
pub fn tidy(notes: &mut Vec<LineNote>, is_single: bool) {
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes.dedup_by_key(|note| (note.onset, note.pitch));
    if is_single {
        notes.dedup_by_key(|note| note.onset);
    }
    let mut next = [u32::MAX; 128];
    let mut next_of_all = u32::MAX;
    for note in notes.iter_mut().rev() {
        let free = &mut next[usize::from(note.pitch.min(127))];
        let until = if is_single { next_of_all } else { *free };
        note.duration = note.duration.min(until.saturating_sub(note.onset)).max(1);
        *free = note.onset;
        next_of_all = note.onset;
    }
}
