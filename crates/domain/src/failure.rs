//! Why work fails and what to do about it. The words that a kind's older clients know are in its table, see
//! [`crate::kind::KindSpec::error_word`].

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// What a failure asks of the platform. Sources: the vendors' documented errors, one table for all of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The other side said when to come back; waiting costs no attempt. Its word is that of the rows and messages that
    /// exist.
    #[serde(rename = "wait-told")]
    RetryAfter,
    /// May pass by itself: back off with jitter and try again.
    Transient,
    /// Our own share is used up over there: wait for a slot; no breaker.
    Saturated,
    /// A quota or a credit has ended; another provider may still have some.
    Money,
    /// The request is wrong and stays wrong.
    Caller,
    /// The words or the music were refused.
    Content,
    /// A key, a model or an address is wrong: an operator must act.
    Config,
}

impl FailureClass {
    pub const ALL: [Self; 7] =
        [Self::RetryAfter, Self::Transient, Self::Saturated, Self::Money, Self::Caller, Self::Content, Self::Config];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetryAfter => "wait-told",
            Self::Transient => "transient",
            Self::Saturated => "saturated",
            Self::Money => "money",
            Self::Caller => "caller",
            Self::Content => "content",
            Self::Config => "config",
        }
    }

    /// Whether the same call may succeed later with nothing changed.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::RetryAfter | Self::Transient | Self::Saturated => true,
            Self::Money | Self::Caller | Self::Content | Self::Config => false,
        }
    }

    /// Whether the circuit breaker of the provider counts it.
    pub const fn feeds_breaker(self) -> bool {
        match self {
            Self::Transient | Self::Money | Self::Config => true,
            Self::RetryAfter | Self::Saturated | Self::Caller | Self::Content => false,
        }
    }

    /// Whether the next provider in the chain may do better now.
    pub const fn may_fall_back(self) -> bool {
        match self {
            Self::RetryAfter | Self::Transient | Self::Saturated | Self::Money | Self::Config => true,
            Self::Caller | Self::Content => false,
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FailureClass {
    type Err = UnknownFailureWord;

    fn from_str(text: &str) -> Result<Self, UnknownFailureWord> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or_else(|| UnknownFailureWord(text.to_owned()))
    }
}

/// The text given as a failure class or code names none that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown failure word {0:?}")]
pub struct UnknownFailureWord(pub String);

/// Why a job failed, as a word that a program can act on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The recording is not what the validator accepted, or it no longer passes.
    InvalidAudio,
    /// No sung or hummed melody was found in the recording.
    NoMelody,
    /// A song is no MIDI file with notes, or three songs have nothing to blend.
    InvalidSong,
    /// Options that each are possible are not so together, or not with these inputs.
    ImpossibleOptions,
    /// The recording could not be processed.
    AudioProcessing,
    /// The prompt or the lyrics were refused.
    ContentRejected,
    /// A provider refused the request as malformed.
    ProviderRejected,
    /// A provider could not be reached, or failed.
    ProviderUnavailable,
    /// A provider's quota or credit has ended.
    ProviderQuota,
    /// A provider's key, model or address is wrong.
    ProviderConfig,
    /// One call or stage took longer than it may.
    StageTimeout,
    /// The result did not pass the quality gate.
    QualityGate,
    /// The result could not be stored, or an object is missing.
    Storage,
    /// The job lost its worker too often.
    TooManyCrashes,
    /// A defect of ours.
    Internal,
}

impl FailureCode {
    pub const ALL: [Self; 15] = [
        Self::InvalidAudio,
        Self::NoMelody,
        Self::InvalidSong,
        Self::ImpossibleOptions,
        Self::AudioProcessing,
        Self::ContentRejected,
        Self::ProviderRejected,
        Self::ProviderUnavailable,
        Self::ProviderQuota,
        Self::ProviderConfig,
        Self::StageTimeout,
        Self::QualityGate,
        Self::Storage,
        Self::TooManyCrashes,
        Self::Internal,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidAudio => "invalid_audio",
            Self::NoMelody => "no_melody",
            Self::InvalidSong => "invalid_song",
            Self::ImpossibleOptions => "impossible_options",
            Self::AudioProcessing => "audio_processing",
            Self::ContentRejected => "content_rejected",
            Self::ProviderRejected => "provider_rejected",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderQuota => "provider_quota",
            Self::ProviderConfig => "provider_config",
            Self::StageTimeout => "stage_timeout",
            Self::QualityGate => "quality_gate",
            Self::Storage => "storage",
            Self::TooManyCrashes => "too_many_crashes",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FailureCode {
    type Err = UnknownFailureWord;

    fn from_str(text: &str) -> Result<Self, UnknownFailureWord> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or_else(|| UnknownFailureWord(text.to_owned()))
    }
}

/// One failure: what it is, what to do about it, and a sentence that its reader can act on. The sentence never holds
/// a prompt, lyrics, a secret or an address with a signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    pub class: FailureClass,
    pub code: FailureCode,
    pub message: String,
    /// How long the other side told us to wait (class [`FailureClass::RetryAfter`]).
    pub retry_after: Option<Duration>,
    /// What the other side would take in the place of what it refused, in full, for whoever asked. As bounded as what it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Box<Suggestion>>,
}

/// Words for whoever asked. Boxed in a [`Failure`], since few have them and all are passed about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Suggestion(String);

impl Failure {
    pub fn new(class: FailureClass, code: FailureCode, message: impl Into<String>) -> Self {
        Self { class, code, message: message.into(), retry_after: None, suggestion: None }
    }

    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    #[must_use]
    pub fn with_suggestion(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion.map(|words| Box::new(Suggestion(words)));
        self
    }

    pub fn suggested(&self) -> Option<&str> {
        self.suggestion.as_ref().map(|words| words.0.as_str())
    }
}
