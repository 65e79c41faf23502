//! The sound of a trimmed font: only the samples that are needed, read or decoded when they are, with loops that nothing
//! can step over.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    generator,
    riff::{Extent, Flaw},
    source::Source,
    tables::{SampleHeader, Zone},
    vorbis,
};
use crate::MOST_SAMPLE_BYTES;

/// Zeros after each sample, as the specification asks for (6.1).
const GUARD_FRAMES: u64 = 46;
/// Sample rates that the specification wants to be played (7.10), and higher ones in use.
const RATES_HZ: std::ops::RangeInclusive<u32> = 400..=192_000;
/// A loop that would have to be longer than this to be safe is not repeated.
const LONGEST_UNROLLED: f64 = 65_536.0;
/// A sample played faster than this has no sound left.
const MOST_STEP: f64 = 16_777_216.0;

const BYTES_PER_FRAME: u64 = 2;

/// Samples on their way into a trimmed font.
pub(crate) struct Samples<'a> {
    source: &'a Source,
    extent: Extent,
    pieces: Vec<Piece>,
    by_content: HashMap<Content, usize>,
    decoded: BTreeMap<(u32, u32), Arc<[i16]>>,
    frames: u64,
    headers: Vec<SampleHeader>,
}

/// A stretch of the new sample chunk, followed by zeros.
struct Piece {
    at: u64,
    data: Data,
}

enum Data {
    /// As it lies in the file, in frames from its first.
    Source {
        from: u64,
        frames: u64,
    },
    Frames(Arc<[i16]>),
}

/// What makes two pieces the same: where they come from, and the loop that was made longer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Content {
    sample: (u32, u32),
    from: u64,
    until: u64,
    unrolled: Option<(u64, u64, u64)>,
}

/// A sample in frames of the file, or of itself when it was decoded; loops end before their last frame.
struct Places {
    start: i64,
    end: i64,
    repeats: Option<(i64, i64)>,
}

impl<'a> Samples<'a> {
    pub(crate) fn new(source: &'a Source, extent: Extent) -> Self {
        Self {
            source,
            extent,
            pieces: Vec::new(),
            by_content: HashMap::new(),
            decoded: BTreeMap::new(),
            frames: 0,
            headers: Vec::new(),
        }
    }

    pub(crate) fn headers(&self) -> &[SampleHeader] {
        &self.headers
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.frames * BYTES_PER_FRAME
    }

    /// Takes what a zone of an instrument plays, at most `top_step` frames for each frame of output. Answers with the
    /// number of a sample header that has the zone's offsets in it, and whether it may repeat; `None` where there is nothing
    /// that can be played.
    pub(crate) fn add(
        &mut self,
        header: &SampleHeader,
        zone: &Zone,
        top_step: f64,
    ) -> Result<Option<(u16, bool)>, Flaw> {
        if !RATES_HZ.contains(&header.rate_hz) || !top_step.is_finite() || top_step >= MOST_STEP {
            return Ok(None);
        }
        let decoded = if header.is_compressed { Some(self.decode(header)?) } else { None };
        let frames = decoded.as_ref().map_or(self.extent.length / BYTES_PER_FRAME, |frames| frames.len() as u64);
        let Some(places) = places(header, zone, decoded.is_some().then_some(frames), frames as i64) else {
            return Ok(None);
        };
        let repeats = places.repeats.filter(|_| top_step + 1.0 <= LONGEST_UNROLLED);
        let from = repeats.map_or(places.start, |(start, _)| start.min(places.start)) as u64;
        let until = repeats.map_or(places.end, |(_, end)| end.max(places.end)) as u64;
        let unrolled = repeats.and_then(|(start, end)| {
            let (length, needed) = ((end - start) as u64, top_step.ceil() as u64 + 1);
            (length < needed).then(|| (start as u64 - from, end as u64 - from, needed.div_ceil(length)))
        });
        let sample = (header.start, header.end);
        let content = Content { sample: if decoded.is_some() { sample } else { (0, 0) }, from, until, unrolled };
        let piece = match self.by_content.get(&content) {
            Some(piece) => *piece,
            None => self.push(content, decoded.as_ref())?,
        };
        let at = self.pieces[piece].at as i64 - from as i64;
        let longer = unrolled.map_or(0, |(start, end, times)| ((times - 1) * (end - start)) as i64);
        let (loop_start, loop_end) = repeats.unwrap_or((places.start, places.start));
        let placed = |place: i64| u32::try_from(at + place).unwrap_or(u32::MAX);
        let placed = SampleHeader {
            start: placed(places.start),
            end: placed(places.end + longer),
            loop_start: placed(loop_start),
            loop_end: placed(loop_end + if repeats.is_some() { longer } else { 0 }),
            is_compressed: false,
            ..header.clone()
        };
        let number = match self.headers.iter().position(|known| *known == placed) {
            Some(number) => number,
            None => {
                self.headers.push(placed);
                self.headers.len() - 1
            }
        };
        let number =
            u16::try_from(number).map_err(|_| Flaw::from("the song needs more samples than a font can have"))?;
        Ok(Some((number, repeats.is_some())))
    }

