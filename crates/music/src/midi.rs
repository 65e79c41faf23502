//! Standard MIDI files out: a melody, and what accompanies it, as score and sequencer programs read them.
//!
//! Format 1, 480 ticks to the quarter: a conductor track with tempo, meter and key signature, a track with the notes and
//! the syllables, and one for each part of an accompaniment. Nothing is moved onto a grid: the tempo follows the beats
//! of the singer, so that notes sound when they were sung and bar lines still stand where the bars begin. Never reads
//! files.

use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind,
    num::{u4, u7, u15, u24, u28},
};

use crate::{
    harmony::Part,
    key::{Key, Mode},
    melody::Melody,
    rhythm::BeatGrid,
};

/// Ticks to the quarter note.
pub const TICKS_PER_BEAT: u16 = 480;

/// General MIDI "Voice Oohs".
const PROGRAM: u8 = 53;
/// Ticks fit a MIDI delta below this: 28 bits, over six days at 240 bpm.
const LAST_TICK: u32 = (1 << 28) - 2;

/// Writes a melody as a MIDI file. `lyrics` are syllables with the index of their note; they need no order, and those
/// without a note of the melody are left out.
pub fn write(melody: &Melody, lyrics: Option<&[(usize, &str)]>) -> Vec<u8> {
    write_song(melody, lyrics, &[])
}

/// [`write`] with parts that play along as further tracks.
#[expect(clippy::expect_used, reason = "memory takes every byte, and so few tracks are not too many")]
pub fn write_song(melody: &Melody, lyrics: Option<&[(usize, &str)]>, parts: &[Part]) -> Vec<u8> {
    let grid = BeatGrid::of(melody);
    let mut smf = Smf::new(Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS_PER_BEAT))));
    smf.tracks.push(conductor_track(&grid, &melody.key));
    smf.tracks.push(melody_track(melody, &grid, lyrics.unwrap_or_default()));
    smf.tracks.extend(parts.iter().map(|part| part_track(part, &grid)));
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes).expect("memory takes every byte");
    bytes
}

/// The order within a tick: a note needs its sound before it begins, and what ends must not end the next of its pitch.
const META: u8 = 0;
const PROGRAM_CHANGE: u8 = 1;
const END: u8 = 2;
const START: u8 = 3;

fn tick_at(seconds: f64, grid: &BeatGrid) -> u32 {
    tick(grid.quarters_at(seconds))
}

fn tick(quarters: f64) -> u32 {
    // Not-a-number reads as 0.
    (quarters * f64::from(TICKS_PER_BEAT)).round().clamp(0.0, f64::from(LAST_TICK)) as u32
}

fn conductor_track(grid: &BeatGrid, key: &Key) -> Track<'static> {
    let (upper, lower) = grid.meter.signature();
    let clicks = if lower == 8 { 36 } else { 24 };
    let meter = MetaMessage::TimeSignature(upper, lower.trailing_zeros() as u8, clicks, 8);
    let mut events = vec![(0, MetaMessage::TrackName(b"Descant"))];
    let mut last = None;
    for (quarter, seconds) in grid.tempo_steps() {
        let tempo = (seconds * 1e6).round().clamp(1.0, f64::from((1 << 24) - 1)) as u32;
        if last != Some(tempo) {
            events.push((tick(quarter as f64), MetaMessage::Tempo(u24::new(tempo))));
            last = Some(tempo);
        }
    }
    if grid.pickup_quarters > 0 {
        events.push((0, MetaMessage::TimeSignature(grid.pickup_quarters as u8, 2, 24, 8)));
    }
    events.push((tick(f64::from(grid.pickup_quarters)), meter));
    events.push((0, MetaMessage::KeySignature(key.sharps(), key.mode == Mode::Minor)));
    events.sort_by_key(|(tick, _)| *tick);
    track(events.into_iter().map(|(tick, meta)| (tick, TrackEventKind::Meta(meta))).collect())
}

/// Events in order of their ticks, with the end of the track.
fn track<'a>(events: Vec<(u32, TrackEventKind<'a>)>) -> Track<'a> {
    let mut now = 0;
    let mut track: Track<'a> = events
        .into_iter()
        .map(|(tick, kind)| {
            let delta = u28::new(tick - now);
            now = tick;
            TrackEvent { delta, kind }
        })
        .collect();
    track.push(TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}

