//! What a container says about its own length, where ffmpeg corrects a lie in silence or believes one: the data chunk of
//! WAVE, RF64, Wave64, AIFF and Core Audio, the last page of Ogg, the first frame of MP3, the last element of WebM. Reads a
//! bounded number of headers, never the sound.
//!
//! Only what the sound's own bytes must agree with counts. A header has several fields that say the same thing twice (bytes
//! per second beside rate, channels and bits); recorders fill those in wrongly and no player minds.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::sniff::Container;

/// Chunks that are looked through for the data chunk; real files have fewer than ten.
const MAX_CHUNKS: usize = 256;
/// Data sizes from here on are what a recorder writes that does not know the size yet (0x7FFF_xxxx, 0xFFFF_FFFF).
const UNKNOWN_SIZE: u64 = 0x7fff_0000;
/// An Ogg page is at most this long: header, 255 lacing values, 255 segments of 255 bytes (RFC 3533, section 6).
const MAX_OGG_PAGE_BYTES: u64 = 27 + 255 + 255 * 255;
/// A container is whole for us when no more than this share of what it promises is missing.
const MISSING_SHARE: f64 = 0.02;
/// An MP3 frame is at most this long: 320 kbit/s at 32 kHz, padded (ISO 11172-3, 2.4.3.1).
pub(crate) const MAX_MP3_FRAME_BYTES: u64 = 1441;
/// Tags in a row before an MP3 stream; real files have one.
const MAX_TAGS: usize = 4;

/// The data chunk of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DataChunk {
    /// As its header says.
    pub(crate) bytes: u64,
    /// Of those, how many the file holds.
    pub(crate) present: u64,
}

impl DataChunk {
    /// Seconds of sound in samples of a fixed size.
    pub(crate) fn seconds(self, bits_per_sample: u32, channels: u32, rate_hz: u32) -> Option<f64> {
        let bits_per_second = f64::from(bits_per_sample) * f64::from(channels) * f64::from(rate_hz);
        (bits_per_second > 0.0).then(|| self.bytes as f64 * 8.0 / bits_per_second)
    }

    pub(crate) fn is_cut(self) -> bool {
        (self.present as f64) < self.bytes as f64 * (1.0 - MISSING_SHARE)
    }
}

/// The data chunk, of containers that have one; `None` when its header does not know its size.
pub(crate) fn data_chunk(source: &mut (impl Read + Seek), container: Container) -> io::Result<Option<DataChunk>> {
    let found = match container {
        Container::Wave => wave_data(source)?,
        Container::Wave64 => wave64_data(source)?,
        Container::Aiff => aiff_data(source)?,
        Container::Caf => caf_data(source)?,
        Container::Ogg | Container::Webm | Container::Other => None,
    };
    let Some((start, bytes)) = found else { return Ok(None) };
    let end = source.seek(SeekFrom::End(0))?;
    Ok(Some(DataChunk { bytes, present: end.saturating_sub(start).min(bytes) }))
}

/// Where the sound of a WAVE or RF64 file begins, and its bytes.
fn wave_data(source: &mut (impl Read + Seek)) -> io::Result<Option<(u64, u64)>> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = [0u8; 12];
    if !filled(source, &mut head)? {
        return Ok(None);
    }
    let big_endian = head.starts_with(b"RIFX");
    let (mut data_64, mut position) = (None, 12u64);
    for _ in 0..MAX_CHUNKS {
        source.seek(SeekFrom::Start(position))?;
        let mut header = [0u8; 8];
        if !filled(source, &mut header)? {
            return Ok(None);
        }
        let size = [header[4], header[5], header[6], header[7]];
        let size = u64::from(if big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) });
        match &header[..4] {
            b"ds64" => {
                let mut sizes = [0u8; 16];
                if !filled(source, &mut sizes)? {
                    return Ok(None);
                }
                data_64 = sizes[8..].try_into().ok().map(u64::from_le_bytes);
            }
            b"data" => {
                let known = if size == u64::from(u32::MAX) { data_64 } else { Some(size) };
                let limit = if data_64.is_some() { i64::MAX as u64 } else { UNKNOWN_SIZE };
                return Ok(known.filter(|bytes| (1..limit).contains(bytes)).map(|bytes| (position + 8, bytes)));
            }
            _ => {}
        }
        // Chunks are padded to even sizes.
        position = position.saturating_add(8 + size + size % 2);
    }
    Ok(None)
}

