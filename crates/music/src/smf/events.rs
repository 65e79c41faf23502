//! The events of tracks, byte by byte: running status where none may be, data bytes out of range, lengths past the end.

use super::{
    Limits,
    chunks::{self, File, Span},
    warnings::Warnings,
};
use crate::score::{ControlChange, Tick};

/// Times beyond this are this: some months at any tempo, and never an overflow.
pub(super) const LAST_TICK: Tick = 1 << 36;
/// Continuation bytes of one number that are read at most; the format allows three.
const LONGEST_NUMBER: usize = 9;

/// What happens at a moment. Text and messages are as they are in the file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Event<'a> {
    On {
        channel: u8,
        key: u8,
        velocity: u8,
    },
    Off {
        channel: u8,
        key: u8,
    },
    /// All notes of the channel end.
    Silence {
        channel: u8,
    },
    Change {
        channel: u8,
        change: ControlChange,
    },
    /// A meta event of any type but the end.
    Meta {
        kind: u8,
        data: &'a [u8],
    },
    /// Without the leading F0.
    Exclusive(&'a [u8]),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Timed<'a> {
    pub at: Tick,
    pub offset: usize,
    pub event: Event<'a>,
}

pub(super) struct Track<'a> {
    pub number: u16,
    pub events: Vec<Timed<'a>>,
    /// The tick of its end or of its last event.
    pub end: Tick,
    /// Where its events end in the file.
    pub end_offset: usize,
}

/// Reads every track, as many and as much of them as is allowed.
pub(super) fn parse<'a>(file: &File<'a>, limits: &Limits, warnings: &mut Warnings) -> Vec<Track<'a>> {
    let mut tracks: Vec<Track<'a>> = Vec::new();
    let (mut at, mut left) = (file.start, limits.events);
    while let Ok(number) = u16::try_from(tracks.len()) {
        let Some(span) = chunks::next_track(file, at, number, warnings) else { break };
        if number >= limits.tracks {
            let what = format!("There are more than {} tracks; the others are left out", limits.tracks);
            warnings.add(None, at, &what);
            return tracks;
        }
        let reader = Reader { file, span, number, at: span.start, now: 0, status: None, left, late: false };
        let (track, ended) = reader.read(warnings);
        left = left.saturating_sub(track.events.len());
        at = chunks::after_track(file, span, track.end_offset);
        judge_end(file, span, &track, ended, at, warnings);
        tracks.push(track);
        if left == 0 {
            let what = format!("There are more than {} events; the rest of the file is left out", limits.events);
            warnings.add(None, at, &what);
            return tracks;
        }
    }
    let found = tracks.len();
    if found != usize::from(file.declared_tracks) {
        let what = format!("The header says {} tracks, and there are {found}", file.declared_tracks);
        warnings.add(None, file.start.saturating_sub(4), &what);
    }
    if file.format == 0 && found > 1 {
        warnings.add(
            None,
            file.start,
            "A file of format 0 has one track, and this one has more; they are played together",
        );
    }
    tracks
}

fn judge_end(file: &File<'_>, span: Span, track: &Track<'_>, ended: bool, next: usize, warnings: &mut Warnings) {
    let (number, at) = (Some(track.number), track.end_offset);
    if !ended {
        warnings.add(number, at, "The track has no end-of-track event");
    }
    let fits = span.end == span.said || ended && at == span.said;
    if !fits {
        let what =
            if next >= file.end && !ended { "The file ends within the track" } else { "The track's length is wrong" };
        warnings.add(number, span.start.saturating_sub(4), what);
    } else if next < span.said {
        warnings.add(number, span.start.saturating_sub(4), "The track's length covers another track");
    } else if ended && at < span.said {
        warnings.add(number, at, "There are bytes after the end of the track, which are ignored");
    }
}

struct Reader<'a, 'f> {
    file: &'f File<'a>,
    span: Span,
    number: u16,
    at: usize,
    now: Tick,
    /// The last channel status.
    status: Option<u8>,
    /// Events that may still be read.
    left: usize,
    /// Whether a meta event or a system message came since.
    late: bool,
}

