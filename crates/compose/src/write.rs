//! The song as a score, and as a melody for a voice.

use music::{
    Key, Melody, MidiPitch, Mode, Note, Phrase, Rhythm, Score,
    score::{Control, ControlChange, KeySignature, MeterChange, Part, ScoreNote, TempoChange, Text},
};

use crate::{
    brief::Brief,
    composition::{Section, SectionKind},
    perform::{perform, swung},
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
};

/// MIDI channel of each role.
const CHANNELS: [u8; Role::COUNT] = [0, 1, 2, 3, 9];
/// Controllers of General MIDI.
const VOLUME: u8 = 7;
const PAN: u8 = 10;
const PANS: [u8; Role::COUNT] = [64, 48, 78, 64, 64];
/// A rest of this many quarters ends a phrase.
const BREATH_QUARTERS: f64 = 0.5;

/// Seconds of a tick.
pub fn seconds(plan: &Plan, tick: f64) -> f64 {
    plan.clock.seconds(tick)
}

/// The score and the role of each of its parts.
pub fn score(
    brief: &Brief<'_>,
    plan: &Plan,
    lines: &[Vec<LineNote>; Role::COUNT],
    sections: &[Section],
) -> (Score, Vec<Role>) {
    let tempos = plan.clock.tempos();
    let end = end(plan, &tempos);
    let (mut parts, mut roles) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        let line = &lines[role.index()];
        if line.is_empty() {
            continue;
        }
        let notes = perform(brief, plan, role, line).into_iter().filter(|note| u64::from(note.onset) < end);
        let notes = notes.map(|note| ScoreNote {
            onset: note.onset.into(),
            duration: u64::from(note.duration).min(end - u64::from(note.onset)),
            pitch: note.pitch,
            velocity: note.velocity,
        });
        let control = |number, value| Control { at: 0, change: ControlChange::Controller(number, value) };
        let mut controls = vec![control(VOLUME, brief.spec.volumes[role.index()]), control(PAN, PANS[role.index()])];
        if role == Role::Melody {
            controls.extend(soloists(brief, plan));
        }
        roles.push(role);
        parts.push(Part {
            track: parts.len() as u16 + 1,
            port: 0,
            channel: CHANNELS[role.index()],
            name: role.name().to_owned(),
            program: brief.players.programs[role.index()],
            drums: role == Role::Drums,
            notes: notes.collect(),
            controls,
        });
    }
    let ticks = |seconds: f64| (plan.clock.ticks(seconds).round() as u64).min(end);
    let marker = |section: &Section| Text { at: ticks(section.start_seconds), text: section.name.clone() };
    let mut meters = vec![MeterChange { at: 0, beats: brief.beats() as u8, unit: 4 }];
    if plan.pickup_ticks > 0 {
        // The pickup is a short bar of its own, so that bar lines are where they are heard.
        meters[0].beats = (plan.pickup_ticks / TICKS_PER_QUARTER) as u8;
        meters.push(MeterChange { at: plan.pickup_ticks.into(), beats: brief.beats() as u8, unit: 4 });
    }
    let score = Score {
        ticks_per_quarter: TICKS_PER_QUARTER,
        title: String::new(),
        tempos,
        meters,
        meter_is_given: true,
        key_signatures: vec![signature(&plan.key)],
        parts,
        lyrics: Vec::new(),
        markers: sections.iter().map(marker).collect(),
        end,
    };
    (score, roles)
}

/// The last tick of a song, by the tempos that its score has.
fn end(plan: &Plan, tempos: &[TempoChange]) -> u64 {
    let mut from = 0.0;
    for (place, tempo) in tempos.iter().enumerate() {
        let per_tick = f64::from(tempo.micros_per_quarter) / 1e6 / f64::from(TICKS_PER_QUARTER);
        match tempos.get(place + 1) {
            Some(next) => from += (next.at - tempo.at) as f64 * per_tick,
            None => return tempo.at + ((plan.seconds - from) / per_tick).max(0.0).floor() as u64,
        }
    }
    0
}

fn signature(key: &Key) -> KeySignature {
    KeySignature { at: 0, sharps: key.sharps(), minor: key.mode == Mode::Minor }
}

/// Solos have another player.
fn soloists(brief: &Brief<'_>, plan: &Plan) -> Vec<Control> {
    let (own, soloist) = (brief.players.programs[Role::Melody.index()], brief.players.soloist);
    let mut now = own;
    let mut changes = Vec::new();
    let firsts = plan.bars.iter().filter(|bar| bar.index == 0);
    let ends = std::iter::once((plan.end, own));
    let players = firsts.map(|bar| {
        let is_solo = plan.section(bar).kind == SectionKind::Solo;
        (bar.start, if is_solo { soloist } else { own })
    });
    for (at, player) in players.chain(ends) {
        if player != now {
            now = player;
            // A little ahead of a note that comes early.
            let at = u64::from(at.saturating_sub(TICKS_PER_QUARTER / 16));
            changes.push(Control { at, change: ControlChange::Program(player) });
        }
    }
    changes
}

/// The melody as it is sung.
pub fn melody(plan: &Plan, brief: &Brief<'_>, line: &[LineNote]) -> Melody {
    let notes: Vec<Note> = line
        .iter()
        .map(|note| {
            let onset_seconds = seconds(plan, swung(note.onset, brief.spec));
            let end = if note.onset >= plan.end { f64::from(note.end()) } else { swung(note.end(), brief.spec) };
            Note {
                onset_seconds,
                duration_seconds: (seconds(plan, end) - onset_seconds).max(0.01),
                pitch: MidiPitch::new(note.pitch),
                cents: 0.0,
                velocity: note.velocity,
            }
        })
        .collect();
    let beats = plan.end / TICKS_PER_QUARTER + 1;
    let rhythm = Rhythm {
        beats_seconds: (0..=beats).map(|beat| seconds(plan, f64::from(beat * TICKS_PER_QUARTER))).collect(),
        downbeat: (plan.pickup_ticks / TICKS_PER_QUARTER) as usize,
        meter: brief.spec.meter,
        meter_confidence: 1.0,
        tempo_confidence: 1.0,
    };
    Melody {
        duration_seconds: plan.seconds,
        phrases: phrases(plan, line),
        notes,
        key: plan.key,
        tempo_bpm: plan.length.bpm,
        rhythm,
        ..Melody::default()
    }
}

/// Phrases end at rests, and where a section does. None is longer than four bars.
fn phrases(plan: &Plan, line: &[LineNote]) -> Vec<Phrase> {
    let mut phrases: Vec<Phrase> = Vec::new();
    let breath = (BREATH_QUARTERS * f64::from(TICKS_PER_QUARTER)) as u32;
    let mut start = 0;
    for index in 1..=line.len() {
        let ends = match (line.get(index), &line[index - 1]) {
            (None, _) => true,
            (Some(next), note) => {
                let rest = next.onset.saturating_sub(note.end()) >= breath;
                let crosses =
                    plan.bars.iter().any(|bar| bar.index == 0 && note.onset < bar.start && bar.start <= next.onset);
                rest && index - start >= 2 || crosses || next.onset - line[start].onset >= 4 * plan.bar_ticks
            }
        };
        if ends {
            phrases.push(Phrase { start, end: index });
            start = index;
        }
    }
    phrases
}
