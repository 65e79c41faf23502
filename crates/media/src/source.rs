//! Opens a stream with ffmpeg so that nothing in it can reach beyond it: no name, no protocol, no playlist, only our
//! demuxers and codecs, bounded probing, and a deadline that also interrupts.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex},
    time::Instant,
};

use domain::audio::AudioFormat;
use ffmpeg_next::{self as ff, Dictionary, codec::Id, format::context, media::Type};

use crate::{
    Bounds, MediaError,
    clipping::Rule,
    declared::{self, DataChunk},
    ffi,
    sniff::{self, Container, Kind},
};

/// The demuxers of our formats, by ffmpeg's names. `mov` also reads mp4 and m4a, `matroska` also webm.
const DEMUXERS: &str = "wav,w64,mp3,flac,ogg,aac,mov,matroska,aiff,caf";
/// The decoders that may be opened, also while probing.
const DECODERS: &str = "mp3float,mp3,aac,vorbis,opus,flac,alac,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,\
                        pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_mulaw,pcm_alaw";
const PROBE_BYTES: &str = "1048576";
const PROBE_MICROSECONDS: &str = "5000000";
const MAX_STREAMS: &str = "16";
/// Read at once: large enough that reading costs little, small beside a decoder's own memory.
const READ_BYTES: usize = 256 * 1024;
/// Longer than any recording: a declared duration beyond is damage, not information.
const MAX_DECLARED_SECONDS: f64 = 1e6;

/// An opened file with the one stream that will be decoded.
pub(crate) struct Source {
    pub(crate) input: context::Input,
    pub(crate) stream: usize,
    pub(crate) parameters: ff::codec::Parameters,
    pub(crate) time_base: ff::Rational,
    pub(crate) format: AudioFormat,
    pub(crate) codec: &'static str,
    pub(crate) declared_seconds: Option<f64>,
    pub(crate) ignored_streams: u16,
    pub(crate) expires: Instant,
    /// Bytes that the first frame of an MP3 file promises.
    promised_bytes: Option<u64>,
    /// Bytes that the packets read so far have of it: where the file has a hole, a packet spans it and is no frame.
    frame_bytes: u64,
    failure: Failure,
}

/// What the reader behind ffmpeg ran into; ffmpeg itself keeps only a number, or takes it for the end.
type Failure = Arc<Mutex<Option<io::Error>>>;

struct Watched<R> {
    inner: R,
    failure: Failure,
}

impl<R> Watched<R> {
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted
                && let Ok(mut failure) = self.failure.lock()
            {
                failure.get_or_insert(error);
            }
            io::Error::from(kind)
        })
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        self.noted(result)
    }
}

impl<R: Seek> Seek for Watched<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        // A position before the start is the file's lie, not the source's failure: answered, not noted.
        self.inner.seek(position)
    }
}

impl Source {
    /// Looks at the first bytes, then lets ffmpeg probe, then holds what it found against the bounds.
    pub(crate) fn open(mut source: impl Read + Seek + Send + 'static, bounds: &Bounds) -> Result<Self, MediaError> {
        ffi::init();
        let expires = Instant::now() + bounds.deadline;
        let Look { kind, data_chunk, promised_bytes } = look(&mut source)?;
        let failure = Failure::default();
        let watched = Watched { inner: source, failure: failure.clone() };
        let io = context::StreamIo::from_read_seek_with_capacity(watched, READ_BYTES)
            .map_err(|source| MediaError::Library { during: "preparing to read", source })?;
        let input =
            ff::format::input_from_stream_with_interrupt(io, None, Some(options()), move || Instant::now() >= expires)
                .map_err(|error| not_opened(error, kind, bounds, expires, &failure))?;
        let format = format_of(input.format().name())?;
        let streams = u16::try_from(input.streams().len()).unwrap_or(u16::MAX);
        let Some(stream) = input.streams().best(Type::Audio) else {
            let has_audio = input.streams().any(|stream| stream.parameters().medium() == Type::Audio);
            // A stream that calls itself audio, without a channel or a rate.
            return Err(if has_audio {
                MediaError::NothingDecoded { errors: 0 }
            } else {
                MediaError::NoAudioStream { streams }
            });
        };
        let parameters = stream.parameters();
        let id = parameters.id();
        if !codec_is_ours(id) {
            return Err(MediaError::UnsupportedCodec { codec: id.name() });
        }
        let (channels, rate_hz) = ffi::channels_and_rate(&parameters);
        // Zero is not known yet; the first decoded frame will say.
        if channels != 0 {
            check_channels(channels, bounds)?;
        }
        if rate_hz != 0 {
            check_rate(rate_hz, bounds)?;
        }
        let bits = ffi::exact_bits_per_sample(id);
        let is_pcm = bits > 0;
        let declared_seconds = match kind {
            // Samples of a fixed size, and their bytes counted: no other field has to be asked, and some of them lie.
            Kind::Ours(Container::Wave | Container::Wave64 | Container::Aiff | Container::Caf) if is_pcm => {
                data_chunk.and_then(|chunk| chunk.seconds(bits, channels, rate_hz))
            }
            // MP3 in WAVE: neither the bytes per second nor the number of samples (`fact`) can be relied on.
            Kind::Ours(Container::Wave | Container::Wave64) => {
                if data_chunk.is_some_and(DataChunk::is_cut) {
                    return Err(MediaError::CutShort);
                }
                None
            }
            _ => declared_seconds(&input, &stream),
        };
        let declared_seconds = declared_seconds.filter(|seconds| (0.0..MAX_DECLARED_SECONDS).contains(seconds));
        let (index, time_base) = (stream.index(), stream.time_base());
        let mut opened = Self {
            stream: index,
            parameters,
            time_base,
            format,
            codec: id.name(),
            declared_seconds,
            ignored_streams: streams.saturating_sub(1),
            expires,
            promised_bytes: promised_bytes.filter(|_| format == AudioFormat::Mp3),
            frame_bytes: 0,
            failure,
            input,
        };
        ffi::keep_only(&mut opened.input, index);
        if is_pcm && matches!(kind, Kind::Ours(Container::Wave | Container::Wave64)) {
            // Else packets end inside a sample, and the decoder drops what is left over. What was read while probing was
            // already cut so, hence from the beginning again.
            if ffi::correct_block_align(&mut opened.input, index, channels * bits / 8) {
                let rewound = opened.input.seek(0, ..);
                rewound.map_err(|source| MediaError::Damaged { during: "going back to the sound", source })?;
            }
        }
        Ok(opened)
    }

