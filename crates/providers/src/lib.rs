//! Every music capability as a chain of providers in order of preference, and the only one that knows what AI services speak.
//!
//! A capability is a trait; a provider is an implementation of it; [`Chain`] tries providers in turn, each behind its
//! circuit breaker and a deadline. Nothing here knows what a kind of job makes of them, nor of rows or messages.

mod abilities;
mod accompaniment;
mod blenders;
mod blending;
mod calls;
mod capability;
mod chain;
mod composing;
mod content;
pub mod expert;
pub mod ml_model;
pub mod moderation;
mod offline;
mod outside;
mod outside_service;
mod recital;
mod setup_check;
mod stop;
mod training;
pub mod vendors;

pub use abilities::{Abilities, ModelChoice, Need};
pub use accompaniment::{AccompanimentPlayer, LoudnessTarget, font_failure};
pub use blenders::blenders;
pub use blending::{
    BlendOrigin, BlendedSong, MOST_BLEND_SECONDS, OfflineBlender, SongBlender, SongToBlend, blend_failure,
};
pub use calls::{
    Answer, Answered, Call, CallLog, CallScope, DirectCalls, Make, Patience, ProviderCall, ProviderName, answer,
    download, stop, too_long,
};
pub use capability::{
    AudioInput, LyricsWriter, MelodyExtractor, Performance, ProgressSink, Vocal, VocalSynthesizer, blocking,
    lyrics_failure, no_progress, pitch_failure, voice_failure,
};
pub use chain::{CallLimits, Chain, Guard, Provided, TellsVersion, Terms, Version};
pub use composing::{Composed, ComposedSong, OfflineComposer, SongChord, SongComposer, compose_failure, composers};
pub use content::{ContentGate, ContentGateError};
pub use expert::ExpertClient;
pub use offline::{NAME as OFFLINE, OfflineEngine};
pub use outside::Outside;
pub use outside_service::{CallError, OutsideProgress, OutsideService};
pub use recital::Reciter;
pub use setup_check::SetupCheck;
pub use stop::{Parking, Stop};
pub use training::{TRAINING_PURPOSE, TrainedModel, Trainer, TrainingData, TrainingOrder, UploadedData, train};

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::retry::RetryPolicy;
use models::ModelsError;
use resilience::BreakerRegistry;
use settings::Settings;
use speech::SpeechFailure;
use telemetry::Metrics;

/// Changes with the release, and with any change of the sources that a song follows from: what one version made of some
/// inputs, another may make differently.
pub const ENGINE_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("ENGINE_SOURCES"));

/// A call hands over up to a gigabyte; what is trained is paid for, and asked for again by the job's own rules only.
const TRAINING_LIMITS: CallLimits = CallLimits {
    call_timeout: Duration::from_secs(30 * 60),
    retry: RetryPolicy { max_attempts: 1, ..RetryPolicy::PROVIDER_CALL },
};

/// All capabilities that jobs are made with.
#[derive(Clone)]
pub struct Capabilities {
    pub melody: Chain<dyn MelodyExtractor>,
    pub lyrics: Chain<dyn LyricsWriter>,
    pub vocals: Chain<dyn VocalSynthesizer>,
    pub blends: Chain<dyn SongBlender>,
    pub compositions: Chain<dyn SongComposer>,
    /// Who trains models on recordings; nobody in this process does.
    pub trainers: Chain<dyn Trainer>,
    pub accompaniment: AccompanimentPlayer,
    /// Whether prompts and lyrics may be sung.
    pub content: Arc<ContentGate>,
    /// Vendors whose work is waited for, so that it can be called off.
    pub outside: Vec<Arc<dyn OutsideService>>,
}

/// Why the providers that the settings ask for cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("engine.f0_tracker asks for {wanted}, which cannot be used")]
    Model { wanted: &'static str, source: ModelsError },
    #[error("engine.speech names {}, which does not work", program.display())]
    Speech { program: PathBuf, source: SpeechFailure },
    #[error(transparent)]
    Content(#[from] ContentGateError),
    #[error("a client of an outside service cannot be made")]
    Client(#[from] outbound::SetupError),
}

impl Capabilities {
    /// The chains that the settings ask for: the expert service when it has an address, then the engine in this process
    /// unless it is not wanted as a fallback. Breakers are registered under the providers' names.
    pub fn new(settings: &Settings, breakers: &BreakerRegistry, metrics: &Metrics) -> Result<Self, SetupError> {
        let outside = Outside::new(&settings.outbound);
        let mut chains = Self::none(settings, &outside, breakers, metrics)?;
        let providers = &settings.providers;
        if let Some(url) = &providers.expert_url {
            let expert = Arc::new(ExpertClient::new(&outside.outbound()?, url.clone())?);
            let version = Version::Asked(expert.clone());
            let terms = |capability| Terms::elsewhere(version.clone(), Guard::new(expert::NAME, capability, breakers));
            chains.melody.push(expert::NAME, terms("melody"), expert.clone());
            chains.lyrics.push(expert::NAME, terms("lyrics"), expert.clone());
            chains.vocals.push(expert::NAME, terms("vocals"), expert);
        }
        if providers.expert_url.is_none() || providers.offline_fallback {
            chains.push_offline(settings)?;
        }
        Ok(chains)
    }

    /// The engine in this process and nobody else.
    pub fn offline(settings: &Settings, breakers: &BreakerRegistry, metrics: &Metrics) -> Result<Self, SetupError> {
        let mut chains = Self::none(settings, &Outside::new(&settings.outbound), breakers, metrics)?;
        chains.push_offline(settings)?;
        Ok(chains)
    }

    fn none(
        settings: &Settings,
        outside: &Outside,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let providers = &settings.providers;
        let limits = CallLimits { call_timeout: providers.call_timeout, retry: providers.retry_policy() };
        let content = ContentGate::new(&settings.safety, &settings.moderation, outside, breakers, metrics)?;
        Ok(Self {
            accompaniment: AccompanimentPlayer::new(settings.engine.soundfont.clone()),
            melody: Chain::new("melody", limits, metrics.clone()),
            lyrics: Chain::new("lyrics", limits, metrics.clone()),
            vocals: Chain::new("vocals", limits, metrics.clone()),
            blends: blenders::with(settings, outside, breakers, metrics)?,
            compositions: composers(settings, metrics),
            trainers: Chain::new("training", TRAINING_LIMITS, metrics.clone()),
            content: Arc::new(content),
            outside: Vec::new(),
        })
    }

    /// Adds somebody who trains models, and waits for its work.
    pub fn push_trainer(&mut self, name: &str, terms: Terms, trainer: Arc<dyn Trainer>) {
        self.outside.push(trainer.service());
        self.trainers.push(name, terms, trainer);
    }

    /// No breaker: the engine fails only because of its input.
    fn push_offline(&mut self, settings: &Settings) -> Result<(), SetupError> {
        let engine = Arc::new(OfflineEngine::new(&settings.engine, settings.providers.engine_threads)?);
        let terms = Terms::of_own(engine.version());
        self.melody.push(offline::NAME, terms.clone(), engine.clone());
        self.lyrics.push(offline::NAME, terms.clone(), engine.clone());
        self.vocals.push(offline::NAME, terms, engine);
        Ok(())
    }
}
