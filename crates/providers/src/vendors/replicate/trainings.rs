//! Trainings of models of one's own as work outside.

use std::{fs::File, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::Utc;
use domain::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    client::{Client, Kind},
    find::find,
    mark::Mark,
    model_ref::{ModelRef, is_name, is_version},
    predictions::unsent,
    progress::{self, Standing},
    schema::{Purpose, Schemas},
    webhook_address::WebhookAddress,
    wire::Run,
};
use crate::outside_service::{CallError, OutsideProgress, OutsideService};

/// The rate of learning of a request that says nothing of it, which is the trainer's own. It carries the mark.
const RATE: (&str, f64) = ("lr", 1.0);

/// What a training is asked with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRequest {
    /// The name of the owner's model that gets the new version; it is made, for its owner alone, where there is none.
    /// Trainings of one model share it: each is a version.
    pub destination: String,
    /// What the trainer takes, such as `dataset_path`, an address from which it reads. Held against its schema.
    pub input: Map<String, Value>,
}

/// What a training made: the `value` of its success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trained {
    /// `owner/name`.
    pub model: String,
    /// 64 hexadecimal digits.
    pub version: String,
    /// Where what was learnt lies, for an hour; absent where the vendor does not say.
    pub weights: Option<String>,
}

/// Trainings with one key.
pub struct TrainingService {
    client: Client,
    /// In rows, apart from the predictions with the same key.
    name: String,
    trainer: ModelRef,
    owner: String,
    schemas: Arc<Schemas>,
    webhooks: Option<WebhookAddress>,
}

impl TrainingService {
    pub(super) fn new(
        client: Client,
        trainer: ModelRef,
        owner: String,
        schemas: Arc<Schemas>,
        webhooks: Option<WebhookAddress>,
    ) -> Self {
        let name = format!("{}/trainings", client.http().name);
        Self { client, name, trainer, owner, schemas, webhooks }
    }

    /// Brings the first `size_bytes` of a data set to where the trainer can read it, for a day or so. Costs nothing and may be
    /// repeated.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn upload(&self, data: File, size_bytes: u64, media_type: &str, name: &str) -> Result<Url, Failure> {
        self.client.upload(data, size_bytes, media_type, name).await
    }

    /// For how long what was uploaded is kept.
    pub const fn upload_kept(&self) -> Duration {
        self.client.limits.upload_kept
    }

    /// What a training costs that takes so long by the vendor's meter.
    pub fn cost(&self, compute_seconds: f64) -> Option<domain::Cost> {
        self.client.prices.cost(&domain::Usage { compute_seconds, ..domain::Usage::default() })
    }

    fn progress(&self, run: &Run) -> OutsideProgress {
        if Standing::of(run) == Standing::Working {
            return progress::working(run, Utc::now(), self.client.limits.training_looks);
        }
        let (usage, cost) = progress::charge(run, &self.client.prices);
        let trained = trained(&run.output);
        let failure = progress::failure(&self.name, run);
        match (failure, trained) {
            (None, Some(trained)) => {
                let value = json!({"model": trained.model, "version": trained.version, "weights": trained.weights});
                // The version stays with the vendor; a copy of what was learnt is nobody's need.
                OutsideProgress::Succeeded { value, files: Vec::new(), usage, cost }
            }
            (failure, _) => {
                let failure = failure.unwrap_or_else(|| progress::lost(&self.name, run));
                OutsideProgress::Failed { failure, usage, cost }
            }
        }
    }
}

/// Reads `{"version": "owner/name:version", "weights": address}`.
fn trained(output: &Value) -> Option<Trained> {
    let (model, version) = output["version"].as_str()?.split_once(':')?;
    let weights = output["weights"].as_str().map(str::to_owned);
    is_version(version).then(|| Trained { model: model.to_owned(), version: version.to_owned(), weights })
}

#[async_trait]
impl OutsideService for TrainingService {
    fn provider(&self) -> &str {
        &self.name
    }

    fn answers_within(&self) -> Duration {
        self.client.http().timeout.min(Duration::from_secs(20))
    }

    /// `request` is a [`TrainingRequest`].
    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CallError> {
        let request: TrainingRequest =
            serde_json::from_value(request.clone()).map_err(|_| unsent("a training's request cannot be read"))?;
        if !is_name(&request.destination) || !is_name(&self.owner) {
            return Err(unsent(
                "the name of a model or its owner holds letters, digits, hyphens, dots and underscores",
            ));
        }
        if self.trainer.version.is_none() {
            return Err(unsent(format!("{} trains nothing without a version", self.trainer)));
        }
        let mut input = request.input;
        input.entry(RATE.0).or_insert_with(|| RATE.1.into());
        let schema = self.schemas.of(&self.client, &self.trainer, Purpose::Training).await;
        if let Some(schema) = schema.map_err(CallError::Refused)? {
            input = schema.fit(input).map_err(CallError::Refused)?;
        }
        if !Mark::of(correlation).put(&mut input) {
            return Err(unsent(format!(
                "{} takes no rate of learning, so that an answer that was lost could not be found; it is not asked for anything",
                self.trainer
            )));
        }
        self.client.ensure_model(&self.owner, &request.destination).await.map_err(CallError::Refused)?;
        let mut body = json!({"destination": format!("{}/{}", self.owner, request.destination), "input": input});
        if let Some(webhooks) = &self.webhooks {
            webhooks.put(correlation, &mut body);
        }
        Ok(self.client.create_training(&self.trainer, &body).await?.id)
    }

    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure> {
        find(&self.client, Kind::Training, correlation).await
    }

    /// As of predictions.
    fn certain_after(&self) -> Duration {
        self.client.limits.arrival
    }

    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure> {
        self.look_at(outside_id, Duration::MAX).await
    }

    async fn look_at(&self, outside_id: &str, age: Duration) -> Result<OutsideProgress, Failure> {
        match self.client.run(Kind::Training, outside_id).await? {
            Some(run) => Ok(self.progress(&run)),
            None => progress::unknown(&self.name, age, self.client.limits.known_within),
        }
    }

    async fn cancel(&self, outside_id: &str) -> Result<(), Failure> {
        self.client.cancel(Kind::Training, outside_id).await
    }

    async fn download(&self, from: &Url, into: &mut File) -> Result<(), Failure> {
        self.client.download(from, into).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_trained_is_read_or_it_is_not() {
        let hash = "ab".repeat(32);
        let check = |output: Value, version: Option<&str>| {
            assert_eq!(trained(&output).map(|trained| trained.version).as_deref(), version, "{output}");
        };
        check(json!({"version": format!("acme/harbor:{hash}"), "weights": "https://x.test/w.tar"}), Some(&hash));
        check(json!({"version": format!("acme/harbor:{hash}")}), Some(&hash));
        check(json!({"version": format!("acme/harbor:{}", &hash[1..])}), None);
        check(json!({"version": hash}), None);
        check(json!({}), None);
        check(json!(null), None);
    }
}