/// A track of events with their places within a tick.
fn in_order<'a>(mut events: Vec<(u32, u8, TrackEventKind<'a>)>) -> Track<'a> {
    events.sort_by_key(|(tick, order, _)| (*tick, *order));
    track(events.into_iter().map(|(tick, _, kind)| (tick, kind)).collect())
}

fn melody_track<'a>(melody: &Melody, grid: &BeatGrid, lyrics: &[(usize, &'a str)]) -> Track<'a> {
    let channel = u4::new(0);
    let sound = |message| TrackEventKind::Midi { channel, message };
    let mut events: Vec<(u32, u8, TrackEventKind<'a>)> = vec![
        (0, META, TrackEventKind::Meta(MetaMessage::TrackName(b"Melody"))),
        (0, PROGRAM_CHANGE, sound(MidiMessage::ProgramChange { program: u7::new(PROGRAM) })),
    ];
    for (index, (start, end)) in note_ticks(melody, grid).into_iter().enumerate() {
        let note = &melody.notes[index];
        for (_, text) in lyrics.iter().filter(|(at, text)| *at == index && !text.is_empty()) {
            events.push((start, META, TrackEventKind::Meta(MetaMessage::Lyric(text.as_bytes()))));
        }
        let key = u7::new(note.pitch.number());
        events.push((start, START, sound(MidiMessage::NoteOn { key, vel: u7::new(note.velocity.clamp(1, 127)) })));
        events.push((end, END, sound(MidiMessage::NoteOff { key, vel: u7::new(64) })));
    }
    in_order(events)
}

/// A part's notes may overlap, but not two of one pitch: the earlier ends where the later begins.
fn part_track<'a>(part: &'a Part, grid: &BeatGrid) -> Track<'a> {
    let channel = u4::new(part.channel.min(15));
    let mut sounding: Vec<(u32, u32, u8, u8)> = Vec::with_capacity(part.notes.len());
    let mut notes: Vec<_> = part.notes.iter().collect();
    notes.sort_by(|a, b| a.onset_seconds.total_cmp(&b.onset_seconds));
    for note in notes {
        let start = tick_at(note.onset_seconds, grid);
        let end = tick_at(note.onset_seconds + note.duration_seconds, grid).max(start + 1);
        let key = note.pitch.number();
        if let Some(before) = sounding.iter_mut().rev().find(|before| before.2 == key) {
            before.1 = before.1.min(start.max(before.0 + 1));
        }
        sounding.push((start, end, key, note.velocity.clamp(1, 127)));
    }
    let message = |message| TrackEventKind::Midi { channel, message };
    let mut events: Vec<(u32, u8, TrackEventKind<'a>)> = vec![
        (0, META, TrackEventKind::Meta(MetaMessage::TrackName(part.name.as_bytes()))),
        (0, PROGRAM_CHANGE, message(MidiMessage::ProgramChange { program: u7::new(part.program.min(127)) })),
    ];
    for (start, end, key, velocity) in sounding {
        let key = u7::new(key);
        events.push((start, START, message(MidiMessage::NoteOn { key, vel: u7::new(velocity) })));
        events.push((end, END, message(MidiMessage::NoteOff { key, vel: u7::new(64) })));
    }
    in_order(events)
}

/// Start and end of each note. Every note has at least one tick and ends at the latest where the next begins, whatever
/// the melody says: a note that never ends would sound for ever.
fn note_ticks(melody: &Melody, grid: &BeatGrid) -> Vec<(u32, u32)> {
    let mut ticks: Vec<(u32, u32)> = Vec::with_capacity(melody.notes.len());
    for note in &melody.notes {
        let earliest = ticks.last().map_or(0, |before| before.0 + 1);
        let start = tick_at(note.onset_seconds, grid).max(earliest);
        let end = tick_at(note.end_seconds(), grid).max(start + 1);
        if let Some(before) = ticks.last_mut() {
            before.1 = before.1.min(start);
        }
        ticks.push((start, end));
    }
    ticks
}
