//! Every music capability as a chain of providers in order of preference, and the only one that knows what AI services speak.
//!
//! A capability is a trait; a provider is an implementation of it; [`Chain`] tries providers in turn, each behind its
//! circuit breaker and a deadline. Nothing here knows what a kind of job makes of them, nor of rows or messages.

mod abilities;
mod accompaniment;
mod accompanying;
mod assembly;
mod awaited;
mod blending;
mod call_off;
mod calls;
mod capability;
mod chain;
mod composing;
mod content;
pub mod expert;
mod input;
pub mod ml_model;
mod model_catalogue;
pub mod moderation;
mod offline;
mod outside;
mod outside_service;
mod playing;
mod recital;
mod setup_check;
mod setup_watch;
mod slot;
mod spoken_singer;
mod stop;
mod training;
pub mod vendors;

pub use abilities::{Abilities, ModelChoice, Need};
pub use accompaniment::{AccompanimentPlayer, LoudnessTarget, font_failure};
pub use accompanying::{Accompanied, AccompanimentOrder, Accompanist, OfflineAccompanist};
pub use assembly::{blenders, composers, players};
pub use awaited::{IsAwaited, Sending, while_awaited};
pub use blending::{
    BlendOrigin, BlendedSong, MOST_BLEND_SECONDS, OfflineBlender, SongBlender, SongToBlend, blend_failure,
};
pub use call_off::all_called_off;
pub use calls::{
    Answer, Answered, Call, CallLog, CallScope, DirectCalls, Make, Patience, ProviderCall, ProviderName, answer,
    download, stop, too_long,
};
pub use capability::{
    LyricsWriter, MelodyExtractor, Performance, Vocal, VocalSynthesizer, blocking, lyrics_failure, pitch_failure,
    voice_failure,
};
pub use chain::{CallLimits, Chain, Guard, Provided, TellsVersion, Terms, Version};
pub use composing::{
    Composed, ComposedSong, OfflineComposer, SongChord, SongComposer, SongRequest, SongWords, SungSound, SungWord,
    compose_failure,
};
pub use content::{ContentGate, ContentGateError};
pub use expert::{ExpertClient, ExpertProvider};
pub use input::{AudioInput, ProgressSink, no_progress};
pub use model_catalogue::{ModelCatalogue, NotAsked};
pub use offline::{NAME as OFFLINE, OfflineEngine, pitch_trackers};
pub use outside::Outside;
pub use outside_service::{Arrival, CERTAIN_AFTER, CallError, OutsideProgress, OutsideService};
pub use playing::{OwnInstruments, PlayedSong, SongPlayer};
pub use recital::Reciter;
pub use setup_check::{Part, PartCheck, SetupCheck};
pub use setup_watch::watch_setup;
pub use slot::Slot;
pub use spoken_singer::SpokenSinger;
pub use stop::{Parking, Stop};
pub use training::{TRAINING_PURPOSE, TrainedModel, Trainer, TrainingData, TrainingOrder, UploadedData, train};

use std::{path::PathBuf, sync::Arc};

use models::ModelsError;
use resilience::BreakerRegistry;
use settings::{CapabilitySettings, Settings};
use speech::SpeechFailure;
use telemetry::Metrics;

use self::assembly::Assembly;

/// Changes with the release, and with any change of the sources that a song follows from: what one version made of some
/// inputs, another may make differently.
pub const ENGINE_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("ENGINE_SOURCES"));

/// All capabilities that jobs are made with.
#[derive(Clone)]
pub struct Capabilities {
    pub melody: Chain<dyn MelodyExtractor>,
    pub lyrics: Chain<dyn LyricsWriter>,
    pub vocals: Chain<dyn VocalSynthesizer>,
    pub blends: Chain<dyn SongBlender>,
    /// Who plays the notes of a blend; the last is always this process.
    pub playing: Chain<dyn SongPlayer>,
    pub compositions: Chain<dyn SongComposer>,
    /// Who trains models on recordings; nobody in this process does.
    pub trainers: Chain<dyn Trainer>,
    /// Who plays under a melody that is sung with a band.
    pub accompanists: Chain<dyn Accompanist>,
    pub accompaniment: AccompanimentPlayer,
    /// Whether prompts and lyrics may be sung.
    pub content: Arc<ContentGate>,
    /// Vendors whose work is waited for, so that it can be called off.
    pub outside: Vec<Arc<dyn OutsideService>>,
    /// Vendors that can be asked whether they are set up rightly.
    pub checks: Vec<Arc<dyn SetupCheck>>,
    /// Vendors that can be asked for models of the registry.
    pub catalogues: Vec<Arc<dyn ModelCatalogue>>,
}

