//! Writes sound files: interleaved 32-bit floats in, one of five formats out.

use std::{
    io::{self, Cursor, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use ffmpeg_next::{
    self as ff, ChannelLayout, Dictionary,
    codec::Flags,
    format::{
        context,
        sample::{Sample as Format, Type},
    },
};

use crate::{
    MediaError, ffi,
    id3::{self, Behind},
    tags::{Tags, tag_text},
};

/// What to write.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Encoding {
    /// 16-bit PCM.
    Wav16,
    /// Constant bitrate.
    Mp3 { kbps: u32 },
    /// 16-bit.
    Flac,
    /// AAC-LC.
    M4a { kbps: u32 },
    /// Vorbis, quality −1 to 10.
    Ogg { quality: f32 },
}

impl Encoding {
    /// The format as the domain names it.
    pub const fn format(self) -> domain::audio::AudioFormat {
        use domain::audio::AudioFormat;
        match self {
            Self::Wav16 => AudioFormat::Wav,
            Self::Mp3 { .. } => AudioFormat::Mp3,
            Self::Flac => AudioFormat::Flac,
            Self::M4a { .. } => AudioFormat::M4a,
            Self::Ogg { .. } => AudioFormat::Ogg,
        }
    }

    const fn encoder(self) -> &'static str {
        match self {
            Self::Wav16 => "pcm_s16le",
            Self::Mp3 { .. } => "libmp3lame",
            Self::Flac => "flac",
            Self::M4a { .. } => "aac",
            Self::Ogg { .. } => "libvorbis",
        }
    }

    const fn muxer(self) -> &'static str {
        match self {
            Self::Wav16 => "wav",
            Self::Mp3 { .. } => "mp3",
            Self::Flac => "flac",
            Self::M4a { .. } => "ipod",
            Self::Ogg { .. } => "ogg",
        }
    }

    const fn sample_format(self) -> Format {
        match self {
            Self::Wav16 | Self::Flac => Format::I16(Type::Packed),
            Self::Mp3 { .. } | Self::M4a { .. } | Self::Ogg { .. } => Format::F32(Type::Planar),
        }
    }
}

/// Frames per packet for encoders that take any number.
const FREE_FRAME_SIZE: usize = 4096;
/// libavcodec's unit of quality, `FF_QP2LAMBDA`.
const LAMBDA: f32 = 118.0;

/// Encodes interleaved samples into memory. Samples beyond full scale are clipped, those that are no number are silent.
///
/// # Errors
/// [`MediaError::NotEncodable`] for a rate, channel count or bitrate that the encoder does not take;
/// [`MediaError::Library`] when the installed ffmpeg lacks the encoder.
pub fn encode(
    samples: &[f32],
    sample_rate_hz: u32,
    channels: u16,
    encoding: Encoding,
    tags: &Tags,
) -> Result<Vec<u8>, MediaError> {
    let memory = Memory::default();
    encode_to(memory.clone(), samples, sample_rate_hz, channels, encoding, tags)?;
    let mut bytes = memory.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(bytes.get_mut()))
}

/// Encodes interleaved samples into a writer, which is flushed and dropped at the end.
///
/// # Errors
/// As [`encode`], and [`MediaError::Write`] with what the writer answered.
pub fn encode_to(
    writer: impl Write + Seek + Send + 'static,
    samples: &[f32],
    sample_rate_hz: u32,
    channels: u16,
    encoding: Encoding,
    tags: &Tags,
) -> Result<(), MediaError> {
    encode_blocks(writer, sample_rate_hz, channels, encoding, tags, |sink| sink(samples))
}

/// Encodes interleaved samples that come block by block into a writer, which is flushed and dropped at the end. `pass`
/// goes once through the sound, in blocks of any size.
///
/// # Errors
/// As [`encode_to`], and those of `pass`.
pub(crate) fn encode_blocks(
    writer: impl Write + Seek + Send + 'static,
    sample_rate_hz: u32,
    channels: u16,
    encoding: Encoding,
    tags: &Tags,
    pass: impl FnOnce(&mut dyn FnMut(&[f32]) -> Result<(), MediaError>) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    ffi::init();
    let failure = Failure::default();
    let own_tag = if let Encoding::Mp3 { .. } = encoding { id3::tag(tags) } else { None };
    let writer = Behind::new(writer, own_tag.as_deref().unwrap_or_default());
    let watched = Watched { inner: writer.map_err(|source| MediaError::Write { source })?, failure: failure.clone() };
    // Nobody would read a second tag behind ours.
    let left = own_tag.is_none().then_some(tags);
    let written = SoundFile::begin(watched, sample_rate_hz, channels, encoding, left).and_then(|mut file| {
        pass(&mut |samples| file.push(samples))?;
        file.finish()
    });
    match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(source) => Err(MediaError::Write { source }),
        None => written,
    }
}

