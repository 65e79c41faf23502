//! The file's frame: its header, a RIFF wrapper, and where tracks begin and end when their lengths lie.

use super::{Limits, SmfError, sniff, warnings::Warnings};

/// Junk before the header that is looked past, such as the 128 bytes of MacBinary.
const MOST_JUNK: usize = 1 << 10;
const HEADER: &[u8] = b"MThd";
const TRACK: &[u8] = b"MTrk";

/// How long a tick is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Division {
    /// Ticks to the quarter note, at least 1.
    Quarter(u16),
    /// Ticks of fixed length: frames to the second (29 means 30000/1001) and ticks to the frame, both at least 1.
    Frames { per_second: u8, ticks: u8 },
}

/// An opened file, its tracks not yet read.
pub(super) struct File<'a> {
    /// All bytes that were given, so that offsets are the file's.
    pub bytes: &'a [u8],
    /// 0, 1 or 2.
    pub format: u16,
    pub division: Division,
    /// Where the first track is looked for, and where the MIDI file ends (in a wrapper, before the file does).
    pub start: usize,
    pub end: usize,
    pub declared_tracks: u16,
}

/// Reads the header.
pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits, warnings: &mut Warnings) -> Result<File<'a>, SmfError> {
    if bytes.is_empty() {
        return Err(SmfError::Empty);
    }
    if bytes.len() > limits.bytes {
        return Err(SmfError::TooLarge { bytes: bytes.len(), limit: limits.bytes });
    }
    let (at, end) = header(bytes, warnings).ok_or_else(|| SmfError::NotMidi(sniff::what_it_is(bytes)))?;
    let number = |offset| number::<2>(bytes, at + offset).filter(|_| at + offset + 2 <= end);
    let length = self::number::<4>(bytes, at + 4).ok_or(SmfError::HeaderCutOff)?;
    let (Some(format), Some(declared_tracks), Some(division)) = (number(8), number(10), number(12)) else {
        return Err(SmfError::HeaderCutOff);
    };
    let mut start = at + 14;
    if length != 6 {
        warnings.add(None, at + 4, &format!("The header says it has {length} bytes instead of 6"));
        let said = at.saturating_add(8).saturating_add(length);
        // Longer headers are allowed; a length that leads nowhere is not believed.
        if said > start && bytes.get(said..).is_some_and(|rest| rest.starts_with(TRACK)) {
            start = said;
        }
    }
    if format > 2 {
        warnings.add(None, at + 8, &format!("There is no format {format}; the file is read as format 1"));
    }
    let division = time_base(division as u16, at + 12, warnings)?;
    let format = if format > 2 { 1 } else { format as u16 };
    Ok(File { bytes, format, division, start, end, declared_tracks: declared_tracks as u16 })
}

fn time_base(word: u16, at: usize, warnings: &mut Warnings) -> Result<Division, SmfError> {
    let [high, low] = word.to_be_bytes();
    if high < 0x80 {
        return if word == 0 { Err(SmfError::NoTimeBase) } else { Ok(Division::Quarter(word)) };
    }
    if low == 0 {
        return Err(SmfError::NoTimeBase);
    }
    // Negative in two's complement; −128 is no signed byte's opposite.
    let per_second = high.wrapping_neg();
    if ![24, 25, 29, 30].contains(&per_second) {
        let what =
            format!("The header counts {per_second} frames to the second, which is no film's rate; it is believed");
        warnings.add(None, at, &what);
    }
    Ok(Division::Frames { per_second, ticks: low })
}

/// Where the header and the MIDI file's end are.
fn header(bytes: &[u8], warnings: &mut Warnings) -> Option<(usize, usize)> {
    if bytes.starts_with(HEADER) {
        return Some((0, bytes.len()));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"RMID") {
        return wrapped(bytes, warnings);
    }
    // What is known to be something else may have these letters in it by chance.
    let head = bytes.get(..bytes.len().min(MOST_JUNK))?;
    let at = find(head, 0, HEADER).filter(|_| sniff::what_it_is(bytes).starts_with("something else"))?;
    let length = number::<4>(bytes, at + 4)?;
    if length != 6 {
        return None;
    }
    warnings.add(None, 0, &format!("There are {at} bytes before the header, which are ignored"));
    Some((at, bytes.len()))
}

