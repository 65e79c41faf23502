//! What a recording must be to become a job: facts measured elsewhere, limits from settings, one pure judgement.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::midi::MidiFacts;

/// A container or elementary format by content, never by file name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum AudioFormat {
    Mp3,
    Wav,
    M4a,
    Aac,
    Ogg,
    Flac,
    /// What browsers record; any Matroska file by content.
    Webm,
    /// AIFF and AIFF-C.
    Aiff,
    /// Apple's Core Audio.
    Caf,
    /// Something that this version has no word for: a newer validator has accepted it.
    #[serde(other)]
    Other,
}

impl AudioFormat {
    /// Those that are read.
    pub const ALL: [Self; 9] =
        [Self::Mp3, Self::Wav, Self::M4a, Self::Aac, Self::Ogg, Self::Flac, Self::Webm, Self::Aiff, Self::Caf];
    /// The same for a sentence.
    pub const LIST: &str = "mp3, wav, m4a, aac, ogg, flac, webm, aiff or caf";

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::M4a => "m4a",
            Self::Aac => "aac",
            Self::Ogg => "ogg",
            Self::Flac => "flac",
            Self::Webm => "webm",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Other => "other",
        }
    }

    /// The registered media type, for `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
            Self::M4a => "audio/mp4",
            Self::Aac => "audio/aac",
            Self::Ogg => "audio/ogg",
            Self::Flac => "audio/flac",
            Self::Webm => "audio/webm",
            Self::Aiff => "audio/aiff",
            Self::Caf => "audio/x-caf",
            Self::Other => "application/octet-stream",
        }
    }

    /// The format that a file name's ending claims, if it claims one of ours.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "mp3" => Some(Self::Mp3),
            "wav" | "wave" => Some(Self::Wav),
            "m4a" | "mp4" => Some(Self::M4a),
            "aac" => Some(Self::Aac),
            "ogg" | "oga" | "opus" => Some(Self::Ogg),
            "flac" => Some(Self::Flac),
            "webm" | "weba" | "mka" | "mkv" => Some(Self::Webm),
            "aiff" | "aif" | "aifc" => Some(Self::Aiff),
            "caf" => Some(Self::Caf),
            _ => None,
        }
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text given as an audio format names none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown audio format {0:?}: expected {list}", list = AudioFormat::LIST)]
pub struct UnknownAudioFormat(pub String);

impl FromStr for AudioFormat {
    type Err = UnknownAudioFormat;

    fn from_str(text: &str) -> Result<Self, UnknownAudioFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| UnknownAudioFormat(text.to_owned()))
    }
}

/// What one decode pass found out about a recording. Levels are dB relative to full scale; `None` is digital silence
/// (minus infinity has no place in JSON).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AudioFacts {
    pub format: AudioFormat,
    /// The codec's short name, such as `pcm_s16le` or `aac`.
    pub codec: String,
    pub size_bytes: u64,
    /// By counting decoded samples.
    pub duration_seconds: f64,
    /// By the container's header, when it says.
    pub declared_duration_seconds: Option<f64>,
    pub sample_rate_hz: u32,
    pub channels: u16,
    /// Overall, of the file.
    pub bitrate_bps: u64,
    /// Mean volume over all samples, as `volumedetect` defines it (RMS), in dBFS.
    pub mean_volume_dbfs: Option<f64>,
    /// Highest sample magnitude in dBFS.
    pub peak_dbfs: Option<f64>,
    /// Share (0–1) of samples in runs of at least three at full scale: what clipping leaves behind.
    pub clipped_share: f64,
    /// Packets that did not decode.
    pub decode_errors: u32,
    /// Whether decoded samples were non-finite or beyond +20 dBFS, which only corruption makes.
    pub absurd_samples: bool,
    /// Streams that were ignored: video, attached pictures, further audio.
    pub ignored_streams: u16,
}

impl AudioFacts {
    /// Facts come over the wire too, and no comparison below would catch a NaN.
    fn is_finite(&self) -> bool {
        let levels = [self.mean_volume_dbfs, self.peak_dbfs, self.declared_duration_seconds];
        let shares = [self.duration_seconds, self.clipped_share];
        levels.into_iter().flatten().chain(shares).all(f64::is_finite)
    }
}