/// The same for Sony Wave64, whose chunks are named by GUIDs and sized with 64 bits that include their header.
fn wave64_data(source: &mut (impl Read + Seek)) -> io::Result<Option<(u64, u64)>> {
    const HEADER: u64 = 24;
    let mut position = 40u64;
    for _ in 0..MAX_CHUNKS {
        source.seek(SeekFrom::Start(position))?;
        let mut header = [0u8; HEADER as usize];
        if !filled(source, &mut header)? {
            return Ok(None);
        }
        let size = u64::from_le_bytes(header[16..].try_into().unwrap_or_default());
        if header.starts_with(b"data") {
            let bytes = size.saturating_sub(HEADER);
            return Ok((1..i64::MAX as u64).contains(&bytes).then_some((position.saturating_add(HEADER), bytes)));
        }
        // Chunks are padded to eight bytes.
        position = position.saturating_add(size.max(HEADER).saturating_add(7) & !7);
    }
    Ok(None)
}

/// The same for AIFF and AIFF-C, whose sound begins behind two fields of its chunk.
fn aiff_data(source: &mut (impl Read + Seek)) -> io::Result<Option<(u64, u64)>> {
    const FIELDS: u64 = 8;
    let mut position = 12u64;
    for _ in 0..MAX_CHUNKS {
        source.seek(SeekFrom::Start(position))?;
        let mut header = [0u8; 8];
        if !filled(source, &mut header)? {
            return Ok(None);
        }
        let size = u64::from(u32::from_be_bytes([header[4], header[5], header[6], header[7]]));
        if header.starts_with(b"SSND") {
            let bytes = size.saturating_sub(FIELDS);
            return Ok((1..UNKNOWN_SIZE).contains(&bytes).then_some((position + 8 + FIELDS, bytes)));
        }
        position = position.saturating_add(8 + size + size % 2);
    }
    Ok(None)
}

/// The same for Core Audio, whose sizes have 64 bits, −1 for one that is not known.
fn caf_data(source: &mut (impl Read + Seek)) -> io::Result<Option<(u64, u64)>> {
    const EDIT_COUNT: u64 = 4;
    let mut position = 8u64;
    for _ in 0..MAX_CHUNKS {
        source.seek(SeekFrom::Start(position))?;
        let mut header = [0u8; 12];
        if !filled(source, &mut header)? {
            return Ok(None);
        }
        let size = i64::from_be_bytes(header[4..].try_into().unwrap_or_default());
        let Ok(size) = u64::try_from(size) else { return Ok(None) };
        if header.starts_with(b"data") {
            let bytes = size.saturating_sub(EDIT_COUNT);
            return Ok((bytes > 0).then_some((position.saturating_add(12 + EDIT_COUNT), bytes)));
        }
        position = position.saturating_add(12).saturating_add(size);
    }
    Ok(None)
}