    fn push(&mut self, content: Content, decoded: Option<&Arc<[i16]>>) -> Result<usize, Flaw> {
        let frames = content.until - content.from;
        let longer = content.unrolled.map_or(0, |(start, end, times)| (times - 1) * (end - start));
        let at = self.frames;
        self.frames += frames + longer + GUARD_FRAMES;
        if self.bytes() > MOST_SAMPLE_BYTES {
            return Err(Flaw::TooLarge);
        }
        let whole = |frames: &Arc<[i16]>| content.from == 0 && content.until == frames.len() as u64;
        let data = match (decoded, content.unrolled) {
            (None, None) => Data::Source { from: content.from, frames },
            (Some(decoded), None) if whole(decoded) => Data::Frames(Arc::clone(decoded)),
            (decoded, unrolled) => {
                let plain: Vec<i16> = match decoded {
                    Some(decoded) => decoded[content.from as usize..content.until as usize].to_vec(),
                    None => {
                        let place = self.extent.at + content.from * BYTES_PER_FRAME;
                        let bytes = self.source.bytes(place, (frames * BYTES_PER_FRAME) as usize)?;
                        bytes.as_chunks().0.iter().map(|frame| i16::from_le_bytes(*frame)).collect()
                    }
                };
                Data::Frames(unrolled.map_or_else(|| plain.clone().into(), |unrolled| unroll(&plain, unrolled).into()))
            }
        };
        self.pieces.push(Piece { at, data });
        self.by_content.insert(content, self.pieces.len() - 1);
        Ok(self.pieces.len() - 1)
    }

    /// The sound of a compressed sample.
    fn decode(&mut self, header: &SampleHeader) -> Result<Arc<[i16]>, Flaw> {
        let key = (header.start, header.end);
        if let Some(known) = self.decoded.get(&key) {
            return Ok(Arc::clone(known));
        }
        let broken = |reason: String| Flaw::Broken(format!("its compressed sample \"{}\" {reason}", header.name));
        let length = u64::from(header.end.saturating_sub(header.start));
        if length == 0 || u64::from(header.end) > self.extent.length {
            return Err(broken("lies outside of the file".to_owned()));
        }
        let bytes = self.source.bytes(self.extent.at + u64::from(header.start), length as usize)?;
        if !bytes.starts_with(b"OggS") {
            return Err(broken("is no Ogg Vorbis".to_owned()));
        }
        let most = ((MOST_SAMPLE_BYTES - self.bytes().min(MOST_SAMPLE_BYTES)) / BYTES_PER_FRAME) as usize;
        // What a file makes of a decoder must not end the process.
        let frames = catch_unwind(AssertUnwindSafe(|| vorbis::decode(bytes, most)))
            .map_err(|_| broken("cannot be decoded".to_owned()))?
            .map_err(|error| broken(format!("cannot be decoded: {error}")))?
            .ok_or(Flaw::TooLarge)?;
        let frames: Arc<[i16]> = frames.into();
        self.decoded.insert(key, Arc::clone(&frames));
        Ok(frames)
    }

    /// The sample chunk from its first byte to its last.
    pub(crate) fn into_reader(self) -> SampleReader<'a> {
        SampleReader { source: self.source, extent: self.extent, pieces: self.pieces.into_iter(), rest: Rest::Zeros(0) }
    }
}