/// Limits on a recording; all configurable, also per tier.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioLimits {
    pub max_size_bytes: u64,
    pub max_duration_seconds: f64,
    pub min_duration_seconds: f64,
    pub allowed_formats: BTreeSet<AudioFormat>,
    pub require_stereo: bool,
    /// Whether mono draws a warning. A microphone makes one channel, so by default it draws none.
    pub recommend_stereo: bool,
    pub min_sample_rate_hz: u32,
    pub recommended_sample_rate_hz: u32,
    /// Below this the bitrate of a compressed recording draws a warning.
    pub recommended_bitrate_bps: u64,
    /// Below this mean volume the recording counts as silent.
    pub silence_dbfs: f64,
    /// Above this peak a clipping warning is given.
    pub clipping_dbfs: f64,
    /// Above this share (0–1) of clipped samples the recording is refused.
    pub severe_clipping_share: f64,
}

impl Default for AudioLimits {
    fn default() -> Self {
        Self {
            max_size_bytes: 50 * 1024 * 1024,
            max_duration_seconds: 300.0,
            min_duration_seconds: 1.0,
            allowed_formats: AudioFormat::ALL.into_iter().collect(),
            require_stereo: false,
            recommend_stereo: false,
            min_sample_rate_hz: 16_000,
            recommended_sample_rate_hz: 44_100,
            recommended_bitrate_bps: 64_000,
            silence_dbfs: -60.0,
            clipping_dbfs: -0.1,
            severe_clipping_share: 0.05,
        }
    }
}

/// What a finding is about. The order is the order of the checks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    FileEmpty,
    FileTooLarge,
    NotAudio,
    NoAudioStream,
    UnsupportedFormat,
    FormatMismatch,
    CorruptFile,
    TruncatedFile,
    TooShort,
    TooLong,
    SampleRateTooLow,
    SampleRateBelowRecommended,
    TooManyChannels,
    StereoRequired,
    MonoAudio,
    LowBitrate,
    SilentAudio,
    SevereClipping,
    Clipping,
    StreamsIgnored,
    /// Not a Standard MIDI File.
    NotMidi,
    /// A MIDI file without a song in it.
    NoNotes,
    /// A MIDI file of which something was mended or left out.
    MidiMended,
    /// Something that this version has no word for: a newer validator found it.
    Other,
}

impl FindingCode {
    pub const ALL: [Self; 24] = [
        Self::FileEmpty,
        Self::FileTooLarge,
        Self::NotAudio,
        Self::NoAudioStream,
        Self::UnsupportedFormat,
        Self::FormatMismatch,
        Self::CorruptFile,
        Self::TruncatedFile,
        Self::TooShort,
        Self::TooLong,
        Self::SampleRateTooLow,
        Self::SampleRateBelowRecommended,
        Self::TooManyChannels,
        Self::StereoRequired,
        Self::MonoAudio,
        Self::LowBitrate,
        Self::SilentAudio,
        Self::SevereClipping,
        Self::Clipping,
        Self::StreamsIgnored,
        Self::NotMidi,
        Self::NoNotes,
        Self::MidiMended,
        Self::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FileEmpty => "file_empty",
            Self::FileTooLarge => "file_too_large",
            Self::NotAudio => "not_audio",
            Self::NoAudioStream => "no_audio_stream",
            Self::UnsupportedFormat => "unsupported_format",
            Self::FormatMismatch => "format_mismatch",
            Self::CorruptFile => "corrupt_file",
            Self::TruncatedFile => "truncated_file",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::SampleRateTooLow => "sample_rate_too_low",
            Self::SampleRateBelowRecommended => "sample_rate_below_recommended",
            Self::TooManyChannels => "too_many_channels",
            Self::StereoRequired => "stereo_required",
            Self::MonoAudio => "mono_audio",
            Self::LowBitrate => "low_bitrate",
            Self::SilentAudio => "silent_audio",
            Self::SevereClipping => "severe_clipping",
            Self::Clipping => "clipping",
            Self::StreamsIgnored => "streams_ignored",
            Self::NotMidi => "not_midi",
            Self::NoNotes => "no_notes",
            Self::MidiMended => "midi_mended",
            Self::Other => "other",
        }
    }
}

/// The text given as a finding code names none that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown finding code {0:?}")]
pub struct UnknownFindingCode(pub String);

impl FromStr for FindingCode {
    type Err = UnknownFindingCode;

