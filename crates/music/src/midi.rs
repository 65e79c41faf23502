//! Standard MIDI files out: a melody as score and sequencer programs read it.
//!
//! Format 1, 480 ticks to the quarter: a conductor track with tempo and key signature, and a track with the notes and
//! the syllables. Times keep what was sung; nothing is moved onto a grid. Never reads files.

use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind,
    num::{u4, u7, u15, u24, u28},
};

use crate::{
    key::{Key, Mode},
    melody::Melody,
};

/// Ticks to the quarter note.
pub const TICKS_PER_BEAT: u16 = 480;

/// General MIDI "Voice Oohs".
const PROGRAM: u8 = 53;
/// A tempo that is not one is written as this.
const PLAIN_BPM: f64 = 120.0;
/// Ticks fit a MIDI delta below this: 28 bits, over six days at 240 bpm.
const LAST_TICK: u32 = (1 << 28) - 2;

/// Writes a melody as a MIDI file. `lyrics` are syllables with the index of their note; they need no order, and those
/// without a note of the melody are left out.
pub fn write(melody: &Melody, lyrics: Option<&[(usize, &str)]>) -> Vec<u8> {
    let tempo = microseconds_per_beat(melody.tempo_bpm);
    let mut smf = Smf::new(Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS_PER_BEAT))));
    smf.tracks.push(conductor_track(tempo, &melody.key));
    smf.tracks.push(melody_track(melody, tempo, lyrics.unwrap_or_default()));
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes).expect("memory takes every byte, and two tracks are not too many");
    bytes
}

/// The tempo as the file says it; ticks are counted with this rounded value.
fn microseconds_per_beat(bpm: f64) -> u32 {
    let bpm = if bpm.is_finite() && bpm >= 4.0 { bpm } else { PLAIN_BPM };
    (60e6 / bpm).round().clamp(1.0, f64::from((1 << 24) - 1)) as u32
}

fn tick_at(seconds: f64, tempo: u32) -> u32 {
    let ticks = seconds * 1e6 / f64::from(tempo) * f64::from(TICKS_PER_BEAT);
    // Not-a-number reads as 0.
    ticks.round().clamp(0.0, f64::from(LAST_TICK)) as u32
}

fn conductor_track(tempo: u32, key: &Key) -> Track<'static> {
    let meta = |message| TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(message) };
    vec![
        meta(MetaMessage::TrackName(b"Descant")),
        meta(MetaMessage::Tempo(u24::new(tempo))),
        meta(MetaMessage::TimeSignature(4, 2, 24, 8)),
        meta(MetaMessage::KeySignature(key.sharps(), key.mode == Mode::Minor)),
        meta(MetaMessage::EndOfTrack),
    ]
}

fn melody_track<'a>(melody: &Melody, tempo: u32, lyrics: &[(usize, &'a str)]) -> Track<'a> {
    let channel = u4::new(0);
    let sound = |message| TrackEventKind::Midi { channel, message };
    // At one tick a note ends before the next syllable and note begin.
    let mut events: Vec<(u32, TrackEventKind<'a>)> = vec![
        (0, TrackEventKind::Meta(MetaMessage::TrackName(b"Melody"))),
        (0, sound(MidiMessage::ProgramChange { program: u7::new(PROGRAM) })),
    ];
    for (index, (start, end)) in note_ticks(melody, tempo).into_iter().enumerate() {
        let note = &melody.notes[index];
        for (_, text) in lyrics.iter().filter(|(at, text)| *at == index && !text.is_empty()) {
            events.push((start, TrackEventKind::Meta(MetaMessage::Lyric(text.as_bytes()))));
        }
        let key = u7::new(note.pitch.number());
        events.push((start, sound(MidiMessage::NoteOn { key, vel: u7::new(note.velocity.clamp(1, 127)) })));
        events.push((end, sound(MidiMessage::NoteOff { key, vel: u7::new(64) })));
    }
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

/// Start and end of each note. Every note has at least one tick and ends at the latest where the next begins, whatever
/// the melody says: a note that never ends would sound for ever.
fn note_ticks(melody: &Melody, tempo: u32) -> Vec<(u32, u32)> {
    let mut ticks: Vec<(u32, u32)> = Vec::with_capacity(melody.notes.len());
    for note in &melody.notes {
        let earliest = ticks.last().map_or(0, |before| before.0 + 1);
        let start = tick_at(note.onset_seconds, tempo).max(earliest);
        let end = tick_at(note.end_seconds(), tempo).max(start + 1);
        if let Some(before) = ticks.last_mut() {
            before.1 = before.1.min(start);
        }
        ticks.push((start, end));
    }
    ticks
}
