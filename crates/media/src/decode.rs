//! Turns packets into frames, counts what fails, and holds each frame against the bounds.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use ffmpeg_next::{
    self as ff,
    format::sample::{Sample as Format, Type},
};

use crate::{
    Bounds, MediaError, ffi,
    levels::{Levels, Sample},
    source::{Source, check_channels, check_rate},
};

/// Changes of sample rate or channels inside one file: recordings that were put one behind the other have a few, damage has
/// many, and each costs a new resampler.
const MAX_CHANGES: u32 = 64;
/// Packets in a row that may fail to be read before the rest of the file is given up.
const MAX_READ_FAULTS: u32 = 16;

/// What all decoders of one file must keep together.
pub(crate) struct Budget<'a> {
    pub(crate) bounds: &'a Bounds,
    pub(crate) declared_seconds: Option<f64>,
    pub(crate) expires: Instant,
    nanoseconds: AtomicU64,
    bytes: AtomicU64,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(source: &Source, bounds: &'a Bounds) -> Self {
        Self {
            bounds,
            declared_seconds: source.declared_seconds,
            expires: source.expires,
            nanoseconds: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn expired(&self) -> Result<(), MediaError> {
        if Instant::now() >= self.expires { Err(self.deadline()) } else { Ok(()) }
    }

    pub(crate) fn deadline(&self) -> MediaError {
        MediaError::DeadlinePassed { limit: self.bounds.deadline }
    }

    fn spend(&self, frames: u64, bytes: u64, rate_hz: u32) -> Result<(), MediaError> {
        // Time and not frames, for the rate may change. Rounded down: a frame of sound loses less than a nanosecond.
        let nanoseconds = frames.saturating_mul(1_000_000_000) / u64::from(rate_hz.max(1));
        let nanoseconds = self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed) + nanoseconds;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if nanoseconds as f64 > self.bounds.max_seconds * 1e9 {
            let (limit_seconds, declared_seconds) = (self.bounds.max_seconds, self.declared_seconds);
            return Err(MediaError::TooLong { limit_seconds, declared_seconds });
        }
        if bytes > self.bounds.max_decoded_bytes {
            return Err(MediaError::TooManyBytes { limit_bytes: self.bounds.max_decoded_bytes });
        }
        Ok(())
    }
}

/// Rate and channels of a stream, or of a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub(crate) rate_hz: u32,
    pub(crate) channels: u32,
}

/// How much sound of which shape there is.
#[derive(Clone, Default, Debug)]
pub(crate) struct Lengths {
    /// Each shape once, with its frames (samples per channel), in the order in which they came.
    parts: Vec<(Shape, u64)>,
}

impl Lengths {
    pub(crate) fn add(&mut self, shape: Shape, frames: u64) {
        match self.parts.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, sum)) => *sum += frames,
            None => self.parts.push((shape, frames)),
        }
    }

    pub(crate) fn merge(&mut self, later: &Self) {
        later.parts.iter().for_each(|(shape, frames)| self.add(*shape, *frames));
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.parts.iter().map(|part| seconds_of(*part)).sum()
    }

    /// The lowest rate and the fewest channels of what there is, for limits hold for all of a recording. A part too short
    /// to matter, such as a damaged packet makes, has no say. `None` without any sound.
    pub(crate) fn poorest(&self) -> Option<Shape> {
        /// Of the sound: as much as may be missing at its end.
        const MATTERS: f64 = 0.02;
        let least = self.seconds() * MATTERS;
        let heard = self.parts.iter().filter(|part| part.1 > 0 && seconds_of(**part) >= least).map(|(shape, _)| *shape);
        heard.reduce(|a, b| Shape { rate_hz: a.rate_hz.min(b.rate_hz), channels: a.channels.min(b.channels) })
    }
}

fn seconds_of((shape, frames): (Shape, u64)) -> f64 {
    frames as f64 / f64::from(shape.rate_hz)
}

/// A decoder with what it has seen.
pub(crate) struct FrameReader {
    decoder: ff::decoder::Audio,
    /// One frame for all: `receive_frame` releases what it held.
    frame: ff::frame::Audio,
    /// Of the last frame.
    shape: Option<Shape>,
    changes: u32,
    pub(crate) lengths: Lengths,
    pub(crate) errors: u32,
}

impl FrameReader {
    pub(crate) fn new(decoder: ff::decoder::Audio) -> Self {
        Self {
            decoder,
            frame: ff::frame::Audio::empty(),
            shape: None,
            changes: 0,
            lengths: Lengths::default(),
            errors: 0,
        }
    }

