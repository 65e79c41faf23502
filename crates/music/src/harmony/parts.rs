//! Who plays what: a chord instrument, a bass, a pad and drums, by patterns of a style, with smooth voice-leading.

use super::{Chord, ChordSpan, DRUM_CHANNEL, Part, PartNote, Style, chance};
use crate::{melody::Melody, meter::Meter, pitch::MidiPitch, rhythm::BeatGrid};

const CHORD_CHANNEL: u8 = 1;
const BASS_CHANNEL: u8 = 2;
const PAD_CHANNEL: u8 = 3;
/// Chords lie around this pitch (G3) and bass notes from this one up to a seventh above (E1).
const CHORD_CENTRE: i32 = 55;
const LOWEST_BASS: u8 = 28;
/// Players are this early or late, and this much louder or softer, at most.
const LOOSENESS_SECONDS: f64 = 0.006;
const LOOSENESS_VELOCITY: f64 = 5.0;
/// Time between the strings of a strum, and the notes of a rolled chord.
const STRUM_SECONDS: f64 = 0.014;
const ROLL_SECONDS: f64 = 0.06;

const KICK: u8 = 36;
const SNARE: u8 = 38;
const SIDE_STICK: u8 = 37;
const CLOSED_HAT: u8 = 42;
const CRASH: u8 = 49;

/// What is struck in a pattern.
#[derive(Clone, Copy)]
enum Stroke {
    /// One voice of the chord from below; above the last they begin again an octave higher.
    Voice(usize),
    Block,
    Strum,
    Root,
    Fifth,
}

/// Quarters after the beginning of the chord, length in quarters, velocity.
type Struck = (f64, f64, u8, Stroke);

struct Band<'a> {
    grid: &'a BeatGrid,
    seed: u64,
    chord_notes: Vec<PartNote>,
    bass_notes: Vec<PartNote>,
    pad_notes: Vec<PartNote>,
    drum_notes: Vec<PartNote>,
}

/// Parts for chords; those with nothing to play are left out.
pub(super) fn play(melody: &Melody, grid: &BeatGrid, chords: &[ChordSpan], style: Style, seed: u64) -> Vec<Part> {
    let mut band = Band {
        grid,
        seed,
        chord_notes: Vec::new(),
        bass_notes: Vec::new(),
        pad_notes: Vec::new(),
        drum_notes: Vec::new(),
    };
    let in_time = melody.rhythm.is_steady();
    let mut voicing = Vec::new();
    for (index, span) in chords.iter().enumerate() {
        voicing = voiced(&span.chord, &voicing);
        let is_last = index + 1 == chords.len();
        if is_last || !in_time {
            band.free(span, &voicing, style, is_last);
        } else {
            band.in_time(span, &voicing, style);
        }
        if matches!(style, Style::Ballad | Style::Pop) {
            band.pad(span, &voicing);
        }
    }
    if in_time && matches!(style, Style::Pop | Style::Rock) {
        band.drums(chords, style);
    }
    let [chord_program, bass_program, pad_program] = programs(style);
    let part = |name: &str, channel, program, notes| Part { name: name.to_owned(), channel, program, notes };
    let mut parts = vec![
        part("Chords", CHORD_CHANNEL, chord_program, band.chord_notes),
        part("Bass", BASS_CHANNEL, bass_program, band.bass_notes),
        part("Pad", PAD_CHANNEL, pad_program, band.pad_notes),
        part("Drums", DRUM_CHANNEL, 0, band.drum_notes),
    ];
    parts.retain(|part| !part.notes.is_empty());
    parts
}

/// General MIDI programs of chords, bass and pad.
const fn programs(style: Style) -> [u8; 3] {
    match style {
        Style::Ballad => [0, 32, 89],
        Style::Pop => [4, 33, 89],
        Style::Folk => [25, 32, 89],
        Style::Waltz => [0, 32, 48],
        Style::Rock => [27, 33, 89],
    }
}

/// Three pitches of the chord, moved as little as possible from those before (voices in order, so none cross).
fn voiced(chord: &Chord, before: &[i32]) -> Vec<i32> {
    // Of a seventh chord the fifth is left out.
    let intervals: Vec<i32> = match chord.quality.intervals() {
        [root, third, _, seventh] => [root, third, seventh].map(|&i| i32::from(i)).to_vec(),
        triad => triad.iter().map(|&i| i32::from(i)).collect(),
    };
    let root = i32::from(chord.root % 12);
    let mut best: (i32, Vec<i32>) = (i32::MAX, Vec::new());
    for octave in 3..6 {
        for inversion in 0..intervals.len() {
            let mut pitches: Vec<i32> = (0..intervals.len())
                .map(|voice| {
                    let at = voice + inversion;
                    root + 12 * (octave + (at / intervals.len()) as i32) + intervals[at % intervals.len()]
                })
                .collect();
            pitches.sort_unstable();
            let moved: i32 = pitches.iter().zip(before).map(|(now, then)| (now - then).abs()).sum();
            let middle = pitches.iter().sum::<i32>() / pitches.len().max(1) as i32;
            let cost = moved + 2 * (middle - CHORD_CENTRE).abs();
            if cost < best.0 {
                best = (cost, pitches);
            }
        }
    }
    best.1
}