/// A file that is being written.
struct SoundFile {
    encoder: ff::encoder::audio::Encoder,
    output: context::Output,
    encoding: Encoding,
    sample_rate_hz: u32,
    channels: u16,
    /// Interleaved samples of a whole packet; the last one has fewer.
    packet_samples: usize,
    /// Samples that wait for their packet to be full.
    pending: Vec<f32>,
    frames_sent: usize,
}

impl SoundFile {
    fn begin<W: Write + Seek + Send + 'static>(
        writer: Watched<W>,
        sample_rate_hz: u32,
        channels: u16,
        encoding: Encoding,
        tags: Option<&Tags>,
    ) -> Result<Self, MediaError> {
        let io = context::StreamIo::from_write_seek(writer).map_err(library("preparing to write"))?;
        let mut output =
            ff::format::output_to_stream(io, None, Some(encoding.muxer())).map_err(library("opening the muxer"))?;
        let encoder = open_encoder(sample_rate_hz, channels, encoding, &output)?;
        output.add_stream_with(&encoder).map_err(library("adding the stream"))?;
        if let Some(tags) = tags {
            output.set_metadata(metadata(tags));
        }
        let mut options = Dictionary::new();
        // Same samples, same bytes: Ogg numbers its streams at random otherwise.
        options.set("fflags", "+bitexact");
        if let Encoding::Mp3 { .. } = encoding {
            // Version 3 is what old players read; 0 is none.
            options.set("id3v2_version", if tags.is_some() { "3" } else { "0" });
        }
        output.write_header_with(options).map_err(library("writing the header"))?;
        let frame_size = match encoder.frame_size() as usize {
            0 => FREE_FRAME_SIZE,
            size => size,
        };
        let packet_samples = frame_size * usize::from(channels);
        let pending = Vec::with_capacity(packet_samples);
        Ok(Self { encoder, output, encoding, sample_rate_hz, channels, packet_samples, pending, frames_sent: 0 })
    }

    fn push(&mut self, mut samples: &[f32]) -> Result<(), MediaError> {
        while !samples.is_empty() {
            let (part, rest) = samples.split_at(samples.len().min(self.packet_samples - self.pending.len()));
            self.pending.extend_from_slice(part);
            samples = rest;
            if self.pending.len() == self.packet_samples {
                self.send()?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), MediaError> {
        if !self.pending.is_empty() {
            self.send()?;
        }
        self.encoder.send_eof().map_err(library("encoding"))?;
        self.drain()?;
        self.output.write_trailer().map_err(library("writing the trailer"))
    }

    fn send(&mut self) -> Result<(), MediaError> {
        let channels = usize::from(self.channels);
        let frames = self.pending.len() / channels;
        let layout = ChannelLayout::default(self.channels.into());
        let mut frame = ff::frame::Audio::new(self.encoding.sample_format(), frames, layout);
        frame.set_rate(self.sample_rate_hz);
        frame.set_pts(i64::try_from(self.frames_sent).ok());
        fill(&mut frame, &self.pending, channels);
        self.pending.clear();
        self.frames_sent += frames;
        self.encoder.send_frame(&frame).map_err(library("encoding"))?;
        self.drain()
    }

    fn drain(&mut self) -> Result<(), MediaError> {
        let time_base = ff::Rational::new(1, i32::try_from(self.sample_rate_hz).unwrap_or(i32::MAX));
        loop {
            // A fresh packet each time, as for reading.
            let mut packet = ff::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => return Ok(()),
                Err(source) => return Err(MediaError::Library { during: "encoding", source }),
            }
            packet.set_stream(0);
            if let Some(stream) = self.output.stream(0) {
                packet.rescale_ts(time_base, stream.time_base());
            }
            packet.write_interleaved(&mut self.output).map_err(library("writing a packet"))?;
        }
    }
}