    fn from_str(text: &str) -> Result<Self, UnknownFindingCode> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or_else(|| UnknownFindingCode(text.to_owned()))
    }
}

/// Whether a finding refuses the recording.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

/// One thing that a check found, with the value it measured and the limit it held it against.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Finding {
    pub code: FindingCode,
    pub severity: Severity,
    /// A sentence that says what is wrong and what to do.
    pub message: String,
    /// As text with its unit, such as `0.52 s`.
    pub measured: Option<String>,
    pub limit: Option<String>,
}

impl Finding {
    pub fn error(code: FindingCode, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), measured: None, limit: None }
    }

    pub fn warning(code: FindingCode, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, message: message.into(), measured: None, limit: None }
    }

    #[must_use]
    pub fn measured(mut self, measured: impl Into<String>, limit: impl Into<String>) -> Self {
        self.measured = Some(measured.into());
        self.limit = Some(limit.into());
        self
    }
}

/// What was seen of a recording, or of an archive of recordings, without decoding them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingsFacts {
    pub size_bytes: u64,
    /// A format of recordings, or `zip`, `tar` or `tar.gz`; by content.
    pub format: String,
    /// Files in an archive, as far as it lists them at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
}

/// All findings on one recording, or on one song in a MIDI file. It is accepted when it could be read and none of them is
/// an error.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// `None` when the recording could not be read far enough to measure it, and of songs.
    pub facts: Option<AudioFacts>,
    /// `None` when the song could not be read, and of recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub song: Option<MidiFacts>,
    /// Of what recordings are looked for in; `None` when nothing can be one, and of all else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordings: Option<RecordingsFacts>,
    pub findings: Vec<Finding>,
}

impl Verdict {
    pub fn accepted(&self) -> bool {
        (self.facts.is_some() || self.song.is_some() || self.recordings.is_some()) && self.errors().next().is_none()
    }

    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Warning)
    }
}

/// A decoded length may fall short of the declared one by this share before the file counts as truncated: encoders
/// pad, and headers round.
const TRUNCATION_TOLERANCE_SHARE: f64 = 0.02;
/// And by this much in any case.
const TRUNCATION_TOLERANCE_SECONDS: f64 = 0.25;
/// More undecodable packets than this make a file corrupt; one or two at a cut are common in honest recordings.
const TOLERATED_DECODE_ERRORS: u32 = 2;