    /// How clipping shows after this codec.
    pub(crate) fn clipping_rule(&self) -> Rule {
        let is_lossy = matches!(self.parameters.id(), Id::MP3 | Id::AAC | Id::VORBIS | Id::OPUS);
        if is_lossy { Rule::FlatTop } else { Rule::FullScale }
    }

    /// What the header says about the duration, once `seconds` of sound were found. A longer duration is no sign of a cut
    /// where the file counts its bytes and all of them were there.
    pub(crate) fn declared_beside(&self, seconds: f64) -> Option<f64> {
        let is_whole = self.promised_bytes.is_some_and(|bytes| declared::mp3_is_whole(bytes, self.frame_bytes));
        self.declared_seconds.filter(|&declared| declared <= seconds || !is_whole)
    }

    /// A decoder of its own for the stream.
    pub(crate) fn decoder(&self) -> Result<ff::decoder::Audio, MediaError> {
        let mut decoder = ff::codec::Context::from_parameters(self.parameters.clone())
            .map_err(|source| MediaError::Library { during: "preparing the decoder", source })?
            .decoder();
        decoder.set_packet_time_base(self.time_base);
        decoder.audio().map_err(|source| match source {
            ff::Error::InvalidData | ff::Error::Other { .. } => {
                MediaError::Damaged { during: "opening the decoder", source }
            }
            source => MediaError::Library { during: "opening the decoder", source },
        })
    }

    /// The next packet of the stream; `None` at the end.
    ///
    /// A fresh packet each time: `av_read_frame` into a used one leaks what it held.
    pub(crate) fn next_packet(&mut self) -> Result<Option<ff::Packet>, ReadFault> {
        loop {
            let mut packet = ff::Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    self.frame_bytes += (packet.size() as u64).min(declared::MAX_MP3_FRAME_BYTES);
                    return Ok(Some(packet));
                }
                Ok(()) => {}
                Err(ff::Error::Exit) => return Err(ReadFault::Expired),
                Err(error) => {
                    if let Some(source) = self.failure.lock().ok().and_then(|mut failure| failure.take()) {
                        return Err(ReadFault::Source(source));
                    }
                    return match error {
                        ff::Error::Eof => Ok(None),
                        _ => Err(ReadFault::Packet),
                    };
                }
            }
            if Instant::now() >= self.expires {
                return Err(ReadFault::Expired);
            }
        }
    }
}

/// Why there is no next packet.
pub(crate) enum ReadFault {
    Expired,
    Source(io::Error),
    /// This packet is damaged; the next may be whole.
    Packet,
}

/// What the first bytes say, and the container about its length.
struct Look {
    kind: Kind,
    data_chunk: Option<DataChunk>,
    promised_bytes: Option<u64>,
}

fn look(source: &mut (impl Read + Seek)) -> Result<Look, MediaError> {
    let read = |source| MediaError::Read { source };
    source.seek(SeekFrom::Start(0)).map_err(read)?;
    let mut head = Vec::with_capacity(sniff::HEAD_BYTES);
    Read::take(&mut *source, sniff::HEAD_BYTES as u64).read_to_end(&mut head).map_err(read)?;
    if head.is_empty() {
        return Err(MediaError::Empty);
    }
    let kind = sniff::sniff(&head);
    sniff::refuse(kind)?;
    let mut look = Look { kind, data_chunk: None, promised_bytes: None };
    let is_cut = match kind {
        Kind::Ours(Container::Ogg) => declared::ogg_is_cut(source).map_err(read)?,
        Kind::Ours(Container::Webm) => declared::webm_is_cut(source).map_err(read)?,
        _ => false,
    };
    if is_cut {
        return Err(MediaError::CutShort);
    }
    match kind {
        Kind::Ours(Container::Other) | Kind::Unknown => {
            look.promised_bytes = declared::mp3_bytes(source).map_err(read)?;
        }
        Kind::Ours(container) => look.data_chunk = declared::data_chunk(source, container).map_err(read)?,
        Kind::OtherMedia(_) | Kind::NotMedia(_) => {}
    }
    source.seek(SeekFrom::Start(0)).map_err(read)?;
    Ok(look)
}