fn bass_pitch(class: u8) -> u8 {
    LOWEST_BASS + (class + 12 - LOWEST_BASS % 12) % 12
}

impl Band<'_> {
    /// A little human: by the note's place in the song.
    fn note(&self, onset_seconds: f64, duration_seconds: f64, number: i32, velocity: u8, count: usize) -> PartNote {
        let place = count as u64 * 2 + (number as u64) * 100_003;
        let early = LOOSENESS_SECONDS * (2.0 * chance(self.seed, place) - 1.0);
        let louder = LOOSENESS_VELOCITY * (2.0 * chance(self.seed, place + 1) - 1.0);
        PartNote {
            onset_seconds: (onset_seconds + early).max(0.0),
            duration_seconds: duration_seconds.max(0.03),
            pitch: MidiPitch::new(number.clamp(0, 127) as u8),
            velocity: (f64::from(velocity) + louder).round().clamp(1.0, 127.0) as u8,
        }
    }

    fn in_time(&mut self, span: &ChordSpan, voicing: &[i32], style: Style) {
        let from = self.grid.quarters_at(span.start_seconds);
        let length = (self.grid.quarters_at(span.end_seconds) - from).round().max(1.0);
        for (offset, quarters, velocity, stroke) in pattern(style, self.grid.meter, length) {
            let start = self.grid.seconds_at(from + offset);
            let end = self.grid.seconds_at((from + offset + quarters).min(from + length));
            self.strike(stroke, start, end, velocity, &span.chord, voicing);
        }
    }

    fn strike(&mut self, stroke: Stroke, start: f64, end: f64, velocity: u8, chord: &Chord, voicing: &[i32]) {
        match stroke {
            Stroke::Root | Stroke::Fifth => {
                let fifth = if matches!(stroke, Stroke::Fifth) { chord.quality.intervals()[2] } else { 0 };
                let number = i32::from(bass_pitch(chord.root % 12)) + i32::from(fifth);
                let note = self.note(start, (end - start) * 0.95, number, velocity, self.bass_notes.len());
                self.bass_notes.push(note);
            }
            Stroke::Voice(voice) => {
                let octave = 12 * (voice / voicing.len().max(1)) as i32;
                if let Some(number) = voicing.get(voice % voicing.len().max(1)) {
                    let note = self.note(start, end - start, number + octave, velocity, self.chord_notes.len());
                    self.chord_notes.push(note);
                }
            }
            Stroke::Block | Stroke::Strum => {
                let apart = if matches!(stroke, Stroke::Strum) { STRUM_SECONDS } else { 0.0 };
                // A guitar doubles its lowest string an octave up.
                let doubled = matches!(stroke, Stroke::Strum).then(|| voicing.first().map(|low| low + 12)).flatten();
                for (string, number) in voicing.iter().copied().chain(doubled).enumerate() {
                    let onset = start + apart * string as f64;
                    let note = self.note(onset, end - onset, number, velocity, self.chord_notes.len());
                    self.chord_notes.push(note);
                }
            }
        }
    }

    /// Without a beat: a rolled chord that is held, over its root; slow enough ones are struck again in the middle.
    fn free(&mut self, span: &ChordSpan, voicing: &[i32], style: Style, is_last: bool) {
        let length = span.end_seconds - span.start_seconds;
        let apart = if matches!(style, Style::Folk | Style::Rock) { STRUM_SECONDS } else { ROLL_SECONDS };
        // A short chord is rolled faster: it is complete by its middle.
        let apart = apart.min(length / 8.0);
        for (index, number) in voicing.iter().copied().chain(voicing.first().map(|low| low + 12)).enumerate() {
            let onset = span.start_seconds + apart * index as f64;
            let note = self.note(onset, length - apart * index as f64, number, 66, self.chord_notes.len());
            self.chord_notes.push(note);
        }
        self.strike(Stroke::Root, span.start_seconds, span.end_seconds, 74, &span.chord, voicing);
        if !is_last && length > 2.2 {
            let middle = span.start_seconds + length / 2.0;
            for voice in 1..=3usize {
                let start = middle + 0.22 * (voice - 1) as f64;
                self.strike(Stroke::Voice(voice), start, span.end_seconds, 54, &span.chord, voicing);
            }
        }
    }

    fn pad(&mut self, span: &ChordSpan, voicing: &[i32]) {
        for &number in voicing {
            let length = span.end_seconds - span.start_seconds;
            let note = self.note(span.start_seconds, length, number, 52, self.pad_notes.len());
            self.pad_notes.push(note);
        }
    }

    /// Kick and snare by their place in the bar, hats on eighths, a crash on the last chord.
    fn drums(&mut self, chords: &[ChordSpan], style: Style) {
        let (Some(first), Some(last)) = (chords.first(), chords.last()) else { return };
        let from = (self.grid.quarters_at(first.start_seconds) * 2.0).round() as i64;
        let until = (self.grid.quarters_at(last.start_seconds) * 2.0).round() as i64;
        let bar = 2 * i64::from(self.grid.meter.quarters_per_bar());
        let pickup = 2 * i64::from(self.grid.pickup_quarters);
        let snare = if style == Style::Rock { SNARE } else { SIDE_STICK };
        for eighth in from..until {
            let in_bar = (eighth - pickup).rem_euclid(bar);
            let hit = match (self.grid.meter, in_bar) {
                (_, 0) => Some((KICK, 96)),
                (Meter::FourFour, 4) => Some((KICK, 88)),
                (Meter::FourFour, 5) if style == Style::Rock => Some((KICK, 76)),
                (Meter::FourFour, 2 | 6) => Some((snare, 84)),
                (Meter::SixEight, 3) => Some((snare, 80)),
                (Meter::ThreeFour, 2 | 4) => Some((snare, 62)),
                _ => None,
            };
            let at = self.grid.seconds_at(eighth as f64 / 2.0);
            for (number, velocity) in hit.into_iter().chain([(CLOSED_HAT, if in_bar % 2 == 0 { 62 } else { 44 })]) {
                let note = self.note(at, 0.1, i32::from(number), velocity, self.drum_notes.len());
                self.drum_notes.push(note);
            }
        }
        let at = self.grid.seconds_at(until as f64 / 2.0);
        for (number, velocity) in [(KICK, 92), (CRASH, 58)] {
            let note = self.note(at, 0.6, i32::from(number), velocity, self.drum_notes.len());
            self.drum_notes.push(note);
        }
    }
}

