//! The engine in this process as a provider of every capability.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use engine::{
    EngineError,
    lyrics::{Lyrics, LyricsRequest},
    voice::{SungVocal, VoiceOptions},
};
use media::Bounds;
use music::Melody;
use settings::EngineSettings;
use tokio::sync::Semaphore;

use crate::SetupError;
use crate::capability::{
    AudioInput, LyricsWriter, MelodyExtractor, Performance, ProgressSink, Vocal, VocalSynthesizer, failure_of_engine,
};

/// The provider's name in results, metrics and `/stats`.
pub const NAME: &str = "offline";

/// The tracker's own rate: decoding straight to it saves a second resampling.
const ANALYSIS_RATE_HZ: u32 = 16_000;

/// Runs the engine on blocking threads, a bounded number at a time. A caller that stops waiting frees its slot only
/// when the running call has ended (some seconds at most): the slots count cores in use, not callers.
pub struct OfflineEngine {
    slots: Arc<Semaphore>,
}

impl OfflineEngine {
    /// # Errors
    /// When something that the settings ask for is not on this machine.
    pub fn new(_settings: &EngineSettings, threads: usize) -> Result<Self, SetupError> {
        Ok(Self { slots: Arc::new(Semaphore::new(threads.max(1))) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| internal("the engine is shutting down"))?;
        let finished = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        finished.await.unwrap_or_else(|panic| {
            tracing::error!(error = %panic, "engine call panicked");
            Err(internal("the engine failed on this input"))
        })
    }
}

fn internal(message: &str) -> Failure {
    Failure::new(FailureClass::Caller, FailureCode::Internal, message)
}

fn engine_failure(error: EngineError) -> Failure {
    failure_of_engine(&error)
}

#[async_trait]
impl MelodyExtractor for OfflineEngine {
    async fn extract(&self, audio: &AudioInput, progress: ProgressSink) -> Result<Melody, Failure> {
        let file = audio.reopen().map_err(|error| {
            Failure::new(
                FailureClass::Transient,
                FailureCode::Storage,
                format!("the recording cannot be read: {error}"),
            )
        })?;
        self.run(move || {
            let mono = media::decode_mono(file, ANALYSIS_RATE_HZ, &Bounds::default())
                .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::AudioProcessing, error.to_string()))?;
            engine::extract_melody(&mono.samples, mono.sample_rate_hz, &mut |done| progress(done))
                .map_err(engine_failure)
        })
        .await
    }
}

#[async_trait]
impl LyricsWriter for OfflineEngine {
    async fn write(&self, melody: &Melody, request: &LyricsRequest) -> Result<Lyrics, Failure> {
        let (melody, request) = (melody.clone(), request.clone());
        self.run(move || engine::write_lyrics(&melody, &request).map_err(engine_failure)).await
    }
}

#[async_trait]
impl VocalSynthesizer for OfflineEngine {
    async fn sing(
        &self,
        melody: &Melody,
        lyrics: &Lyrics,
        voice: &VoiceOptions,
        progress: ProgressSink,
    ) -> Result<Vocal, Failure> {
        let (melody, lyrics, voice) = (melody.clone(), lyrics.clone(), voice.clone());
        self.run(move || {
            let sung =
                engine::sing(&melody, &lyrics, &voice, None, &mut |done| progress(done)).map_err(engine_failure)?;
            let SungVocal { sample_rate_hz, samples, target, syllables_placed, octave_shift, voice, .. } = sung;
            let performance = Performance { target, syllables_placed, octave_shift, voice: voice.to_string() };
            Ok(Vocal { sample_rate_hz, samples, performance })
        })
        .await
    }
}