/// The stages of a song by the engine in this process and nobody else, for callers who have chains of their own.
#[derive(Clone)]
pub struct EngineStages {
    /// Who does them.
    pub engine: Arc<OfflineEngine>,
    pub melody: Chain<dyn MelodyExtractor>,
    pub lyrics: Chain<dyn LyricsWriter>,
    pub vocals: Chain<dyn VocalSynthesizer>,
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
    #[error("providers.{provider}.format asks for {format}, which is no sound that is had there: expected {expected}")]
    Format { provider: String, format: String, expected: &'static str },
    #[error("a client of an outside service cannot be made")]
    Client(#[from] outbound::SetupError),
}

impl Capabilities {
    /// The chains that the settings ask for: in the order of `[capabilities]`, else all that are set up, the engine in this
    /// process last. Breakers are registered under `PROVIDER/CAPABILITY`.
    pub fn new(settings: &Settings, breakers: &BreakerRegistry, metrics: &Metrics) -> Result<Self, SetupError> {
        Ok(Self::with_engine_stages(settings, breakers, metrics)?.0)
    }

    /// The same chains, and beside them the stages of a song by the engine alone; it is one engine in both.
    pub fn with_engine_stages(
        settings: &Settings,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<(Self, EngineStages), SetupError> {
        let outside = Outside::new(&settings.outbound);
        let assembly = Assembly::of(settings, &outside, breakers, metrics)?;
        let engine = engine(settings)?;
        let all = Self::assembled(assembly, &engine, settings, &outside, breakers, metrics)?;
        let settings = &without_lists(settings);
        let mut alone = Assembly::alone(settings, breakers, metrics);
        let (melody, lyrics, vocals) = (alone.melody(&engine), alone.lyrics(&engine), alone.vocals(&engine));
        Ok((all, EngineStages { engine, melody, lyrics, vocals }))
    }

    /// The engine in this process and nobody else.
    pub fn offline(settings: &Settings, breakers: &BreakerRegistry, metrics: &Metrics) -> Result<Self, SetupError> {
        let settings = &without_lists(settings);
        let assembly = Assembly::alone(settings, breakers, metrics);
        let outside = Outside::new(&settings.outbound);
        Self::assembled(assembly, &engine(settings)?, settings, &outside, breakers, metrics)
    }

    fn assembled(
        mut assembly: Assembly<'_>,
        engine: &Arc<OfflineEngine>,
        settings: &Settings,
        outside: &Outside,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let content = ContentGate::new(&settings.safety, &settings.moderation, outside, breakers, metrics)?;
        Ok(Self {
            melody: assembly.melody(engine),
            lyrics: assembly.lyrics(engine),
            vocals: assembly.vocals(engine),
            blends: assembly.blends(),
            playing: assembly.playing(),
            compositions: assembly.compositions(),
            accompanists: assembly.accompaniment(),
            accompaniment: AccompanimentPlayer::new(settings.engine.soundfont.clone()),
            trainers: assembly.trainers(),
            content: Arc::new(content),
            outside: assembly.outside(),
            checks: assembly.checks(),
            catalogues: assembly.catalogues(),
        })
    }

    /// Adds somebody who trains models, and waits for its work.
    pub fn push_trainer(&mut self, name: &str, terms: Terms, trainer: Arc<dyn Trainer>) {
        self.outside.push(trainer.service());
        self.trainers.push(name, terms, trainer);
    }
}

fn engine(settings: &Settings) -> Result<Arc<OfflineEngine>, SetupError> {
    Ok(Arc::new(OfflineEngine::new(&settings.engine, settings.providers.engine_threads)?))
}

/// With nobody named for anything: where nobody is set up, the engine does it.
fn without_lists(settings: &Settings) -> Settings {
    Settings { capabilities: CapabilitySettings::default(), ..settings.clone() }
}