/// Where a zone's sample is, with the zone's offsets. `decoded` is the length of a sample that was compressed, and `frames`
/// that of all there is. A loop that is not inside is not repeated.
fn places(header: &SampleHeader, zone: &Zone, decoded: Option<u64>, frames: i64) -> Option<Places> {
    let offset = |fine: u16, coarse: u16| {
        i64::from(zone.get(fine).unwrap_or(0)) + 32_768 * i64::from(zone.get(coarse).unwrap_or(0))
    };
    let (start, end) = decoded.map_or((i64::from(header.start), i64::from(header.end)), |length| (0, length as i64));
    let start = (start + offset(generator::START, generator::START_COARSE)).max(0);
    let end = (end + offset(generator::END, generator::END_COARSE)).min(frames);
    if start >= end {
        return None;
    }
    let loop_start = i64::from(header.loop_start) + offset(generator::LOOP_START, generator::LOOP_START_COARSE);
    let loop_end = i64::from(header.loop_end) + offset(generator::LOOP_END, generator::LOOP_END_COARSE);
    let is_asked = matches!(zone.get(generator::SAMPLE_MODES), Some(1 | 3));
    let is_inside = 0 <= loop_start && loop_start < loop_end && loop_end <= frames && start < loop_end;
    Some(Places { start, end, repeats: (is_asked && is_inside).then_some((loop_start, loop_end)) })
}

/// The same sound with a loop that is `times` as long: where it goes back, it goes back by whole periods.
fn unroll(frames: &[i16], (start, end, times): (u64, u64, u64)) -> Vec<i16> {
    let (start, end) = (start as usize, end as usize);
    let mut longer = frames[..end].to_vec();
    for _ in 1..times {
        longer.extend_from_slice(&frames[start..end]);
    }
    longer.extend_from_slice(&frames[end..]);
    longer
}

/// Reads pieces from where they are; each is forgotten once it was read.
pub(crate) struct SampleReader<'a> {
    source: &'a Source,
    extent: Extent,
    pieces: std::vec::IntoIter<Piece>,
    rest: Rest,
}

/// What is left of a piece.
enum Rest {
    Source { at: u64, bytes: u64 },
    Frames { frames: Arc<[i16]>, from: usize },
    Zeros(u64),
}

impl Read for SampleReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.rest {
                Rest::Source { at, bytes } if *bytes > 0 => {
                    let count = buffer.len().min(usize::try_from(*bytes).unwrap_or(usize::MAX));
                    self.source.read_at(*at, &mut buffer[..count])?;
                    *at += count as u64;
                    *bytes -= count as u64;
                    return Ok(count);
                }
                // Always whole frames: the chunk is only ever read in even lengths.
                Rest::Frames { frames, from } if *from < frames.len() => {
                    let count = (frames.len() - *from).min(buffer.len() / 2);
                    if count == 0 {
                        return Err(io::Error::other("half a frame was asked for"));
                    }
                    for (bytes, frame) in buffer.as_chunks_mut().0.iter_mut().zip(&frames[*from..*from + count]) {
                        *bytes = frame.to_le_bytes();
                    }
                    *from += count;
                    return Ok(count * 2);
                }
                Rest::Zeros(bytes) if *bytes > 0 => {
                    let count = buffer.len().min(*bytes as usize);
                    buffer[..count].fill(0);
                    *bytes -= count as u64;
                    return Ok(count);
                }
                Rest::Zeros(_) => match self.pieces.next() {
                    None => return Ok(0),
                    Some(Piece { data: Data::Source { from, frames }, .. }) => {
                        let at = self.extent.at + from * BYTES_PER_FRAME;
                        self.rest = Rest::Source { at, bytes: frames * BYTES_PER_FRAME };
                    }
                    Some(Piece { data: Data::Frames(frames), .. }) => self.rest = Rest::Frames { frames, from: 0 },
                },
                Rest::Source { .. } | Rest::Frames { .. } => self.rest = Rest::Zeros(GUARD_FRAMES * BYTES_PER_FRAME),
            }
        }
    }
}
