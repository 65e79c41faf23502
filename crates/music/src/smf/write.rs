//! Scores as Standard MIDI files of format 1, which are read back as they were.

use std::collections::BTreeMap;

use super::channels::{BANK, BANK_LOW, DRUM_CHANNEL, Place, may_hold_drums};
use crate::score::{ControlChange, Part, Score, Tick};

/// The longest wait between two events: 28 bits.
const LONGEST_DELTA: Tick = (1 << 28) - 1;
/// Later moments are written as this one.
const LAST_TICK: Tick = super::events::LAST_TICK;
/// The most ticks to the quarter that a header can say.
const MOST_TICKS_PER_QUARTER: u32 = 0x7fff;

/// What comes first at one tick: what ends a note must not end the next, and a note needs its sound before it begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Meta,
    Control,
    End,
    Start,
}

/// The events of a track, not yet in order.
#[derive(Default)]
struct Track {
    events: Vec<(Tick, Order, Vec<u8>)>,
}

/// Writes a score: a track for each number, the first one with tempo, meter, keys, lyrics and markers.
///
/// What a file cannot say is bent into what it can: finer ticks than 32,767 to the quarter are rounded, and values out
/// of range are clamped. A score without broken rules whose parts of one port and channel agree in program and drums is
/// read back the same.
pub fn write(score: &Score) -> Vec<u8> {
    let ticks_per_quarter = score.ticks_per_quarter.clamp(1, MOST_TICKS_PER_QUARTER);
    let scale = Scale { from: u128::from(score.ticks_per_quarter.max(1)), to: u128::from(ticks_per_quarter) };
    let tracks = score.parts.iter().map(|part| usize::from(part.track) + 1).max().unwrap_or(1).min(0xffff);
    let mut bytes = Vec::new();
    bytes.extend(b"MThd\0\0\0\x06\0\x01");
    bytes.extend((tracks as u16).to_be_bytes());
    bytes.extend((ticks_per_quarter as u16).to_be_bytes());
    let set = set(&score.parts);
    let mut parts = score.parts.iter().peekable();
    for number in 0..tracks {
        let mut track = Track::default();
        let of_track =
            std::iter::from_fn(|| parts.next_if(|part| usize::from(part.track) <= number || number + 1 == tracks));
        let of_track: Vec<&Part> = of_track.collect();
        let end = if number == 0 {
            conductor(&mut track, score, of_track.first().copied(), &scale);
            scale.tick(score.end)
        } else {
            0
        };
        head(&mut track, &of_track, number);
        for part in of_track {
            track.play(part, set.get(&(part.port, part.channel)).copied().unwrap_or_default(), &scale);
        }
        track.finish(end, &mut bytes);
    }
    bytes
}

/// From the score's ticks to the file's.
struct Scale {
    from: u128,
    to: u128,
}

impl Scale {
    fn tick(&self, tick: Tick) -> Tick {
        if self.from == self.to {
            return tick.min(LAST_TICK);
        }
        let scaled = (u128::from(tick) * self.to + self.from / 2) / self.from;
        Tick::try_from(scaled).unwrap_or(LAST_TICK).min(LAST_TICK)
    }
}

/// What the controls of a channel set, on whatever track.
#[derive(Clone, Copy, Default)]
struct Set {
    program: bool,
    bank: bool,
    /// A bank that may hold drums.
    drum_bank: bool,
}

fn set(parts: &[Part]) -> BTreeMap<Place, Set> {
    let mut places: BTreeMap<Place, Set> = BTreeMap::new();
    for part in parts {
        let set = places.entry((part.port, part.channel)).or_default();
        for control in &part.controls {
            set.program |= matches!(control.change, ControlChange::Program(_));
            set.bank |= matches!(control.change, ControlChange::Controller(BANK | BANK_LOW, _));
            set.drum_bank |= matches!(control.change, ControlChange::Controller(BANK, bank) if may_hold_drums(bank));
        }
    }
    places
}

/// Names the song and says what holds for all parts. Where somebody plays on the first track, whose name then is
/// theirs, the title has the tag of karaoke files.
fn conductor(track: &mut Track, score: &Score, first_part: Option<&Part>, scale: &Scale) {
    if first_part.is_some() {
        track.meta(0, 0x01, format!("@T{}", score.title).as_bytes());
    } else if !score.title.is_empty() {
        track.meta(0, 0x03, score.title.as_bytes());
    }
    for tempo in &score.tempos {
        let [_, high, middle, low] = tempo.micros_per_quarter.clamp(1, (1 << 24) - 1).to_be_bytes();
        track.meta(scale.tick(tempo.at), 0x51, &[high, middle, low]);
    }
    for meter in score.meters.iter().filter(|_| score.meter_is_given) {
        let power = meter.unit.max(1).ilog2() as u8;
        // A click for each beat, counted in 24ths of a quarter; those of three eighths together.
        let clicks =
            if power == 3 && meter.beats % 3 == 0 { 36 } else { 96_u8.checked_shr(power.into()).unwrap_or(0).max(1) };
        track.meta(scale.tick(meter.at), 0x58, &[meter.beats.max(1), power, clicks, 8]);
    }
    for key in &score.key_signatures {
        track.meta(scale.tick(key.at), 0x59, &[key.sharps.clamp(-7, 7) as u8, u8::from(key.minor)]);
    }
    for (kind, texts) in [(0x05, &score.lyrics), (0x06, &score.markers)] {
        for text in texts {
            track.meta(scale.tick(text.at), kind, text.text.as_bytes());
        }
    }
}