impl<'a> Reader<'a, '_> {
    /// The track, and whether it said its end.
    fn read(mut self, warnings: &mut Warnings) -> (Track<'a>, bool) {
        let mut events = Vec::new();
        let mut ended = false;
        while self.at < self.span.end && events.len() < self.left {
            self.advance(warnings);
            let offset = self.at;
            match self.event(warnings) {
                Some(Some(event)) => events.push(Timed { at: self.now, offset, event }),
                Some(None) => {}
                None => {
                    ended = self.at <= self.span.end && self.peek(offset) == Some(0xff);
                    break;
                }
            }
        }
        (Track { number: self.number, events, end: self.now, end_offset: self.at.min(self.span.end) }, ended)
    }

    fn peek(&self, at: usize) -> Option<u8> {
        self.file.bytes.get(at).copied().filter(|_| at < self.span.end)
    }

    fn warn(&self, at: usize, what: &str, warnings: &mut Warnings) {
        warnings.add(Some(self.number), at, what);
    }

    fn advance(&mut self, warnings: &mut Warnings) {
        let at = self.at;
        let delta = self.variable_length(warnings);
        let sum = self.now.saturating_add(delta);
        if sum > LAST_TICK {
            self.warn(at, "A moment lies months after the start; it is set to the latest that is possible", warnings);
        }
        self.now = sum.min(LAST_TICK);
    }

    /// A number of seven bits a byte. Cut off by the end it is what there is.
    fn variable_length(&mut self, warnings: &mut Warnings) -> u64 {
        let (start, mut value) = (self.at, 0u64);
        while let Some(byte) = self.peek(self.at) {
            self.at += 1;
            value = value << 7 | u64::from(byte & 0x7f);
            if byte < 0x80 || self.at - start >= LONGEST_NUMBER {
                break;
            }
        }
        if self.at - start > 4 {
            self.warn(start, "A number is longer than the four bytes that the format allows", warnings);
        }
        value
    }

    /// One event: none at the end of the track, none within where what was read means nothing.
    fn event(&mut self, warnings: &mut Warnings) -> Option<Option<Event<'a>>> {
        let start = self.at;
        let first = self.peek(start)?;
        match first {
            0x80..=0xef => {
                self.at += 1;
                (self.status, self.late) = (Some(first), false);
                Some(self.channel_message(first, start, warnings))
            }
            0xff => self.meta(warnings),
            0xf0 | 0xf7 => {
                self.late = true;
                Some(self.exclusive(first, warnings))
            }
            0xf1..=0xfe => {
                // Real-time and common messages have no place in a file; these have data bytes.
                self.at +=
                    1 + [(0xf1, 1), (0xf2, 2), (0xf3, 1)].iter().find(|(s, _)| *s == first).map_or(0, |(_, n)| *n);
                self.late = true;
                self.warn(start, "A system message that files may not have is ignored", warnings);
                Some(None)
            }
            _ => match self.status {
                Some(status) => {
                    if self.late {
                        self.warn(start, "An event without a status follows one that is no channel's; it takes the last channel status", warnings);
                    }
                    Some(self.channel_message(status, start, warnings))
                }
                None => {
                    self.warn(start, "The track begins with events without a status; they are skipped", warnings);
                    while self.peek(self.at).is_some_and(|byte| byte < 0x80) {
                        self.at += 1;
                    }
                    if let Some(0x80..) = self.peek(self.at) { self.event(warnings) } else { None }
                }
            },
        }
    }

    fn channel_message(&mut self, status: u8, start: usize, warnings: &mut Warnings) -> Option<Event<'a>> {
        let channel = status & 0x0f;
        let one = matches!(status & 0xf0, 0xc0 | 0xd0);
        let mut data = [0; 2];
        for value in data.iter_mut().take(if one { 1 } else { 2 }) {
            let Some(byte) = self.peek(self.at) else {
                self.warn(start, "The track ends within an event", warnings);
                return None;
            };
            // The end of a track in place of a data byte: the event lost some.
            if byte == 0xff && self.file.bytes.get(self.at + 1..self.at + 3) == Some(&[0x2f, 0]) {
                self.warn(start, "The track ends within an event", warnings);
                return None;
            }
            self.at += 1;
            *value = byte;
        }
        let [first, second] = data;
        if first > 0x7f && status < 0xe0 && status & 0xf0 != 0xd0 {
            self.warn(start, "An event's key, controller or program is above 127; the event is ignored", warnings);
            return None;
        }
        if first > 0x7f || second > 0x7f {
            self.warn(start, "A value above 127 is taken as 127", warnings);
        }
        let (first, second) = (first.min(127), second.min(127));
        let change = |change| Event::Change { channel, change };
        Some(match status & 0xf0 {
            0x90 if second > 0 => Event::On { channel, key: first, velocity: second },
            0x80 | 0x90 => Event::Off { channel, key: first },
            0xa0 => change(ControlChange::KeyPressure(first, second)),
            0xb0 if first == 120 || first >= 123 => Event::Silence { channel },
            0xb0 => change(ControlChange::Controller(first, second)),
            0xc0 => change(ControlChange::Program(first)),
            0xd0 => change(ControlChange::Pressure(first)),
            _ => change(ControlChange::PitchBend((i16::from(second) << 7 | i16::from(first)) - 8_192)),
        })
    }

    fn meta(&mut self, warnings: &mut Warnings) -> Option<Option<Event<'a>>> {
        let start = self.at;
        self.at += 1;
        let Some(kind) = self.peek(self.at) else {
            self.warn(start, "The track ends within an event", warnings);
            return Some(None);
        };
        self.at += 1;
        if kind == 0x2f {
            // Its length, which is 0 where there is one at all.
            let length = self.variable_length(warnings) as usize;
            self.at = self.at.saturating_add(length).min(self.span.end);
            return None;
        }
        self.late = true;
        let data = self.data(start, warnings);
        Some((kind < 0x80).then_some(Event::Meta { kind, data }))
    }

    fn exclusive(&mut self, first: u8, warnings: &mut Warnings) -> Option<Event<'a>> {
        let start = self.at;
        self.at += 1;
        let data = self.data(start, warnings);
        (first == 0xf0).then_some(Event::Exclusive(data))
    }

    /// As many bytes as the file says there are; where it has fewer, up to what ends a system message or the track.
    fn data(&mut self, start: usize, warnings: &mut Warnings) -> &'a [u8] {
        let length = usize::try_from(self.variable_length(warnings)).unwrap_or(usize::MAX);
        let rest = self.file.bytes.get(self.at..self.span.end).unwrap_or_default();
        let data = rest.get(..length).unwrap_or_else(|| {
            self.warn(start, "An event says more bytes than its track has", warnings);
            let end = rest.iter().position(|byte| *byte == 0xf7).filter(|_| self.peek(start) == Some(0xf0));
            rest.get(..end.map_or(rest.len(), |end| end + 1)).unwrap_or(rest)
        });
        self.at += data.len();
        data
    }
}