    /// Decodes one packet, or what is left in the decoder for `None`, and hands each frame on.
    pub(crate) fn decode(
        &mut self,
        packet: Option<&ff::Packet>,
        budget: &Budget<'_>,
        mut each: impl FnMut(&ff::frame::Audio, Shape) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        let sent = match packet {
            Some(packet) => self.decoder.send_packet(packet),
            None => self.decoder.send_eof(),
        };
        if sent.is_err() && packet.is_some() {
            self.errors = self.errors.saturating_add(1);
        }
        loop {
            match self.decoder.receive_frame(&mut self.frame) {
                Ok(()) => {}
                Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => return Ok(()),
                Err(_) => {
                    self.errors = self.errors.saturating_add(1);
                    return Ok(());
                }
            }
            ffi::settle_layout(&mut self.frame);
            let shape = Shape { rate_hz: self.frame.rate(), channels: ffi::channels(&self.frame) };
            if self.shape != Some(shape) {
                check_channels(shape.channels, budget.bounds)?;
                check_rate(shape.rate_hz, budget.bounds)?;
                if self.shape.replace(shape).is_some() {
                    self.changes += 1;
                }
                if self.changes > MAX_CHANGES {
                    return Err(MediaError::ParametersChange { limit: MAX_CHANGES });
                }
            }
            let samples = self.frame.samples() as u64;
            let bytes = samples * u64::from(shape.channels) * self.frame.format().bytes() as u64;
            budget.spend(samples, bytes, shape.rate_hz)?;
            self.lengths.add(shape, samples);
            each(&self.frame, shape)?;
        }
    }

    /// Lets the decoder settle on packets whose sound belongs to somebody else.
    pub(crate) fn warm_up(&mut self, packets: &[ff::Packet]) {
        self.decoder.flush();
        for packet in packets {
            // Errors are expected: the first of these packets may lean on packets before it.
            let _ = self.decoder.send_packet(packet);
            while self.decoder.receive_frame(&mut self.frame).is_ok() {}
        }
    }
}

/// Runs one decoder over the whole stream.
pub(crate) fn decode_all(
    source: &mut Source,
    bounds: &Bounds,
    mut each: impl FnMut(&ff::frame::Audio, Shape) -> Result<(), MediaError>,
) -> Result<FrameReader, MediaError> {
    let budget = Budget::new(source, bounds);
    let mut reader = FrameReader::new(source.decoder()?);
    let mut faults = Faults::default();
    while let Some(packet) = faults.next(source, &budget)? {
        reader.decode(Some(&packet), &budget, &mut each)?;
    }
    reader.decode(None, &budget, &mut each)?;
    reader.errors = reader.errors.saturating_add(faults.total);
    Ok(reader)
}

/// Skips packets that cannot be read, up to a bound.
#[derive(Default)]
pub(crate) struct Faults {
    in_a_row: u32,
    pub(crate) total: u32,
}

impl Faults {
    pub(crate) fn next(&mut self, source: &mut Source, budget: &Budget<'_>) -> Result<Option<ff::Packet>, MediaError> {
        use crate::source::ReadFault;
        loop {
            budget.expired()?;
            match source.next_packet() {
                Ok(packet) => {
                    self.in_a_row = 0;
                    return Ok(packet);
                }
                Err(ReadFault::Expired) => return Err(budget.deadline()),
                Err(ReadFault::Source(source)) => return Err(MediaError::Read { source }),
                Err(ReadFault::Packet) => {
                    self.total = self.total.saturating_add(1);
                    self.in_a_row += 1;
                    if self.in_a_row >= MAX_READ_FAULTS {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// Adds a frame's samples to the levels in the format that the decoder left them in.
pub(crate) fn measure(frame: &ff::frame::Audio, shape: Shape, levels: &mut Levels) {
    match frame.format() {
        Format::U8(kind) => measure_as::<u8>(frame, shape, kind, levels),
        Format::I16(kind) => measure_as::<i16>(frame, shape, kind, levels),
        Format::I32(kind) => measure_as::<i32>(frame, shape, kind, levels),
        Format::F32(kind) => measure_as::<f32>(frame, shape, kind, levels),
        Format::F64(kind) => measure_as::<f64>(frame, shape, kind, levels),
        // None of the allowed decoders makes these.
        Format::None | Format::I64(_) => {}
    }
}

fn measure_as<S: Sample + ffi::Plain>(frame: &ff::frame::Audio, shape: Shape, kind: Type, levels: &mut Levels) {
    let channels = shape.channels as usize;
    match kind {
        Type::Packed => levels.add_interleaved(ffi::plane::<S>(frame, 0, frame.samples() * channels), channels),
        Type::Planar => {
            for channel in 0..channels {
                levels.add_channel(ffi::plane::<S>(frame, channel, frame.samples()), channel);
            }
        }
    }
}