/// What a style plays on a chord of so many quarters.
fn pattern(style: Style, meter: Meter, quarters: f64) -> Vec<Struck> {
    use Stroke::{Block, Fifth, Root, Strum, Voice};
    let count = quarters as usize;
    let mut struck: Vec<Struck> = Vec::new();
    match style {
        Style::Ballad => {
            struck.push((0.0, quarters, 78, Root));
            let order = [0, 1, 2, 3, 2, 1];
            for eighth in 0..2 * count {
                let velocity = if eighth == 0 { 68 } else { 56 };
                let at = eighth as f64 / 2.0;
                // Each rings into the next one, as under a pedal.
                struck.push((at, 1.5, velocity, Voice(order[eighth % order.len()])));
            }
        }
        Style::Waltz => {
            struck.push((0.0, 1.0, 82, Root));
            struck.extend((1..count).map(|beat| (beat as f64, 0.8, 58, Block)));
        }
        Style::Folk => {
            let strums: &[f64] = if meter == Meter::SixEight { &[0.5, 1.0, 2.0, 2.5] } else { &[1.0, 1.5] };
            let period = if meter == Meter::SixEight { 3 } else { 2 };
            for start in (0..count).step_by(period) {
                let base = start as f64;
                struck.push((base, 1.0, 80, if start % 4 == 2 { Fifth } else { Root }));
                struck.push((base, 1.0, 58, Voice(0)));
                let inside = strums.iter().filter(|at| base + **at < quarters);
                struck.extend(inside.map(|at| (base + at, 0.6, if at.fract() > 0.0 { 52 } else { 66 }, Strum)));
            }
        }
        Style::Pop => {
            let beats = if meter == Meter::SixEight { 1.5 } else { 1.0 };
            let pulses = (quarters / beats).round() as usize;
            struck.extend((0..pulses).map(|i| (i as f64 * beats, beats * 0.85, if i == 0 { 70 } else { 60 }, Block)));
            struck.push((0.0, beats * 1.4, 84, Root));
            if quarters > beats {
                struck.push((quarters - beats / 2.0, beats / 2.0, 66, Fifth));
            }
        }
        Style::Rock => {
            for eighth in 0..2 * count {
                let at = eighth as f64 / 2.0;
                struck.push((at, 0.45, if eighth % 2 == 0 { 84 } else { 72 }, Root));
            }
            struck.push((0.0, 0.9, 72, Strum));
            struck.extend((1..count).map(|beat| (beat as f64 + 0.5, 0.5, 62, Strum)));
        }
    }
    struck
}
