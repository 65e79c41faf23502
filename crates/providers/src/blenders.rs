//! Who blends, in order.

use std::sync::Arc;

use resilience::BreakerRegistry;
use settings::Settings;
use telemetry::Metrics;

use crate::{
    ENGINE_VERSION, SetupError,
    blending::{OfflineBlender, SongBlender},
    chain::{CallLimits, Chain, Guard, Terms, Version},
    ml_model::{self, MlModelClient},
    offline,
};

/// The blenders that the settings ask for: the model when it has an address, then the one in this process.
///
/// # Errors
/// When no client can be made.
pub fn blenders(
    settings: &Settings,
    breakers: &BreakerRegistry,
    metrics: &Metrics,
) -> Result<Chain<dyn SongBlender>, SetupError> {
    let providers = &settings.providers;
    let limits = CallLimits { call_timeout: providers.call_timeout, retry: providers.retry_policy() };
    let mut chain: Chain<dyn SongBlender> = Chain::new("blend", limits, metrics.clone());
    if let Some(url) = &providers.ml_model_url {
        let client = Arc::new(MlModelClient::new(url.clone(), providers.ml_model_api_key.clone())?);
        let guard = Guard::new(ml_model::NAME, "blends", breakers);
        chain.push(ml_model::NAME, Terms::elsewhere(Version::Asked(client.clone()), guard), client);
    }
    if providers.ml_model_url.is_none() || providers.offline_fallback {
        let blender = OfflineBlender::new(providers.engine_threads);
        chain.push(offline::NAME, Terms::of_own(ENGINE_VERSION), Arc::new(blender));
    }
    Ok(chain)
}
