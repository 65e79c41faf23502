//! The blend as a score.

use music::{
    Key, Mode, Score,
    score::{Control, ControlChange, KeySignature, MeterChange, Part, ScoreNote, TempoChange, Text},
};

use crate::{
    material::Material,
    plan::Plan,
    realise::Realised,
    role::{LineNote, Role},
    target,
};

pub const TICKS_PER_QUARTER: u32 = 480;
/// MIDI channel of drums.
const DRUMS: u8 = 9;
/// Controllers of General MIDI: volume and pan; and their values by role.
const VOLUME: u8 = 7;
const PAN: u8 = 10;
const VOLUMES: [u8; Role::COUNT] = [105, 88, 78, 95, 92];
const PANS: [u8; Role::COUNT] = [64, 84, 46, 64, 64];
/// How much slower the bar before the end is, and the end.
const SLOWING: [f64; 2] = [0.93, 0.85];

/// Seconds that the slowing at the end adds: half a bar and the held bars.
pub fn seconds(bars: usize, beats: f64, bpm: f64) -> f64 {
    let hold = if bars > 8 { 2.0 } else { 1.0 };
    let held = hold * beats;
    let slower = (bars as f64 - hold) * beats - 2.0;
    (slower + 2.0 / SLOWING[0] + held / SLOWING[1]) * 60.0 / bpm
}

/// One part for each role and song that gives it, as many instruments as there are; and the role of each part.
pub fn score(plan: &Plan, materials: &[Material; 3], realised: &Realised, title: &str) -> (Score, Vec<Role>) {
    let (mut parts, mut roles) = (Vec::new(), Vec::new());
    let mut channels = (0..16u8).filter(|&channel| channel != DRUMS);
    let end = ticks(plan.bars() as f64 * plan.target.bar());
    for role in Role::ALL {
        let played = by_song(plan, role, realised);
        // Drums of several songs are played on one kit.
        let kit = played.first().map_or(0, |(song, _)| program(role, materials[*song].programs[role.index()]));
        for (song, notes) in played {
            let channel = if role == Role::Drums { Some(DRUMS) } else { channels.next() };
            let (Some(channel), false) = (channel, notes.is_empty()) else { continue };
            let program = if role == Role::Drums { kit } else { program(role, materials[song].programs[role.index()]) };
            let set = |number, value| Control { at: 0, change: ControlChange::Controller(number, value) };
            roles.push(role);
            parts.push(Part {
                track: parts.len() as u16 + 1,
                port: 0,
                channel,
                name: format!("{}: {}", role.name(), materials[song].title),
                program,
                drums: role == Role::Drums,
                notes: score_notes(&notes, plan.target.swing, end),
                controls: vec![set(VOLUME, VOLUMES[role.index()]), set(PAN, PANS[role.index()])],
            });
        }
    }
    let hold = plan.hold_bar() as f64 * plan.target.bar();
    let tempo = |at: f64, factor: f64| TempoChange {
        at: ticks(at),
        micros_per_quarter: (60e6 / (plan.target.bpm * factor)).round().clamp(1.0, 16_777_215.0) as u32,
    };
    let marker = |section: &crate::form::Section| Text {
        at: ticks(section.first_bar as f64 * plan.target.bar()),
        text: section.label(),
    };
    let score = Score {
        ticks_per_quarter: TICKS_PER_QUARTER,
        title: title.to_owned(),
        tempos: vec![tempo(0.0, 1.0), tempo(hold - 2.0, SLOWING[0]), tempo(hold, SLOWING[1])],
        meters: vec![MeterChange { at: 0, beats: plan.target.beats, unit: 4 }],
        meter_is_given: true,
        key_signatures: vec![signature(&plan.target.key)],
        parts,
        lyrics: Vec::new(),
        markers: plan.sections.iter().map(marker).collect(),
        end,
    };
    (score, roles)
}

fn signature(key: &Key) -> KeySignature {
    KeySignature { at: 0, sharps: key.sharps(), minor: key.mode == Mode::Minor }
}

fn ticks(quarters: f64) -> u64 {
    (quarters.max(0.0) * f64::from(TICKS_PER_QUARTER)).round() as u64
}

/// Notes by the song of their bar; those of bars that were made go to the song before.
fn by_song(plan: &Plan, role: Role, realised: &Realised) -> Vec<(usize, Vec<LineNote>)> {
    let songs: Vec<Option<usize>> = (0..plan.bars()).map(|bar| plan.cell(role, bar)?.song).collect();
    let fallback = songs.iter().flatten().next().copied().unwrap_or(0);
    let of_bar = |bar: usize| songs[..(bar + 1).min(songs.len())].iter().rev().flatten().next().copied();
    let mut players: [Vec<LineNote>; 3] = Default::default();
    for &note in &realised.lines[role.index()] {
        let mut note = note;
        let bar = ((note.onset + 1e-6) / plan.target.bar()) as usize;
        let pickup = realised.pickups.iter().filter(|_| role == Role::Melody).find(|pickup| pickup.has(&note));
        let song = pickup.map(|pickup| pickup.song).or(of_bar(bar)).unwrap_or(fallback);
        // All drummers share one channel, where the end of a note would end another's.
        if role == Role::Drums && of_bar(bar + 1) != Some(song) {
            note.length = note.length.min((bar + 1) as f64 * plan.target.bar() - note.onset);
        }
        players[song].push(note);
    }
    players.into_iter().enumerate().filter(|(_, notes)| !notes.is_empty()).collect()
}

/// General MIDI program for a role: basses and pads sing no tunes, and tunes play no bass.
fn program(role: Role, own: u8) -> u8 {
    match role {
        Role::Melody | Role::CounterMelody => match own {
            32..=39 => 73,
            88..=103 => 80,
            112.. => 73,
            other => other,
        },
        Role::Chords if (32..=39).contains(&own) || own >= 112 => 4,
        Role::Bass if !(32..=39).contains(&own) => 33,
        _ => own,
    }
}

fn score_notes(line: &[LineNote], swing: f64, end: u64) -> Vec<ScoreNote> {
    let mut notes: Vec<ScoreNote> = line
        .iter()
        .map(|note| {
            let swung = |quarters: f64| if swing > 1.0 { target::swung(quarters, swing) } else { quarters };
            let onset = ticks(swung(note.onset)).min(end.saturating_sub(1));
            let duration = ticks(swung(note.end())).min(end).saturating_sub(onset).max(1);
            ScoreNote { onset, duration, pitch: note.pitch.clamp(0, 127) as u8, velocity: note.velocity.clamp(1, 127) }
        })
        .collect();
    notes.sort_by_key(|note| (note.onset, note.pitch));
    // Rounding may let a note touch the next of its pitch.
    let mut next = [u64::MAX; 128];
    for note in notes.iter_mut().rev() {
        let free = &mut next[usize::from(note.pitch)];
        note.duration = note.duration.min(free.saturating_sub(note.onset)).max(1);
        *free = note.onset;
    }
    notes.dedup_by_key(|note| (note.onset, note.pitch));
    notes
}