fn options() -> Dictionary<'static> {
    let mut options = Dictionary::new();
    options.set("format_whitelist", DEMUXERS);
    options.set("codec_whitelist", DECODERS);
    // There is no protocol of this name: whatever a container refers to cannot be opened.
    options.set("protocol_whitelist", "none");
    options.set("probesize", PROBE_BYTES);
    options.set("analyzeduration", PROBE_MICROSECONDS);
    options.set("max_streams", MAX_STREAMS);
    // The WAVE demuxer's packets are 4 KiB otherwise, and each costs as much as a large one.
    options.set("max_size", "65536");
    // Behind the header it also looks whether 16-bit samples are something else in disguise (DTS), in up to 32 packets:
    // two of this size are the same 128 KiB, where 32 would cost more than decoding a short recording.
    options.set("max_probe_packets", "2");
    options
}

fn not_opened(error: ff::Error, kind: Kind, bounds: &Bounds, expires: Instant, failure: &Failure) -> MediaError {
    if let Some(source) = failure.lock().ok().and_then(|mut failure| failure.take()) {
        return MediaError::Read { source };
    }
    match (error, kind) {
        (ff::Error::Exit, _) => MediaError::DeadlinePassed { limit: bounds.deadline },
        _ if Instant::now() >= expires => MediaError::DeadlinePassed { limit: bounds.deadline },
        (source, Kind::Ours(_)) => MediaError::Damaged { during: "reading the header", source },
        // ffmpeg knows the container, but it is not on our list.
        (ff::Error::Other { errno: ff::error::EINVAL }, _) => MediaError::UnsupportedFormat { format: None },
        _ => MediaError::NotAudio { looks_like: None },
    }
}

fn format_of(demuxer: &str) -> Result<AudioFormat, MediaError> {
    let first = demuxer.split(',').next().unwrap_or_default();
    Ok(match first {
        "wav" | "w64" => AudioFormat::Wav,
        "mp3" => AudioFormat::Mp3,
        "flac" => AudioFormat::Flac,
        "ogg" => AudioFormat::Ogg,
        "aac" => AudioFormat::Aac,
        "mov" => AudioFormat::M4a,
        "matroska" => AudioFormat::Webm,
        "aiff" => AudioFormat::Aiff,
        "caf" => AudioFormat::Caf,
        _ => return Err(MediaError::UnsupportedFormat { format: None }),
    })
}

fn codec_is_ours(id: Id) -> bool {
    let is_pcm = matches!(
        id,
        Id::PCM_U8
            | Id::PCM_S8
            | Id::PCM_S16LE
            | Id::PCM_S16BE
            | Id::PCM_S24LE
            | Id::PCM_S24BE
            | Id::PCM_S32LE
            | Id::PCM_S32BE
            | Id::PCM_F32LE
            | Id::PCM_F32BE
            | Id::PCM_F64LE
            | Id::PCM_F64BE
            | Id::PCM_MULAW
            | Id::PCM_ALAW
    );
    is_pcm || matches!(id, Id::MP3 | Id::AAC | Id::VORBIS | Id::OPUS | Id::FLAC | Id::ALAC)
}

pub(crate) fn check_channels(channels: u32, bounds: &Bounds) -> Result<(), MediaError> {
    let limit = bounds.max_channels;
    if (1..=u32::from(limit)).contains(&channels) { Ok(()) } else { Err(MediaError::Channels { channels, limit }) }
}

pub(crate) fn check_rate(rate_hz: u32, bounds: &Bounds) -> Result<(), MediaError> {
    let (min_hz, max_hz) = (bounds.min_sample_rate_hz, bounds.max_sample_rate_hz);
    if (min_hz..=max_hz).contains(&rate_hz) { Ok(()) } else { Err(MediaError::SampleRate { rate_hz, min_hz, max_hz }) }
}

/// What the file says about the stream's duration, unless ffmpeg guessed it from the bitrate.
fn declared_seconds(input: &context::Input, stream: &ff::Stream<'_>) -> Option<f64> {
    if !ffi::duration_is_declared(input) {
        return None;
    }
    let by_stream = (stream.duration() > 0).then(|| stream.duration() as f64 * f64::from(stream.time_base()));
    let by_file = (input.duration() > 0).then(|| input.duration() as f64 / f64::from(ff::ffi::AV_TIME_BASE));
    by_stream.or(by_file)
}
