//! The engine in this process as a provider of every capability.

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use engine::{
    EngineError,
    f0::{F0Tracker, YinTracker},
    lyrics::{Lyrics, LyricsRequest},
    voice::{SungVocal, VoiceOptions},
};
use media::Bounds;
use models::{Model, ModelsError, ModelsFolder};
use music::Melody;
use settings::ProviderSettings;
use tokio::sync::Semaphore;

use crate::capability::{
    AudioInput, LyricsWriter, MelodyExtractor, ProgressSink, Vocal, VocalSynthesizer, failure_of_engine,
};

/// The provider's name in results, metrics and `/stats`.
pub const NAME: &str = "offline";

/// The tracker's own rate: decoding straight to it saves a second resampling.
const ANALYSIS_RATE_HZ: u32 = 16_000;

/// Runs the engine on blocking threads, a bounded number at a time. A caller that stops waiting frees its slot only
/// when the running call has ended (some seconds at most): the slots count cores in use, not callers.
pub struct OfflineEngine {
    slots: Arc<Semaphore>,
    tracker: Arc<dyn F0Tracker>,
}

/// Why the providers that the settings ask for cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("engine.f0_tracker asks for {wanted}, which cannot be used")]
    Model { wanted: &'static str, source: ModelsError },
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

impl OfflineEngine {
    pub fn new(threads: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(threads.max(1))), tracker: Arc::new(YinTracker::default()) }
    }

    /// With the threads and the tracker that the settings ask for. A neural model is read here, once.
    ///
    /// # Errors
    /// [`SetupError::Model`] when the model is not in the folder, or damaged.
    pub fn from_settings(settings: &ProviderSettings) -> Result<Self, SetupError> {
        let engine = Self::new(settings.engine_threads);
        let model = match settings.engine.f0_tracker {
            settings::F0Tracker::Builtin => return Ok(engine),
            settings::F0Tracker::SwiftF0 => Model::SwiftF0,
            settings::F0Tracker::CrepeTiny => Model::CrepeTiny,
            settings::F0Tracker::CrepeFull => Model::CrepeFull,
        };
        let threads = NonZeroUsize::new(settings.engine_threads).unwrap_or(NonZeroUsize::MIN);
        let tracker = ModelsFolder::new(&settings.engine.models_dir).tracker(model, threads);
        let tracker = tracker.map_err(|source| SetupError::Model { wanted: model.name(), source })?;
        Ok(Self { tracker: tracker.into(), ..engine })
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
        let tracker = self.tracker.clone();
        self.run(move || {
            let mono = media::decode_mono(file, ANALYSIS_RATE_HZ, &Bounds::default())
                .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::AudioProcessing, error.to_string()))?;
            let (samples, rate) = (&mono.samples, mono.sample_rate_hz);
            engine::melody::extract_melody_with(&*tracker, samples, rate, &mut |done| progress(done))
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
            let sung = engine::sing(&melody, &lyrics, &voice, &mut |done| progress(done)).map_err(engine_failure)?;
            let SungVocal { sample_rate_hz, samples, target, syllables_placed, octave_shift, .. } = sung;
            Ok(Vocal { sample_rate_hz, samples, target, syllables_placed, octave_shift })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use settings::{LoadOptions, Settings};

    use super::*;

    #[test]
    fn a_model_that_is_not_there_is_named_with_the_command_that_adds_it() {
        let options = LoadOptions::default().with("engine.models_dir", "no/such/folder");
        let setup = |tracker: &str| {
            let settings = Settings::load(&options.clone().with("engine.f0_tracker", tracker)).unwrap();
            OfflineEngine::from_settings(&settings.providers).map(|_| ())
        };
        assert!(setup("builtin").is_ok());
        for tracker in ["swift-f0", "crepe-tiny", "crepe-full"] {
            let error = setup(tracker).unwrap_err();
            assert_eq!(error.to_string(), format!("engine.f0_tracker asks for {tracker}, which cannot be used"));
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains(&format!("`descant models add {tracker}`")), "{cause}");
        }
    }
}
