//! A plain reader of healthy Standard MIDI Files.

use std::collections::BTreeMap;

use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use music::score::{KeySignature, MeterChange, Part, Score, ScoreNote, TempoChange};

#[derive(Default)]
struct Channel {
    notes: Vec<ScoreNote>,
    programs: BTreeMap<u8, usize>,
}

pub fn read(bytes: &[u8]) -> Result<Score, Box<dyn std::error::Error>> {
    let file = Smf::parse(bytes)?;
    let Timing::Metrical(ticks) = file.header.timing else { return Err("SMPTE time is not read here".into()) };
    let mut score = Score {
        ticks_per_quarter: u32::from(ticks.as_int()),
        title: String::new(),
        tempos: Vec::new(),
        meters: Vec::new(),
        meter_is_given: false,
        key_signatures: Vec::new(),
        parts: Vec::new(),
        lyrics: Vec::new(),
        markers: Vec::new(),
        end: 0,
    };
    for (index, track) in file.tracks.iter().enumerate() {
        let mut at = 0u64;
        let mut name = String::new();
        let mut channels: BTreeMap<u8, Channel> = BTreeMap::new();
        let mut sounding: BTreeMap<(u8, u8), (u64, u8)> = BTreeMap::new();
        let mut programs = [0u8; 16];
        for event in track {
            at += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(MetaMessage::TrackName(bytes)) => name = String::from_utf8_lossy(bytes).into(),
                TrackEventKind::Meta(MetaMessage::Tempo(micros)) => {
                    score.tempos.push(TempoChange { at, micros_per_quarter: micros.as_int().max(1) });
                }
                TrackEventKind::Meta(MetaMessage::TimeSignature(beats, power, ..)) => {
                    score.meters.push(MeterChange { at, beats: beats.max(1), unit: 1 << power.min(7) });
                }
                TrackEventKind::Meta(MetaMessage::KeySignature(sharps, minor)) => {
                    score.key_signatures.push(KeySignature { at, sharps, minor });
                }
                TrackEventKind::Midi { channel, message } => {
                    let channel = channel.as_int();
                    let on = match message {
                        MidiMessage::ProgramChange { program } => {
                            programs[usize::from(channel)] = program.as_int();
                            continue;
                        }
                        MidiMessage::NoteOn { key, vel } => (key.as_int(), vel.as_int()),
                        MidiMessage::NoteOff { key, .. } => (key.as_int(), 0),
                        _ => continue,
                    };
                    let (pitch, velocity) = on;
                    let part = channels.entry(channel).or_default();
                    if let Some((onset, velocity)) = sounding.remove(&(channel, pitch)).filter(|(onset, _)| *onset < at)
                    {
                        part.notes.push(ScoreNote { onset, duration: at - onset, pitch, velocity });
                    }
                    if velocity > 0 {
                        sounding.insert((channel, pitch), (at, velocity));
                        *part.programs.entry(programs[usize::from(channel)]).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
        score.end = score.end.max(at);
        for (channel, Channel { mut notes, programs }) in channels {
            notes.sort_by_key(|note| (note.onset, note.pitch));
            let program = programs.iter().max_by_key(|(_, count)| **count).map_or(0, |(program, _)| *program);
            let part = Part {
                track: index as u16,
                channel,
                name: name.clone(),
                program,
                drums: channel == 9,
                notes,
                controls: Vec::new(),
            };
            score.parts.push(part);
        }
    }
    score.tempos.sort_by_key(|change| change.at);
    score.meters.sort_by_key(|change| change.at);
    score.meter_is_given = !score.meters.is_empty();
    if score.tempos.first().is_none_or(|first| first.at > 0) {
        score.tempos.insert(0, TempoChange { at: 0, micros_per_quarter: 500_000 });
    }
    if score.meters.first().is_none_or(|first| first.at > 0) {
        score.meters.insert(0, MeterChange { at: 0, beats: 4, unit: 4 });
    }
    Ok(score)
}
