//! Whether the key, the models and the secret of the settings are right. Costs nothing.

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use settings::Secret;

use super::{client::Client, model_ref::ModelRef};
use crate::setup_check::SetupCheck;

/// The setting of the model that is never had without a version.
pub(super) const TRAINER: &str = "trainer_version";

/// Asks the vendor about the settings.
pub struct ReplicateCheck {
    pub(super) client: Client,
    /// By the names of their settings.
    pub(super) models: Vec<(&'static str, ModelRef)>,
    pub(super) webhook_secret: Option<Secret<String>>,
}

impl ReplicateCheck {
    fn wrong(&self, what: &str) -> Failure {
        let message = format!("providers.{}.{what}", self.client.http().name);
        Failure::new(FailureClass::Config, FailureCode::ProviderConfig, message)
    }
}

#[async_trait]
impl SetupCheck for ReplicateCheck {
    fn provider(&self) -> &str {
        &self.client.http().name
    }

    async fn check(&self) -> Result<(), Failure> {
        self.client.account().await?;
        for (setting, model) in &self.models {
            let is_there = match &model.version {
                Some(version) => {
                    let found = self.client.version(model, version).await?;
                    found.is_some_and(|found| found.id == *version)
                }
                None if *setting == TRAINER => false,
                None => self.client.model(&model.owner, &model.name).await?.is_some(),
            };
            if !is_there {
                return Err(self.wrong(&format!("{setting} names {model}, which the vendor does not know")));
            }
        }
        if let Some(secret) = &self.webhook_secret
            && self.client.webhook_secret().await? != *secret.expose()
        {
            return Err(self.wrong("webhook_secret is not what the vendor signs with"));
        }
        Ok(())
    }
}
