//! What can go wrong with a sound file, and how its owner is told.

use std::{io, time::Duration};

use domain::audio::{AudioFormat, Finding, FindingCode};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("the file is empty")]
    Empty,
    /// `looks_like` names what the content is, when its first bytes say so.
    #[error("not a sound file{}", .looks_like.map(|kind| format!(" but {kind}")).unwrap_or_default())]
    NotAudio { looks_like: Option<&'static str> },
    /// Sound, but in a container that is not one of ours.
    #[error("{} files are not read", .format.unwrap_or("such"))]
    UnsupportedFormat { format: Option<&'static str> },
    #[error("codec {codec} is not read")]
    UnsupportedCodec { codec: &'static str },
    #[error("no audio stream among {streams} streams")]
    NoAudioStream { streams: u16 },
    #[error("{channels} channels, read are 1 to {limit}")]
    Channels { channels: u32, limit: u16 },
    #[error("sample rate {rate_hz} Hz, read are {min_hz} to {max_hz} Hz")]
    SampleRate { rate_hz: u32, min_hz: u32, max_hz: u32 },
    /// `declared_seconds` is what the header says, when it does.
    #[error("longer than {limit_seconds} s")]
    TooLong { limit_seconds: f64, declared_seconds: Option<f64> },
    #[error("decodes to more than {limit_bytes} bytes")]
    TooManyBytes { limit_bytes: u64 },
    #[error("the last page of the stream is cut off")]
    CutShort,
    /// A change or two are heard through; what changes all the time is damage.
    #[error("sample rate or channel count changes more than {limit} times")]
    ParametersChange { limit: u32 },
    /// The header promises a format that the rest does not keep.
    #[error("damaged while {during}")]
    Damaged { during: &'static str, source: ffmpeg_next::Error },
    #[error("no sound could be decoded ({errors} packets failed)")]
    NothingDecoded { errors: u32 },
    #[error("not read within {}", humane(.limit))]
    DeadlinePassed { limit: Duration },
    #[error("reading the source")]
    Read { source: io::Error },
    #[error("writing the result")]
    Write { source: io::Error },
    /// The temporary file of a sound on its way.
    #[error("keeping sound in a temporary file")]
    Spool { source: io::Error },
    /// Samples, rate, channels or options that an encoder does not take.
    #[error("{encoder} does not take {what}")]
    NotEncodable { encoder: &'static str, what: String },
    /// ffmpeg failed in a way that no file explains: a missing encoder, no memory.
    #[error("ffmpeg failed while {during}")]
    Library { during: &'static str, source: ffmpeg_next::Error },
}

fn humane(limit: &Duration) -> String {
    format!("{:.1} s", limit.as_secs_f64())
}

impl MediaError {
    /// Whether the same file may pass on another try: the fault lies with this machine or the source, not the file.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::DeadlinePassed { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Spool { .. }
            | Self::Library { .. } => true,
            Self::Empty
            | Self::NotAudio { .. }
            | Self::UnsupportedFormat { .. }
            | Self::UnsupportedCodec { .. }
            | Self::NoAudioStream { .. }
            | Self::Channels { .. }
            | Self::SampleRate { .. }
            | Self::TooLong { .. }
            | Self::TooManyBytes { .. }
            | Self::CutShort
            | Self::ParametersChange { .. }
            | Self::Damaged { .. }
            | Self::NothingDecoded { .. }
            | Self::NotEncodable { .. } => false,
        }
    }

    /// A word that a program can act on; also the metric label.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAudio { .. } => "not_audio",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::UnsupportedCodec { .. } => "unsupported_codec",
            Self::NoAudioStream { .. } => "no_audio_stream",
            Self::Channels { .. } => "channels",
            Self::SampleRate { .. } => "sample_rate",
            Self::TooLong { .. } => "too_long",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::CutShort => "cut_short",
            Self::ParametersChange { .. } => "parameters_change",
            Self::Damaged { .. } => "damaged",
            Self::NothingDecoded { .. } => "nothing_decoded",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Spool { .. } => "spool",
            Self::NotEncodable { .. } => "not_encodable",
            Self::Library { .. } => "library",
        }
    }
}

const ACCEPTED: &str = AudioFormat::LIST;

/// The finding that tells the owner of a file why it was refused. For errors that are not the file's fault (see
/// [`MediaError::is_retryable`]) a caller rather answers that it could not check the file.
pub fn finding(error: &MediaError) -> Finding {
    use FindingCode as Code;
    match error {
        MediaError::Empty => Finding::error(Code::FileEmpty, "The file is empty; record or export it again.")
            .measured("0 bytes", "1 byte"),
        MediaError::NotAudio { looks_like: Some(kind) } => {
            Finding::error(Code::NotAudio, format!("This is {kind}, not a recording; send {ACCEPTED}."))
                .measured(*kind, ACCEPTED)
        }
        MediaError::NotAudio { looks_like: None } => {
            Finding::error(Code::NotAudio, format!("The file holds no sound that can be read; send {ACCEPTED}."))
        }
        MediaError::UnsupportedFormat { format } => {
            let format = format.unwrap_or("Such");
            Finding::error(Code::UnsupportedFormat, format!("{format} files are not accepted; save it as {ACCEPTED}."))
                .measured(format, ACCEPTED)
        }
        MediaError::UnsupportedCodec { codec } => Finding::error(
            Code::UnsupportedFormat,
            format!("The sound is coded as {codec}, which is not accepted; save it as {ACCEPTED}."),
        )
        .measured(*codec, "pcm, mp3, aac, vorbis, opus, flac or alac"),
        MediaError::NoAudioStream { streams } => {
            Finding::error(Code::NoAudioStream, "The file holds no sound, only pictures or other data.")
                .measured(format!("{streams} streams without sound"), "1 audio stream")
        }
        MediaError::Channels { channels: 0, .. } | MediaError::SampleRate { rate_hz: 0, .. } => {
            Finding::error(Code::CorruptFile, "The file is damaged: it declares no channel or no sample rate.")
        }
        MediaError::Channels { channels, limit } => {
            Finding::error(Code::TooManyChannels, "The recording has too many channels; mix it down to stereo or mono.")
                .measured(format!("{channels} channels"), format!("{limit} channels"))
        }
        MediaError::SampleRate { rate_hz, min_hz, .. } if rate_hz < min_hz => {
            Finding::error(Code::SampleRateTooLow, "The sample rate is too low; record at 44100 Hz.")
                .measured(format!("{rate_hz} Hz"), format!("{min_hz} Hz"))
        }
        MediaError::SampleRate { rate_hz, max_hz, .. } => {
            Finding::error(Code::CorruptFile, "The sample rate is not one that recordings have; export it at 44100 Hz.")
                .measured(format!("{rate_hz} Hz"), format!("{max_hz} Hz"))
        }
        MediaError::TooLong { limit_seconds, declared_seconds } => {
            let measured = declared_seconds
                .filter(|declared| declared > limit_seconds)
                .map_or_else(|| format!("more than {limit_seconds:.2} s"), |declared| format!("{declared:.2} s"));
            Finding::error(Code::TooLong, "The recording is far too long; send a part of it.")
                .measured(measured, format!("{limit_seconds:.2} s"))
        }
        MediaError::TooManyBytes { limit_bytes } => {
            let limit = format!("{} MB decoded", limit_bytes / (1024 * 1024));
            Finding::error(Code::TooLong, "The recording unpacks to far too much sound; send a part of it.")
                .measured(format!("more than {limit}"), limit)
        }
        MediaError::CutShort => Finding::error(
            Code::TruncatedFile,
            "The file ends in the middle of its data; the upload or export was cut off. Send it again.",
        ),
        MediaError::ParametersChange { limit } => Finding::error(
            Code::CorruptFile,
            "The sample rate or channel count changes over and over inside the recording; export it again with one of each.",
        )
        .measured(format!("more than {limit} changes"), format!("{limit} changes")),
        MediaError::Damaged { .. } => {
            Finding::error(Code::CorruptFile, "The file is damaged; export it again and send the new one.")
        }
        MediaError::NothingDecoded { errors } => {
            Finding::error(Code::CorruptFile, "The file is damaged; no sound in it could be decoded.")
                .measured(format!("{errors} packets did not decode"), "some sound")
        }
        MediaError::DeadlinePassed { .. }
        | MediaError::Read { .. }
        | MediaError::Write { .. }
        | MediaError::Spool { .. }
        | MediaError::NotEncodable { .. }
        | MediaError::Library { .. } => {
            Finding::error(Code::CorruptFile, "The file could not be read through; try again.")
        }
    }
}