fn library(during: &'static str) -> impl Fn(ff::Error) -> MediaError {
    move |source| MediaError::Library { during, source }
}

fn open_encoder(
    sample_rate_hz: u32,
    channels: u16,
    encoding: Encoding,
    output: &context::Output,
) -> Result<ff::encoder::audio::Encoder, MediaError> {
    let name = encoding.encoder();
    let refused = |what: String| MediaError::NotEncodable { encoder: name, what };
    let rate = i32::try_from(sample_rate_hz).ok().filter(|rate| *rate > 0);
    let rate = rate.ok_or_else(|| refused(format!("a sample rate of {sample_rate_hz} Hz")))?;
    if channels == 0 || channels > 8 {
        return Err(refused(format!("{channels} channels")));
    }
    let codec = ff::encoder::find_by_name(name)
        .ok_or(MediaError::Library { during: "looking for the encoder", source: ff::Error::EncoderNotFound })?;
    let needs_global_header = output.format().flags().contains(ff::format::Flags::GLOBAL_HEADER);
    let mut audio = ff::codec::Context::new_with_codec(codec)
        .encoder()
        .audio()
        .map_err(|source| MediaError::Library { during: "preparing the encoder", source })?;
    let layout = ChannelLayout::default(channels.into());
    audio.set_rate(rate);
    audio.set_channel_layout(layout);
    audio.set_format(encoding.sample_format());
    audio.set_time_base((1, rate));
    let mut flags = Flags::empty();
    match encoding {
        Encoding::Mp3 { kbps } | Encoding::M4a { kbps } => audio.set_bit_rate(kbps as usize * 1000),
        Encoding::Ogg { quality } => {
            flags |= Flags::QSCALE;
            ffi::set_quality(&mut audio, (quality.clamp(-1.0, 10.0) * LAMBDA) as i32);
        }
        Encoding::Wav16 | Encoding::Flac => {}
    }
    if needs_global_header {
        flags |= Flags::GLOBAL_HEADER;
    }
    audio.set_flags(flags);
    audio.open_as(codec).map_err(|_| refused(format!("{sample_rate_hz} Hz with {channels} channels as {encoding:?}")))
}

/// Copies interleaved samples into a frame of the encoder's format.
fn fill(frame: &mut ff::frame::Audio, part: &[f32], channels: usize) {
    let clean = |sample: f32| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
    match frame.format() {
        Format::I16(Type::Packed) => {
            let length = frame.samples() * channels;
            for (to, from) in ffi::plane_mut::<i16>(frame, 0, length).iter_mut().zip(part) {
                *to = (clean(*from) * 32767.0).round() as i16;
            }
        }
        _ => {
            let length = frame.samples();
            for channel in 0..channels {
                let from = part.iter().skip(channel).step_by(channels);
                for (to, from) in ffi::plane_mut::<f32>(frame, channel, length).iter_mut().zip(from) {
                    *to = clean(*from);
                }
            }
        }
    }
}

fn metadata(tags: &Tags) -> Dictionary<'static> {
    let mut metadata = Dictionary::new();
    for (key, value) in [("title", &tags.title), ("artist", &tags.artist), ("comment", &tags.comment)] {
        let text = tag_text(value.as_deref());
        if !text.is_empty() {
            metadata.set(key, &text);
        }
    }
    metadata
}

type Failure = Arc<Mutex<Option<io::Error>>>;

/// Keeps the writer's own error, of which ffmpeg passes on only a number.
struct Watched<W> {
    inner: W,
    failure: Failure,
}

impl<W> Watched<W> {
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            io::Error::from(kind)
        })
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.noted(result)
    }
}

impl<W: Seek> Seek for Watched<W> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let result = self.inner.seek(position);
        self.noted(result)
    }
}

/// Memory that is read after ffmpeg has dropped its writer.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Cursor<Vec<u8>>>>);

impl Memory {
    fn with<T>(&self, action: impl FnOnce(&mut Cursor<Vec<u8>>) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|memory| memory.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Memory {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.with(|memory| memory.seek(position))
    }
}
