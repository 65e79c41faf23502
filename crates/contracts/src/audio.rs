//! The validator's question and answer as domain types.

use domain::{
    Tier,
    audio::{AudioFacts, AudioFormat, Finding, FindingCode, RecordingsFacts, Severity, Verdict},
    kind::InputCheck,
    midi::MidiFacts,
};

use crate::{error::ContractError, v1};

/// What a validator is asked, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationRequest {
    /// Where the recording lies in the object store; to be validated as a key before use.
    pub object_key: String,
    /// As the client named it; only used to report a wrong ending.
    pub file_name: Option<String>,
    pub tier: Tier,
    pub check: InputCheck,
}

/// The words for checks; none for the one that requests of older versions mean.
const MIDI: &str = "midi";
const RECORDINGS: &str = "recordings";

impl From<ValidationRequest> for v1::ValidateAudio {
    fn from(request: ValidationRequest) -> Self {
        let ValidationRequest { object_key, file_name, tier, check } = request;
        let check = match check {
            InputCheck::Audio => "",
            InputCheck::Midi => MIDI,
            InputCheck::Recordings => RECORDINGS,
        };
        let (file_name, tier) = (file_name.unwrap_or_default(), tier.as_str().to_owned());
        Self { object_key, file_name, tier, check: check.to_owned() }
    }
}

impl TryFrom<v1::ValidateAudio> for ValidationRequest {
    type Error = ContractError;

    fn try_from(message: v1::ValidateAudio) -> Result<Self, ContractError> {
        let v1::ValidateAudio { object_key, file_name, tier, check } = message;
        if object_key.is_empty() {
            return Err(ContractError::Missing { field: "object_key" });
        }
        let tier = tier.parse().map_err(|_| ContractError::UnknownWord { field: "tier", word: tier })?;
        let check = match check.as_str() {
            "" => InputCheck::Audio,
            MIDI => InputCheck::Midi,
            RECORDINGS => InputCheck::Recordings,
            _ => return Err(ContractError::UnknownWord { field: "check", word: check }),
        };
        Ok(Self { object_key, file_name: Some(file_name).filter(|name| !name.is_empty()), tier, check })
    }
}

impl From<Verdict> for v1::AudioVerdict {
    fn from(verdict: Verdict) -> Self {
        let Verdict { facts, song, recordings, findings } = verdict;
        Self {
            facts: facts.map(Into::into),
            findings: findings.into_iter().map(Into::into).collect(),
            song: song.map(Into::into),
            recordings: recordings.map(Into::into),
        }
    }
}

impl TryFrom<v1::AudioVerdict> for Verdict {
    type Error = ContractError;