/// Bytes of all frames of an MP3 file, as its first one says (Xing, Info or VBRI), if it does.
///
/// The same frame also counts the frames, which is where ffmpeg has its duration from. Tools that cut or join files leave
/// that count as it was; the sound is whole when its bytes are there.
pub(crate) fn mp3_bytes(source: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    const VBRI_OFFSET: usize = 36;
    let mut position = 0u64;
    let mut frame = [0u8; 64];
    for _ in 0..MAX_TAGS {
        source.seek(SeekFrom::Start(position))?;
        if !filled(source, &mut frame)? {
            return Ok(None);
        }
        if !frame.starts_with(b"ID3") {
            break;
        }
        // Four times seven bits, without the tag's header.
        let size = frame[6..10].iter().fold(0u64, |size, &byte| size << 7 | u64::from(byte & 0x7f));
        position += 10 + size;
    }
    if frame[0] != 0xff || frame[1] & 0xe0 != 0xe0 {
        return Ok(None);
    }
    // Behind the side information, whose size follows from the version of MPEG and the channels (ISO 11172-3, 2.4.1.7).
    let (is_mpeg1, is_mono) = (frame[1] & 0x18 == 0x18, frame[3] >> 6 == 3);
    let xing = 4 + match (is_mpeg1, is_mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let number = |at: usize| frame.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
    let bytes = if frame[xing..].starts_with(b"Xing") || frame[xing..].starts_with(b"Info") {
        const HAS_FRAMES: u32 = 1;
        const HAS_BYTES: u32 = 2;
        let flags = number(xing + 4).unwrap_or_default();
        let at = xing + 8 + if flags & HAS_FRAMES != 0 { 4 } else { 0 };
        number(at).filter(|_| flags & HAS_BYTES != 0)
    } else if frame[VBRI_OFFSET..].starts_with(b"VBRI") {
        number(VBRI_OFFSET + 10)
    } else {
        None
    };
    Ok(bytes.filter(|&bytes| bytes > 0).map(u64::from))
}

/// Whether frames of so many bytes are all that an MP3 file's first frame promises; it counts itself, and players and we
/// pass over it.
pub(crate) fn mp3_is_whole(promised: u64, found: u64) -> bool {
    (found + MAX_MP3_FRAME_BYTES) as f64 >= promised as f64 * (1.0 - MISSING_SHARE)
}

/// Whether an Ogg file ends inside a page, which no writer does and every interrupted copy does.
pub(crate) fn ogg_is_cut(source: &mut (impl Read + Seek)) -> io::Result<bool> {
    let end = source.seek(SeekFrom::End(0))?;
    let start = end.saturating_sub(MAX_OGG_PAGE_BYTES);
    source.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    source.take(MAX_OGG_PAGE_BYTES).read_to_end(&mut tail)?;
    let Some(page) = tail.windows(4).rposition(|window| window == b"OggS") else { return Ok(false) };
    let page = &tail[page..];
    let Some(&segments) = page.get(26) else { return Ok(true) };
    let lacing = page.get(27..27 + usize::from(segments));
    let length = lacing.map(|lacing| 27 + lacing.len() + lacing.iter().map(|&size| usize::from(size)).sum::<usize>());
    Ok(length.is_none_or(|length| page.len() < length))
}

/// Whether a WebM file ends inside an element. A browser that records writes no length anywhere but in front of each
/// block, so this is all that tells a recording that was cut off from one that was stopped.
pub(crate) fn webm_is_cut(source: &mut (impl Read + Seek)) -> io::Result<bool> {
    const SEGMENT: u64 = 0x1853_8067;
    const CLUSTER: u64 = 0x1f43_b675;
    /// Five hours of blocks of 20 ms: a longer file is not looked through to its end.
    const MAX_ELEMENTS: usize = 1_000_000;
    let end = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(1 << 16, source);
    let mut position = 0u64;
    for _ in 0..MAX_ELEMENTS {
        if position >= end {
            return Ok(false);
        }
        let (id, id_bytes) = match ebml_number(&mut reader, true)? {
            Number::Is(id, bytes) => (id, bytes),
            Number::CutOff => return Ok(true),
            Number::Not => return Ok(false),
        };
        let (size, size_bytes) = match ebml_number(&mut reader, false)? {
            Number::Is(size, bytes) => (size, bytes),
            Number::CutOff => return Ok(true),
            Number::Not => return Ok(false),
        };
        position += id_bytes + size_bytes;
        let is_unknown = size == (1u64 << (7 * size_bytes)) - 1;
        // What is inside follows as if it were beside. Only these two may leave their size open.
        if id == SEGMENT || (id == CLUSTER && is_unknown) {
            continue;
        }
        if is_unknown {
            return Ok(false);
        }
        position = position.saturating_add(size);
        if position > end {
            return Ok(true);
        }
        reader.seek_relative(i64::try_from(size).unwrap_or(i64::MAX))?;
    }
    Ok(false)
}

/// What stands where a number of EBML should.
enum Number {
    /// With its length in bytes.
    Is(u64, u64),
    CutOff,
    Not,
}

/// A number of one to eight bytes whose first bit set says how many (RFC 8794, section 4); an id keeps that bit.
fn ebml_number(source: &mut impl Read, keeps_marker: bool) -> io::Result<Number> {
    let mut first = [0u8; 1];
    if !filled(source, &mut first)? {
        return Ok(Number::CutOff);
    }
    let more = first[0].leading_zeros() as usize;
    let mut rest = [0u8; 8];
    let Some(rest) = rest.get_mut(..more).filter(|rest| rest.len() < 8) else { return Ok(Number::Not) };
    if !filled(source, rest)? {
        return Ok(Number::CutOff);
    }
    let head = if keeps_marker { first[0] } else { first[0] & (0x7f >> more) };
    let number = rest.iter().fold(u64::from(head), |number, &byte| number << 8 | u64::from(byte));
    Ok(Number::Is(number, more as u64 + 1))
}

/// Fills the buffer, or says that the source ended before.
fn filled(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "declared_tests.rs"]
mod tests;