/// What a track says about itself.
fn head(track: &mut Track, parts: &[&Part], number: usize) {
    let Some(first) = parts.first() else { return };
    if !first.name.is_empty() {
        track.meta(0, 0x03, first.name.as_bytes());
    }
    if first.port > 0 || number == 0 && parts.iter().any(|part| part.port > 0) {
        track.meta(0, 0x21, &[first.port & 127]);
    }
}

impl Track {
    fn meta(&mut self, at: Tick, kind: u8, data: &[u8]) {
        let mut event = vec![0xff, kind];
        variable_length(data.len() as u64, &mut event);
        event.extend(data);
        self.events.push((at, Order::Meta, event));
    }

    fn play(&mut self, part: &Part, set: Set, scale: &Scale) {
        let channel = part.channel.min(15);
        if part.drums != (channel == DRUM_CHANNEL) || set.drum_bank {
            self.events.push((0, Order::Meta, rhythm_message(channel, part.drums)));
        }
        let needs_program = !set.program && !part.notes.is_empty() && (!set.bank || part.program > 0);
        for control in &part.controls {
            self.events.push((scale.tick(control.at), Order::Control, control_message(channel, control.change)));
        }
        if needs_program {
            self.events.push((0, Order::Control, vec![0xc0 | channel, part.program.min(127)]));
        }
        for note in &part.notes {
            let (onset, end) = (scale.tick(note.onset), scale.tick(note.onset.saturating_add(note.duration)));
            let key = note.pitch.min(127);
            self.events.push((onset, Order::Start, vec![0x90 | channel, key, note.velocity.clamp(1, 127)]));
            self.events.push((end.max(onset + 1), Order::End, vec![0x80 | channel, key, 64]));
        }
    }

    /// Puts the events in order and appends the track, at least as long as `end`.
    fn finish(mut self, end: Tick, bytes: &mut Vec<u8>) {
        self.events.sort_by_key(|(at, order, _)| (*at, *order));
        let last = self.events.last().map_or(0, |(at, ..)| *at).max(end);
        let mut body = Vec::new();
        let mut now = 0;
        for (at, _, event) in self.events.iter().map(|(at, order, event)| (*at, *order, event.as_slice())) {
            wait(&mut now, at, &mut body);
            body.extend(event);
        }
        wait(&mut now, last, &mut body);
        body.extend([0xff, 0x2f, 0]);
        bytes.extend(b"MTrk");
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(body);
    }
}

/// Roland GS: a channel's keys are drums, or are not. Other synthesizers look past it.
fn rhythm_message(channel: u8, drums: bool) -> Vec<u8> {
    let block = match channel {
        DRUM_CHANNEL => 0x10,
        0..=8 => 0x11 + channel,
        _ => 0x10 + channel,
    };
    let body = [0x40, block, 0x15, u8::from(drums)];
    let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
    let checksum = ((128 - sum % 128) % 128) as u8;
    let mut message = vec![0xf0, 10, 0x41, 0x10, 0x42, 0x12];
    message.extend(body);
    message.extend([checksum, 0xf7]);
    message
}

fn control_message(channel: u8, change: ControlChange) -> Vec<u8> {
    match change {
        ControlChange::Program(program) => vec![0xc0 | channel, program.min(127)],
        ControlChange::Controller(number, value) => vec![0xb0 | channel, number.min(127), value.min(127)],
        ControlChange::Pressure(value) => vec![0xd0 | channel, value.min(127)],
        ControlChange::KeyPressure(key, value) => vec![0xa0 | channel, key.min(127), value.min(127)],
        ControlChange::PitchBend(bend) => {
            let value = (i32::from(bend).clamp(-8_192, 8_191) + 8_192) as u16;
            vec![0xe0 | channel, (value & 127) as u8, (value >> 7) as u8]
        }
    }
}

/// Writes the time from `now` to `at`, in several steps of an empty text where it is long.
fn wait(now: &mut Tick, at: Tick, body: &mut Vec<u8>) {
    while at - *now > LONGEST_DELTA {
        variable_length(LONGEST_DELTA, body);
        body.extend([0xff, 0x01, 0]);
        *now += LONGEST_DELTA;
    }
    variable_length(at - *now, body);
    *now = at;
}

fn variable_length(value: u64, bytes: &mut Vec<u8>) {
    let value = value.min(LONGEST_DELTA);
    for shift in [21, 14, 7] {
        if value >> shift > 0 {
            bytes.push((value >> shift & 127) as u8 | 128);
        }
    }
    bytes.push((value & 127) as u8);
}