/// The MIDI file in a RIFF one: in its `data` chunk, or where its header is if the chunks' lengths lie.
fn wrapped(bytes: &[u8], warnings: &mut Warnings) -> Option<(usize, usize)> {
    let mut at = 12;
    while let (Some(id), Some(length)) = (bytes.get(at..at + 4), little_endian(bytes, at + 4)) {
        let (inside, end) = (at + 8, (at + 8).saturating_add(length));
        if id == b"data" && bytes.get(inside..)?.starts_with(HEADER) {
            if end > bytes.len() {
                warnings.add(None, at + 4, "The RIFF wrapper says more bytes than the file has");
            }
            return Some((inside, end.min(bytes.len())));
        }
        // Chunks are padded to even lengths, except by some writers.
        let padded = end.saturating_add(length % 2);
        let known = |at: usize| bytes.get(at..at.saturating_add(4)).is_some_and(is_id);
        at = if padded > end && !known(padded) && known(end) { end } else { padded };
    }
    let at = find(bytes, 12, HEADER)?;
    warnings.add(None, 12, "The chunks of the RIFF wrapper have wrong lengths; the MIDI file in it was searched for");
    Some((at, bytes.len()))
}

fn is_id(id: &[u8]) -> bool {
    id.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ')
}

/// The next track: where its events begin, and where they end at the latest. A length is believed if a chunk can begin
/// after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    /// Where it ends as its header says.
    pub said: usize,
}

/// Finds the next track at or after `at`. Says what lay between.
pub(super) fn next_track(file: &File<'_>, mut at: usize, number: u16, warnings: &mut Warnings) -> Option<Span> {
    let inside = file.bytes.get(..file.end)?;
    loop {
        let rest = inside.get(at..).filter(|rest| !rest.is_empty())?;
        if rest.starts_with(TRACK) {
            break;
        }
        let after = self::number::<4>(inside, at + 4).map(|length| (at + 8).saturating_add(length));
        let (what, next) = match after {
            Some(after) if rest.get(..4).is_some_and(is_id) && begins_chunk(inside, after) => {
                ("There is a chunk that is no track, which is ignored", after)
            }
            _ if rest.iter().all(|byte| *byte == 0) => return None,
            _ => match find(inside, at, TRACK) {
                Some(next) => ("There are stray bytes between tracks, which are ignored", next),
                None => ("There are stray bytes after the last track, which are ignored", file.end),
            },
        };
        warnings.add(None, at, what);
        at = next;
    }
    let Some(length) = self::number::<4>(inside, at + 4) else {
        warnings.add(Some(number), at, "The file ends within a track's header");
        return None;
    };
    let start = at + 8;
    let said = start.saturating_add(length);
    if begins_chunk(inside, said) {
        return Some(Span { start, end: said, said });
    }
    let end = find(inside, start, TRACK).unwrap_or(file.end);
    Some(Span { start, end, said })
}

/// Where to go on after a track whose events ended at `at`: where it said it ends, or at a track within it.
pub(super) fn after_track(file: &File<'_>, span: Span, at: usize) -> usize {
    if at == span.said {
        return at;
    }
    let inside = file.bytes.get(..span.end).unwrap_or_default();
    find(inside, at, TRACK).unwrap_or(span.end).max(at)
}

/// Whether a chunk may begin here, or the file end.
fn begins_chunk(inside: &[u8], at: usize) -> bool {
    let Some(rest) = inside.get(at..) else { return false };
    let fits = || number::<4>(inside, at + 4).is_some_and(|length| length <= rest.len());
    rest.is_empty() || rest.starts_with(TRACK) || rest.get(..4).is_some_and(is_id) && fits()
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    Some(from + bytes.get(from..)?.windows(what.len()).position(|window| window == what)?)
}

fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(BYTES)?)?;
    Some(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
}

fn little_endian(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(4)?)?;
    Some(digits.iter().rev().fold(0, |number, digit| number << 8 | usize::from(*digit)))
}