/// Holds the facts against the limits. `file_name` is only used to report that its ending lies.
pub fn judge(facts: AudioFacts, file_name: Option<&str>, limits: &AudioLimits) -> Verdict {
    let mut findings = Vec::new();
    let mebibytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / (1024.0 * 1024.0));
    let seconds = |s: f64| format!("{s:.2} s");
    let dbfs = |level: f64| format!("{level:.1} dBFS");

    if facts.size_bytes > limits.max_size_bytes {
        findings.push(
            Finding::error(
                FindingCode::FileTooLarge,
                format!("The file is larger than {}; shorten or compress it.", mebibytes(limits.max_size_bytes)),
            )
            .measured(mebibytes(facts.size_bytes), mebibytes(limits.max_size_bytes)),
        );
    }
    if !limits.allowed_formats.contains(&facts.format) {
        let allowed = limits.allowed_formats.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(", ");
        findings.push(
            Finding::error(
                FindingCode::UnsupportedFormat,
                format!("{} is not accepted here; send one of: {allowed}.", facts.format),
            )
            .measured(facts.format.as_str(), allowed),
        );
    }
    let claimed = file_name
        .and_then(|name| name.rsplit_once('.'))
        .and_then(|(_, extension)| AudioFormat::from_extension(extension));
    if let Some(claimed) = claimed
        && claimed != facts.format
    {
        findings.push(
            Finding::warning(
                FindingCode::FormatMismatch,
                format!("The file is named .{claimed} but holds {}; it was read as what it holds.", facts.format),
            )
            .measured(facts.format.as_str(), claimed.as_str()),
        );
    }
    if facts.absurd_samples || facts.decode_errors > TOLERATED_DECODE_ERRORS || !facts.is_finite() {
        findings.push(
            Finding::error(FindingCode::CorruptFile, "The file is damaged; export it again and send the new one.")
                .measured(
                    format!("{} packets did not decode", facts.decode_errors),
                    format!("{TOLERATED_DECODE_ERRORS} packets"),
                ),
        );
    }
    if let Some(declared) = facts.declared_duration_seconds
        && declared - facts.duration_seconds > TRUNCATION_TOLERANCE_SECONDS.max(declared * TRUNCATION_TOLERANCE_SHARE)
    {
        findings.push(
            Finding::error(
                FindingCode::TruncatedFile,
                "The file ends before its header says it does; the upload or export was cut off. Send it again.",
            )
            .measured(seconds(facts.duration_seconds), seconds(declared)),
        );
    }
    if facts.duration_seconds < limits.min_duration_seconds {
        findings.push(
            Finding::error(
                FindingCode::TooShort,
                format!("The recording is shorter than {}; hum a little longer.", seconds(limits.min_duration_seconds)),
            )
            .measured(seconds(facts.duration_seconds), seconds(limits.min_duration_seconds)),
        );
    }
    if facts.duration_seconds > limits.max_duration_seconds {
        findings.push(
            Finding::error(
                FindingCode::TooLong,
                format!("The recording is longer than {}; send a part of it.", seconds(limits.max_duration_seconds)),
            )
            .measured(seconds(facts.duration_seconds), seconds(limits.max_duration_seconds)),
        );
    }
    if facts.sample_rate_hz < limits.min_sample_rate_hz {
        findings.push(
            Finding::error(
                FindingCode::SampleRateTooLow,
                format!("The sample rate is below {} Hz; record at 44100 Hz.", limits.min_sample_rate_hz),
            )
            .measured(format!("{} Hz", facts.sample_rate_hz), format!("{} Hz", limits.min_sample_rate_hz)),
        );
    } else if facts.sample_rate_hz < limits.recommended_sample_rate_hz {
        findings.push(
            Finding::warning(
                FindingCode::SampleRateBelowRecommended,
                format!("Sample rate below recommended {}Hz", limits.recommended_sample_rate_hz),
            )
            .measured(format!("{} Hz", facts.sample_rate_hz), format!("{} Hz", limits.recommended_sample_rate_hz)),
        );
    }
    if facts.channels == 1 && limits.require_stereo {
        findings.push(
            Finding::error(FindingCode::StereoRequired, "Only stereo recordings are accepted here.")
                .measured("1 channel", "2 channels"),
        );
    } else if facts.channels == 1 && limits.recommend_stereo {
        findings.push(
            Finding::warning(FindingCode::MonoAudio, "The recording is mono; stereo is recommended.")
                .measured("1 channel", "2 channels"),
        );
    }
    if facts.bitrate_bps < limits.recommended_bitrate_bps {
        findings.push(
            Finding::warning(FindingCode::LowBitrate, "The bitrate is low; details of the voice may be lost.")
                .measured(
                    format!("{} kbit/s", facts.bitrate_bps / 1000),
                    format!("{} kbit/s", limits.recommended_bitrate_bps / 1000),
                ),
        );
    }
    if facts.mean_volume_dbfs.is_none_or(|mean| mean < limits.silence_dbfs) {
        findings.push(
            Finding::error(FindingCode::SilentAudio, "The recording is silent; check the microphone and record again.")
                .measured(
                    facts.mean_volume_dbfs.map_or_else(|| "digital silence".to_owned(), dbfs),
                    dbfs(limits.silence_dbfs),
                ),
        );
    }
    if facts.clipped_share > limits.severe_clipping_share {
        findings.push(
            Finding::error(
                FindingCode::SevereClipping,
                "The recording is badly clipped; move away from the microphone or lower its gain, and record again.",
            )
            .measured(
                format!("{:.1} % of samples", facts.clipped_share * 100.0),
                format!("{:.1} % of samples", limits.severe_clipping_share * 100.0),
            ),
        );
    } else if let Some(peak) = facts.peak_dbfs
        && peak > limits.clipping_dbfs
    {
        findings.push(
            Finding::warning(FindingCode::Clipping, "The recording touches full scale and may be clipped.")
                .measured(dbfs(peak), dbfs(limits.clipping_dbfs)),
        );
    }
    if facts.ignored_streams > 0 {
        findings.push(
            Finding::warning(
                FindingCode::StreamsIgnored,
                "Pictures, video or further audio streams in the file were ignored.",
            )
            .measured(format!("{} streams", facts.ignored_streams), "1 audio stream"),
        );
    }
    Verdict { facts: Some(facts), findings, ..Verdict::default() }
}
