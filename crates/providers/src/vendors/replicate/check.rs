//! Whether the key, the models and the secret of the settings are right. Costs nothing.
//!
//! All hangs on the key. A version that is wrong keeps back what is made with it, and nothing else; a wrong secret keeps back
//! nothing, since results are taken from looks alone.

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use futures_util::future::join_all;
use settings::Secret;

use super::{client::Client, model_ref::ModelRef};
use crate::setup_check::{Part, PartCheck, SetupCheck};

/// The setting of the model that is never had without a version.
pub(super) const TRAINER: &str = "trainer_version";
/// What the end of work is told by.
const WEBHOOKS: Part = Part::Aside("webhooks");

/// A model of the settings.
pub(super) struct ModelInUse {
    pub setting: &'static str,
    pub model: ModelRef,
    /// What is made with it, by the settings' names.
    pub capabilities: &'static [&'static str],
}

/// Asks the vendor about the settings.
pub struct ReplicateCheck {
    pub(super) client: Client,
    pub(super) models: Vec<ModelInUse>,
    pub(super) webhook_secret: Option<Secret<String>>,
}

impl ReplicateCheck {
    fn wrong(&self, what: &str) -> Failure {
        let message = format!("providers.{}.{what}", self.client.http().name);
        Failure::new(FailureClass::Config, FailureCode::ProviderConfig, message)
    }

    async fn of_model(&self, ModelInUse { setting, model, capabilities }: &ModelInUse) -> Vec<PartCheck> {
        let found = match self.is_there(setting, model).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.wrong(&format!("{setting} names {model}, which the vendor does not know"))),
            Err(failure) => Err(failure),
        };
        capabilities.iter().map(|&name| PartCheck { part: Part::Capability(name), found: found.clone() }).collect()
    }

    async fn is_there(&self, setting: &str, model: &ModelRef) -> Result<bool, Failure> {
        match &model.version {
            Some(version) => {
                let found = self.client.version(model, version).await?;
                Ok(found.is_some_and(|found| found.id == *version))
            }
            None if setting == TRAINER => Ok(false),
            None => Ok(self.client.model(&model.owner, &model.name).await?.is_some()),
        }
    }

    async fn of_secret(&self, secret: &Secret<String>) -> PartCheck {
        let found = match self.client.webhook_secret().await {
            Ok(told) if told == *secret.expose() => Ok(()),
            Ok(_) => Err(self.wrong(
                "webhook_secret is not what the vendor signs with: the end of its work is not believed when it is told, and found \
                 later, when it is looked at",
            )),
            Err(failure) => Err(failure),
        };
        PartCheck { part: WEBHOOKS, found }
    }
}

#[async_trait]
impl SetupCheck for ReplicateCheck {
    fn provider(&self) -> &str {
        &self.client.http().name
    }

    async fn check(&self) -> Result<(), Failure> {
        self.client.account().await.map(|_| ())
    }

    async fn check_parts(&self) -> Vec<PartCheck> {
        let models = join_all(self.models.iter().map(|model| self.of_model(model)));
        let secret = join_all(self.webhook_secret.iter().map(|secret| self.of_secret(secret)));
        let (models, secret) = tokio::join!(models, secret);
        models.into_iter().flatten().chain(secret).collect()
    }
}
