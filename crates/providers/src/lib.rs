//! Every music capability as a chain of providers in order of preference, and the only HTTP to AI services.
//!
//! A capability is a trait; a provider is an implementation of it; [`Chain`] tries providers in turn, each behind its
//! circuit breaker and a deadline. Nothing here knows of jobs, rows or messages.

mod capability;
mod chain;
pub mod expert;
mod offline;
pub mod song;

pub use capability::{
    AudioInput, LyricsWriter, MelodyExtractor, ProgressSink, Vocal, VocalSynthesizer, failure_of_engine, no_progress,
};
pub use chain::{CallLimits, Chain, Provided};
pub use expert::ExpertClient;
pub use offline::{NAME as OFFLINE, OfflineEngine};

use std::sync::Arc;

use resilience::BreakerRegistry;
use settings::ProviderSettings;

/// All capabilities that jobs are made with.
#[derive(Clone)]
pub struct Capabilities {
    pub melody: Chain<dyn MelodyExtractor>,
    pub lyrics: Chain<dyn LyricsWriter>,
    pub vocals: Chain<dyn VocalSynthesizer>,
}

impl Capabilities {
    /// The chains that the settings ask for: the expert service when it has an address, then the engine in this process
    /// unless it is not wanted as a fallback. Breakers are registered under the providers' names.
    pub fn new(settings: &ProviderSettings, breakers: &BreakerRegistry) -> Result<Self, reqwest::Error> {
        let limits = CallLimits { call_timeout: settings.call_timeout, retry: settings.retry_policy() };
        let mut melody = Chain::<dyn MelodyExtractor>::new(limits);
        let mut lyrics = Chain::<dyn LyricsWriter>::new(limits);
        let mut vocals = Chain::<dyn VocalSynthesizer>::new(limits);
        if let Some(url) = &settings.expert_url {
            let expert = Arc::new(ExpertClient::new(url.clone())?);
            let breaker = breakers.breaker(expert::NAME);
            melody.push(expert::NAME, expert.clone(), Some(breaker.clone()));
            lyrics.push(expert::NAME, expert.clone(), Some(breaker.clone()));
            vocals.push(expert::NAME, expert, Some(breaker));
        }
        if settings.expert_url.is_none() || settings.offline_fallback {
            let offline = Arc::new(OfflineEngine::new(settings.engine_threads));
            // No breaker: the engine fails only because of its input.
            melody.push(offline::NAME, offline.clone(), None);
            lyrics.push(offline::NAME, offline.clone(), None);
            vocals.push(offline::NAME, offline, None);
        }
        Ok(Self { melody, lyrics, vocals })
    }
}