    fn try_from(message: v1::AudioVerdict) -> Result<Self, ContractError> {
        let v1::AudioVerdict { facts, findings, song, recordings } = message;
        Ok(Self {
            facts: facts.map(TryInto::try_into).transpose()?,
            song: song.map(TryInto::try_into).transpose()?,
            recordings: recordings.map(Into::into),
            findings: findings.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<AudioFacts> for v1::AudioFacts {
    fn from(facts: AudioFacts) -> Self {
        let AudioFacts {
            format,
            codec,
            size_bytes,
            duration_seconds,
            declared_duration_seconds,
            sample_rate_hz,
            channels,
            bitrate_bps,
            mean_volume_dbfs,
            peak_dbfs,
            clipped_share,
            decode_errors,
            absurd_samples,
            ignored_streams,
        } = facts;
        Self {
            format: format.as_str().to_owned(),
            codec,
            size_bytes,
            duration_seconds,
            declared_duration_seconds,
            sample_rate_hz,
            channels: channels.into(),
            bitrate_bps,
            mean_volume_dbfs,
            peak_dbfs,
            clipped_share,
            decode_errors,
            absurd_samples,
            ignored_streams: ignored_streams.into(),
        }
    }
}

impl TryFrom<v1::AudioFacts> for AudioFacts {
    type Error = ContractError;

    fn try_from(message: v1::AudioFacts) -> Result<Self, ContractError> {
        let v1::AudioFacts {
            format,
            codec,
            size_bytes,
            duration_seconds,
            declared_duration_seconds,
            sample_rate_hz,
            channels,
            bitrate_bps,
            mean_volume_dbfs,
            peak_dbfs,
            clipped_share,
            decode_errors,
            absurd_samples,
            ignored_streams,
        } = message;
        Ok(Self {
            // What a newer validator reads was accepted or refused there; not to know its name changes nothing of that.
            format: format.parse().unwrap_or(AudioFormat::Other),
            codec,
            size_bytes,
            duration_seconds: finite("duration_seconds", duration_seconds)?,
            declared_duration_seconds: declared_duration_seconds
                .map(|seconds| finite("declared_duration_seconds", seconds))
                .transpose()?,
            sample_rate_hz,
            channels: small("channels", channels)?,
            bitrate_bps,
            mean_volume_dbfs: mean_volume_dbfs.map(|level| finite("mean_volume_dbfs", level)).transpose()?,
            peak_dbfs: peak_dbfs.map(|level| finite("peak_dbfs", level)).transpose()?,
            clipped_share: finite("clipped_share", clipped_share)?,
            decode_errors,
            absurd_samples,
            ignored_streams: small("ignored_streams", ignored_streams)?,
        })
    }
}

impl From<MidiFacts> for v1::MidiFacts {
    fn from(facts: MidiFacts) -> Self {
        let MidiFacts { size_bytes, duration_seconds, notes, parts } = facts;
        Self { size_bytes, duration_seconds, notes, parts }
    }
}

impl TryFrom<v1::MidiFacts> for MidiFacts {
    type Error = ContractError;

    fn try_from(message: v1::MidiFacts) -> Result<Self, ContractError> {
        let v1::MidiFacts { size_bytes, duration_seconds, notes, parts } = message;
        Ok(Self { size_bytes, duration_seconds: finite("duration_seconds", duration_seconds)?, notes, parts })
    }
}

impl From<RecordingsFacts> for v1::RecordingsFacts {
    fn from(facts: RecordingsFacts) -> Self {
        let RecordingsFacts { size_bytes, format, files } = facts;
        Self { size_bytes, format, files }
    }
}

impl From<v1::RecordingsFacts> for RecordingsFacts {
    fn from(message: v1::RecordingsFacts) -> Self {
        let v1::RecordingsFacts { size_bytes, format, files } = message;
        Self { size_bytes, format, files }
    }
}

impl From<Finding> for v1::Finding {
    fn from(finding: Finding) -> Self {
        let Finding { code, severity, message, measured, limit } = finding;
        let severity = match severity {
            Severity::Warning => v1::finding::Severity::Warning,
            Severity::Error => v1::finding::Severity::Error,
        };
        Self { code: code.as_str().to_owned(), severity: severity.into(), message, measured, limit }
    }
}

/// Cannot fail: what a newer validator found must still refuse the recording here. A word that this version does not
/// know becomes [`FindingCode::Other`] and is kept in the sentence; a severity that it does not know is an error.
impl From<v1::Finding> for Finding {
    fn from(message: v1::Finding) -> Self {
        let severity = match message.severity() {
            v1::finding::Severity::Warning => Severity::Warning,
            v1::finding::Severity::Error | v1::finding::Severity::Unspecified => Severity::Error,
        };
        let v1::Finding { code: word, severity: _, message, measured, limit } = message;
        let (code, message) = match word.parse() {
            Ok(code) => (code, message),
            Err(_) if word.is_empty() => (FindingCode::Other, message),
            Err(_) => (FindingCode::Other, format!("{message} ({word})")),
        };
        Self { code, severity, message, measured, limit }
    }
}

pub(crate) fn finite(field: &'static str, figure: f64) -> Result<f64, ContractError> {
    if figure.is_finite() { Ok(figure) } else { Err(ContractError::OutOfRange { field }) }
}

fn small(field: &'static str, figure: u32) -> Result<u16, ContractError> {
    u16::try_from(figure).map_err(|_| ContractError::OutOfRange { field })
}
