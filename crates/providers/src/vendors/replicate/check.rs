//! Whether the key, the models and the secret of the settings are right. Costs nothing.
//!
//! All hangs on the key. A version that is wrong keeps back what is made with it, and nothing else; a wrong secret keeps back
//! nothing, since results are taken from looks alone.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use futures_util::future::join_all;
use settings::Secret;

use super::{client::Client, model_ref::ModelRef};
use crate::setup_check::{Part, PartCheck, SetupCheck};

/// The setting of the model that is never had without a version.
pub(super) const TRAINER: &str = "trainer_version";
/// Longest that one part is waited for: less than whoever asks waits for all of them, so that one slow answer leaves the
/// others known.
const PART_TIMEOUT: Duration = Duration::from_secs(20);
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
        let found = match in_time(&self.client.http().name, PART_TIMEOUT, self.is_there(setting, model)).await {
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
        let found = match in_time(&self.client.http().name, PART_TIMEOUT, self.client.webhook_secret()).await {
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

/// # Errors
/// The other's; `Transient` where it takes longer than `limit`.
async fn in_time<T>(
    provider: &str,
    limit: Duration,
    asked: impl Future<Output = Result<T, Failure>> + Send,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| {
        let message = format!("{provider} does not answer in time");
        Err(Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message))
    })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_is_not_answered_in_time_is_not_known() {
        assert_eq!(in_time("replicate", PART_TIMEOUT, ready(Ok(true))).await, Ok(true));
        let late = in_time("replicate", Duration::ZERO, pending::<Result<bool, Failure>>()).await.unwrap_err();
        assert_eq!(late.class, FailureClass::Transient, "{late}");
    }
}
