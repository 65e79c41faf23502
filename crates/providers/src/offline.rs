//! The engine in this process as a provider of every capability.

mod check;

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use lyrics::{Lyrics, LyricsRequest};
use media::Bounds;
use models::{Model, ModelsFolder, State};
use music::Melody;
use pitch::f0::{F0Tracker, YinTracker};
use settings::{EngineSettings, SpeechSetting};
use speech::Flite;
use tokio::sync::Semaphore;
use voice::{Speaker, SungVocal, VoiceOptions};

use crate::{
    ENGINE_VERSION, SetupError,
    calls::ProviderCall,
    capability::{
        LyricsWriter, MelodyExtractor, Performance, Vocal, VocalSynthesizer, blocking, lyrics_failure, pitch_failure,
        voice_failure,
    },
    input::{AudioInput, ProgressSink},
    stop::Stop,
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
    version: String,
}

/// With what names it, beside the sources.
fn tracker(settings: &EngineSettings, threads: NonZeroUsize) -> Result<(Arc<dyn F0Tracker>, String), SetupError> {
    let model = match settings.f0_tracker {
        settings::F0Tracker::Builtin => return Ok((Arc::new(YinTracker::default()), "builtin".to_owned())),
        settings::F0Tracker::SwiftF0 => Model::SwiftF0,
        settings::F0Tracker::CrepeTiny => Model::CrepeTiny,
        settings::F0Tracker::CrepeFull => Model::CrepeFull,
    };
    let loaded = ModelsFolder::new(&settings.models_dir).tracker(model, threads);
    let loaded = loaded.map_err(|source| SetupError::Model { wanted: model.name(), source })?;
    // Loading has held the file against this hash.
    Ok((loaded.into(), format!("{}#{}", model.name(), model.sha256())))
}

/// Who can find the pitch on this machine, by the words of the settings: the one that is built in, and the neural models whose
/// files lie in the folder of models. What a file holds is checked when it is loaded.
pub fn pitch_trackers(settings: &EngineSettings) -> Vec<&'static str> {
    let folder = ModelsFolder::new(&settings.models_dir);
    let here = Model::ALL.into_iter().filter(|model| folder.state(*model) == State::Present).map(Model::name);
    std::iter::once(settings::F0Tracker::Builtin.as_str()).chain(here).collect()
}

/// The synthesizer that was really found, with what names it: two machines with the same settings need not have the same.
fn speaker(setting: &SpeechSetting) -> Result<(Option<Arc<dyn Speaker>>, String), SetupError> {
    let flite = match setting {
        SpeechSetting::Off => None,
        SpeechSetting::Auto => Flite::find(),
        SpeechSetting::At(program) => {
            Some(Flite::at(program).map_err(|source| SetupError::Speech { program: program.clone(), source })?)
        }
    };
    let Some(flite) = flite else { return Ok((None, "no speaker".to_owned())) };
    let identity = flite.identity();
    let identity = identity.map_err(|source| SetupError::Speech { program: flite.program().to_owned(), source })?;
    Ok((Some(Arc::new(flite)), identity))
}

impl OfflineEngine {
    /// With the tracker and the voices that the settings ask for, and slots for that many threads. A neural model is
    /// read here, once.
    ///
    /// # Errors
    /// When the model is not in its folder, or the synthesizer that is named does not work.
    pub fn new(settings: &EngineSettings, threads: usize) -> Result<Self, SetupError> {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let (tracker, tracker_identity) = tracker(settings, threads)?;
        let (speaker, speaker_identity) = speaker(&settings.speech)?;
        let version = format!("{ENGINE_VERSION}/{tracker_identity}/{speaker_identity}");
        Ok(Self { slots: Arc::new(Semaphore::new(threads.get())), tracker, speaker, version })
    }

    /// Names everything that its output follows from beside the inputs: the sources, the tracker's model, and the speech
    /// synthesizer that it found. Equal versions make the same of the same.
    pub fn version(&self) -> &str {
        &self.version
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
    async fn extract(
        &self,
        audio: &AudioInput,
        progress: ProgressSink,
        _call: &ProviderCall<'_>,
    ) -> Result<Melody, Stop> {
        let file = audio.reopen()?;
        let tracker = self.tracker.clone();
        let melody = self.run(move || {
            let mono = media::decode_mono(file, ANALYSIS_RATE_HZ, &Bounds::default())
                .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::AudioProcessing, error.to_string()))?;
            let (samples, rate) = (&mono.samples, mono.sample_rate_hz);
            pitch::extract_melody_with(&*tracker, samples, rate, &mut |done| progress(done))
                .map_err(|error| pitch_failure(&error))
        });
        Ok(melody.await?)
    }
}

#[async_trait]
impl LyricsWriter for OfflineEngine {
    async fn write(&self, melody: &Melody, request: &LyricsRequest, _call: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        let (melody, request) = (melody.clone(), request.clone());
        let write = move || lyrics::write_lyrics(&melody, &request).map_err(|error| lyrics_failure(&error));
        Ok(self.run(write).await?)
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
        _call: &ProviderCall<'_>,
    ) -> Result<Vocal, Stop> {
        let (melody, lyrics, voice, speaker) = (melody.clone(), lyrics.clone(), voice.clone(), self.speaker.clone());
        let sung = self.run(move || {
            let sung = voice::sing(&melody, &lyrics, &voice, speaker.as_deref(), &mut |done| progress(done))
                .map_err(|error| voice_failure(&error))?;
            let SungVocal { sample_rate_hz, samples, target, syllables_placed, octave_shift, voice, .. } = sung;
            let performance = Performance { target, syllables_placed, octave_shift, voice: voice.to_string() };
            Ok(Vocal { sample_rate_hz, samples, performance })
        });
        Ok(sung.await?)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::*;

    fn version_with(speech: SpeechSetting) -> String {
        let settings = EngineSettings { speech, ..EngineSettings::default() };
        OfflineEngine::new(&settings, 1).unwrap().version().to_owned()
    }

    /// A program that answers as flite does when it is asked for its voices.
    pub(super) fn synthesizer(file: &Path, comment: &str) -> SpeechSetting {
        fs::write(file, format!("#!/bin/sh\n# {comment}\necho 'Voices available: kal slt rms awb'\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        SpeechSetting::At(file.to_owned())
    }

    #[test]
    fn the_version_names_the_speaker_that_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flite");
        let none = version_with(SpeechSetting::Off);
        assert!(none.starts_with(ENGINE_VERSION));
        let first = version_with(synthesizer(&file, "first"));
        assert_ne!(first, none);
        assert_eq!(version_with(SpeechSetting::At(file.clone())), first, "the same one");
        assert_ne!(version_with(synthesizer(&file, "another build at the same path")), first);
        let elsewhere = folder.path().join("other");
        fs::copy(&file, &elsewhere).unwrap();
        assert_ne!(version_with(SpeechSetting::At(elsewhere)), version_with(SpeechSetting::At(file)));
    }
}
