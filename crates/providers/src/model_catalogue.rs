//! What a provider elsewhere has of the models that the registry knows by name.

use async_trait::async_trait;
use domain::{
    Failure,
    registry::{ModelPath, ModelVersion, PublishedVersion},
};

/// Why a provider did not say whether it has a version. It says nothing about the model.
#[derive(Clone, PartialEq, Debug)]
pub struct NotAsked {
    pub failure: Failure,
    /// Whether it cannot be asked for anything else either: it cannot be reached, it refuses the key, or takes no calls for now.
    pub is_provider_away: bool,
}

impl From<NotAsked> for Failure {
    fn from(not_asked: NotAsked) -> Self {
        not_asked.failure
    }
}

/// A provider elsewhere that can be asked for versions of models, at no cost.
#[async_trait]
pub trait ModelCatalogue: Send + Sync {
    /// Its name in the settings.
    fn provider(&self) -> &str;

    /// A version of the model at a path, of its usual model where there is none; the latest where no version is named. `None`
    /// where the provider has none such, or none that this key may see.
    ///
    /// # Errors
    /// When it could not be asked just now.
    async fn find(
        &self,
        path: Option<&ModelPath>,
        version: Option<&ModelVersion>,
    ) -> Result<Option<PublishedVersion>, NotAsked>;
}
