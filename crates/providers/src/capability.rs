//! What a provider can do, one trait a capability.

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use lyrics::{Lyrics, LyricsError, LyricsRequest};
use music::{Melody, PitchTrack};
use pitch::PitchError;
use serde::{Deserialize, Serialize};
use voice::{VoiceError, VoiceOptions};

use crate::{
    calls::ProviderCall,
    input::{AudioInput, ProgressSink},
    stop::Stop,
};

/// A sung voice as a provider delivers it, before mastering.
#[derive(Clone, Debug, PartialEq)]
pub struct Vocal {
    pub sample_rate_hz: u32,
    /// Mono, −1..1.
    pub samples: Vec<f32>,
    pub performance: Performance,
}

/// How a vocal came about: what its sound is held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// The F0 that was meant to sound.
    pub target: PitchTrack,
    pub syllables_placed: usize,
    /// How far the melody was moved to lie in the voice.
    pub octave_shift: i32,
    /// Who sang, as [`domain::options::Voice`] names the voices.
    #[serde(default)]
    pub voice: String,
}

/// Finds the melody in a recording.
#[async_trait]
pub trait MelodyExtractor: Send + Sync {
    async fn extract(
        &self,
        audio: &AudioInput,
        progress: ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<Melody, Stop>;
}

/// Writes lyrics that fit a melody.
#[async_trait]
pub trait LyricsWriter: Send + Sync {
    async fn write(&self, melody: &Melody, request: &LyricsRequest, call: &ProviderCall<'_>) -> Result<Lyrics, Stop>;
}

/// Sings lyrics to a melody.
#[async_trait]
pub trait VocalSynthesizer: Send + Sync {
    async fn sing(
        &self,
        melody: &Melody,
        lyrics: &Lyrics,
        voice: &VoiceOptions,
        progress: ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<Vocal, Stop>;
}

/// What it means for a job that no melody was found.
pub fn pitch_failure(error: &PitchError) -> Failure {
    match error {
        PitchError::NoMelody { .. } => Failure::new(
            FailureClass::Caller,
            FailureCode::NoMelody,
            format!(
                "{error}. Hum or sing at least one clear note of half a second, better a short tune of eight notes or \
                 more, close to the microphone and with little noise around, and send it again."
            ),
        ),
        PitchError::SampleRate(_) => {
            Failure::new(FailureClass::Caller, FailureCode::AudioProcessing, error.to_string())
        }
        PitchError::Weights(_) => Failure::new(FailureClass::Caller, FailureCode::Internal, error.to_string()),
    }
}

/// What it means for a job that no lyrics were written.
pub fn lyrics_failure(error: &LyricsError) -> Failure {
    let code = match error {
        LyricsError::UnknownLanguage { .. } => FailureCode::ContentRejected,
        LyricsError::Mismatch(_) => FailureCode::Internal,
    };
    Failure::new(FailureClass::Caller, code, error.to_string())
}

/// What it means for a job that nothing was sung.
pub fn voice_failure(error: &VoiceError) -> Failure {
    let (class, code) = match error {
        // Nobody gets a voice by waiting, and the provider is well: what was asked for is not there.
        VoiceError::VoiceMissing { .. } => (FailureClass::Caller, FailureCode::ProviderConfig),
        VoiceError::Speech { .. } | VoiceError::Unaligned { .. } => {
            (FailureClass::Transient, FailureCode::ProviderUnavailable)
        }
        VoiceError::Mismatch(_) => (FailureClass::Caller, FailureCode::Internal),
    };
    Failure::new(class, code, error.to_string())
}

/// Runs work that may block on a thread that may.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(error = telemetry::join_error(&error), "blocking work failed");
        Failure::new(FailureClass::Caller, FailureCode::Internal, "the engine failed on this input")
    })
}
