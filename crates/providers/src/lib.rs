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
pub use offline::OfflineEngine;

use std::sync::Arc;

use resilience::{Breaker, BreakerRegistry};
use settings::ProviderSettings;
use telemetry::Metrics;

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
    pub fn new(
        settings: &ProviderSettings,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Self, reqwest::Error> {
        let mut chains = Self::none(settings, metrics);
        if let Some(url) = &settings.expert_url {
            let expert = Arc::new(ExpertClient::new(url.clone())?);
            chains.push(expert::NAME, &expert, Some(&breakers.breaker(expert::NAME)));
        }
        if settings.expert_url.is_none() || settings.offline_fallback {
            chains.push_offline(settings);
        }
        Ok(chains)
    }

    /// The engine in this process and nobody else.
    pub fn offline(settings: &ProviderSettings, metrics: &Metrics) -> Self {
        let mut chains = Self::none(settings, metrics);
        chains.push_offline(settings);
        chains
    }

    fn none(settings: &ProviderSettings, metrics: &Metrics) -> Self {
        let limits = CallLimits { call_timeout: settings.call_timeout, retry: settings.retry_policy() };
        Self {
            melody: Chain::new("melody", limits, metrics.clone()),
            lyrics: Chain::new("lyrics", limits, metrics.clone()),
            vocals: Chain::new("vocals", limits, metrics.clone()),
        }
    }

    fn push<P>(&mut self, name: &'static str, provider: &Arc<P>, breaker: Option<&Arc<Breaker>>)
    where
        P: MelodyExtractor + LyricsWriter + VocalSynthesizer + 'static,
    {
        self.melody.push(name, provider.clone(), breaker.cloned());
        self.lyrics.push(name, provider.clone(), breaker.cloned());
        self.vocals.push(name, provider.clone(), breaker.cloned());
    }

    /// No breaker: the engine fails only because of its input.
    fn push_offline(&mut self, settings: &ProviderSettings) {
        self.push(offline::NAME, &Arc::new(OfflineEngine::from_settings(settings)), None);
    }
}
