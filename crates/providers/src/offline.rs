//! The engine in this process as a provider of every capability.

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use lyrics::{Lyrics, LyricsRequest};
use media::Bounds;
use models::{Model, ModelsFolder};
use music::Melody;
use pitch::f0::{F0Tracker, YinTracker};
use settings::{EngineSettings, SpeechSetting};
use speech::Flite;
use tokio::sync::Semaphore;
use voice::{Speaker, SungVocal, VoiceOptions};

use crate::{
    SetupError,
    capability::{
        AudioInput, LyricsWriter, MelodyExtractor, Performance, ProgressSink, Vocal, VocalSynthesizer, blocking,
        lyrics_failure, pitch_failure, voice_failure,
    },
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
    /// Lends the singer its voices; without, the engine's own formant voice sings.
    speaker: Option<Arc<dyn Speaker>>,
}

fn tracker(settings: &EngineSettings, threads: NonZeroUsize) -> Result<Arc<dyn F0Tracker>, SetupError> {
    let model = match settings.f0_tracker {
        settings::F0Tracker::Builtin => return Ok(Arc::new(YinTracker::default())),
        settings::F0Tracker::SwiftF0 => Model::SwiftF0,
        settings::F0Tracker::CrepeTiny => Model::CrepeTiny,
        settings::F0Tracker::CrepeFull => Model::CrepeFull,
    };
    let loaded = ModelsFolder::new(&settings.models_dir).tracker(model, threads);
    loaded.map(Into::into).map_err(|source| SetupError::Model { wanted: model.name(), source })
}

fn speaker(setting: &SpeechSetting) -> Result<Option<Arc<dyn Speaker>>, SetupError> {
    let flite = match setting {
        SpeechSetting::Off => None,
        SpeechSetting::Auto => Flite::find(),
        SpeechSetting::At(program) => {
            Some(Flite::at(program).map_err(|source| SetupError::Speech { program: program.clone(), source })?)
        }
    };
    Ok(flite.map(|flite| Arc::new(flite) as Arc<dyn Speaker>))
}

impl OfflineEngine {
    /// With the tracker and the voices that the settings ask for, and slots for that many threads. A neural model is
    /// read here, once.
    ///
    /// # Errors
    /// When the model is not in its folder, or the synthesizer that is named does not work.
    pub fn new(settings: &EngineSettings, threads: usize) -> Result<Self, SetupError> {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            slots: Arc::new(Semaphore::new(threads.get())),
            tracker: tracker(settings, threads)?,
            speaker: speaker(&settings.speech)?,
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| internal("the engine is shutting down"))?;
        blocking(move || {
            let _slot = slot;
            work()
        })
        .await?
    }
}

fn internal(message: &str) -> Failure {
    Failure::new(FailureClass::Caller, FailureCode::Internal, message)
}

#[async_trait]
impl MelodyExtractor for OfflineEngine {
    async fn extract(&self, audio: &AudioInput, progress: ProgressSink) -> Result<Melody, Failure> {
        let file = audio.reopen()?;
        let tracker = self.tracker.clone();
        self.run(move || {
            let mono = media::decode_mono(file, ANALYSIS_RATE_HZ, &Bounds::default())
                .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::AudioProcessing, error.to_string()))?;
            let (samples, rate) = (&mono.samples, mono.sample_rate_hz);
            pitch::extract_melody_with(&*tracker, samples, rate, &mut |done| progress(done))
                .map_err(|error| pitch_failure(&error))
        })
        .await
    }
}

#[async_trait]
impl LyricsWriter for OfflineEngine {
    async fn write(&self, melody: &Melody, request: &LyricsRequest) -> Result<Lyrics, Failure> {
        let (melody, request) = (melody.clone(), request.clone());
        self.run(move || lyrics::write_lyrics(&melody, &request).map_err(|error| lyrics_failure(&error))).await
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
        let (melody, lyrics, voice, speaker) = (melody.clone(), lyrics.clone(), voice.clone(), self.speaker.clone());
        self.run(move || {
            let sung = voice::sing(&melody, &lyrics, &voice, speaker.as_deref(), &mut |done| progress(done))
                .map_err(|error| voice_failure(&error))?;
            let SungVocal { sample_rate_hz, samples, target, syllables_placed, octave_shift, voice, .. } = sung;
            let performance = Performance { target, syllables_placed, octave_shift, voice: voice.to_string() };
            Ok(Vocal { sample_rate_hz, samples, performance })
        })
        .await
    }
}
