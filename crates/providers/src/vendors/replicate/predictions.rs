//! Predictions as work outside.

use std::{fs::File, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    client::{Client, Kind},
    find::find,
    mark::Mark,
    model_ref::ModelRef,
    progress::{self, Standing},
    schema::{Purpose, Schemas},
    webhook_address::WebhookAddress,
    wire::Run,
};
use crate::outside_service::{CallError, OutsideProgress, OutsideService};

/// Longest that one answer is waited for, whatever the settings say.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);

/// What a prediction is asked with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionRequest {
    /// `owner/name:version`, or `owner/name` of an official model.
    pub model: String,
    /// Held against the version's own schema before it is sent. Has to have a `seed` or a temperature: see [`super`].
    pub input: Map<String, Value>,
}

impl PredictionRequest {
    /// As [`OutsideService::create`] takes it. An input that is no object has nothing in it.
    pub fn new(model: &ModelRef, input: Value) -> Self {
        let Value::Object(input) = input else { return Self { model: model.to_string(), input: Map::new() } };
        Self { model: model.to_string(), input }
    }

    pub fn to_json(&self) -> Value {
        json!({"model": self.model, "input": self.input})
    }
}

/// Predictions with one key.
#[derive(Clone)]
pub struct PredictionService {
    client: Client,
    schemas: Arc<Schemas>,
    webhooks: Option<WebhookAddress>,
}

impl PredictionService {
    pub(super) const fn new(client: Client, schemas: Arc<Schemas>, webhooks: Option<WebhookAddress>) -> Self {
        Self { client, schemas, webhooks }
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    fn progress(&self, run: &Run) -> OutsideProgress {
        let provider = self.provider();
        if Standing::of(run) == Standing::Working {
            return progress::working(run, Utc::now(), self.client.limits.looks);
        }
        let (usage, cost) = progress::charge(run, &self.client.prices);
        let files = progress::files(&run.output);
        let failure = progress::failure(provider, run)
            .or_else(|| (run.output.is_null() || files.is_empty()).then(|| progress::lost(provider, run)));
        match failure {
            Some(failure) => OutsideProgress::Failed { failure, usage, cost },
            None => {
                let value = json!({"id": run.id, "model": run.model, "version": run.version});
                OutsideProgress::Succeeded { value, files, usage, cost }
            }
        }
    }
}

/// The failure of a request that cannot be sent, by a slip of ours or of the settings.
pub fn unsent(what: impl Into<String>) -> CallError {
    CallError::Refused(Failure::new(FailureClass::Config, FailureCode::ProviderConfig, what))
}

#[async_trait]
impl OutsideService for PredictionService {
    fn provider(&self) -> &str {
        &self.client.http().name
    }

    fn answers_within(&self) -> Duration {
        self.client.http().timeout.min(LONGEST_ANSWER)
    }

    /// `request` is a [`PredictionRequest`].
    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CallError> {
        let request: PredictionRequest =
            serde_json::from_value(request.clone()).map_err(|_| unsent("a prediction's request cannot be read"))?;
        let model = ModelRef::parse(&request.model, &ModelRef::musicgen())
            .ok_or_else(|| unsent(format!("{} is not the version of a model", request.model)))?;
        let schema = self.schemas.of(&self.client, &model, Purpose::Prediction).await.map_err(CallError::Refused)?;
        let mut input = match schema {
            Some(schema) => schema.fit(request.input).map_err(CallError::Refused)?,
            None => request.input,
        };
        if !Mark::of(correlation).put(&mut input) {
            return Err(unsent(format!(
                "{model} takes neither a seed nor a temperature, so that an answer that was lost could not be found; it is not \
                 asked for anything"
            )));
        }
        let mut body = json!({ "input": input });
        if let Some(webhooks) = &self.webhooks {
            webhooks.put(correlation, &mut body);
        }
        Ok(self.client.create_prediction(&model, body).await?.id)
    }

    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure> {
        find(&self.client, Kind::Prediction, correlation).await
    }

    /// What is not in the vendor's lists yet may show up there for a while.
    fn certain_after(&self) -> Duration {
        self.client.limits.arrival
    }

    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure> {
        self.look_at(outside_id, Duration::MAX).await
    }

    async fn look_at(&self, outside_id: &str, age: Duration) -> Result<OutsideProgress, Failure> {
        match self.client.run(Kind::Prediction, outside_id).await? {
            Some(run) => Ok(self.progress(&run)),
            None => progress::unknown(self.provider(), age, self.client.limits.known_within),
        }
    }

    async fn cancel(&self, outside_id: &str) -> Result<(), Failure> {
        self.client.cancel(Kind::Prediction, outside_id).await
    }

    fn lasting(&self) -> Option<Arc<dyn OutsideService>> {
        Some(Arc::new(self.clone()))
    }

    async fn download(&self, from: &Url, into: &mut File) -> Result<(), Failure> {
        self.client.download(from, into).await
    }
}
