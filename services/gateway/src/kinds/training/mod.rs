//! Recordings become a model of one's own.

mod routes;
mod wire;

use async_trait::async_trait;
use domain::{
    InvalidField, KindSpec, StageName, Tier,
    kinds::training::{SPEC, TRAINING, TRIAL, TRIAL_SECONDS, TrainingRequest},
    registry::{ModelKind, ModelName, ModelStatus, RegisteredModel},
};
use persistence::{Database, Job};
use serde_json::{Map, Value, json};
use settings::{Settings, Wanted};
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::{
    auth::Caller,
    fields::Fields,
    problem::ApiError,
    submit_kind::{Accepted, Asked, HeldName, Priced, SubmitKind},
};

/// The kind `training`.
pub struct TrainingKind;

#[async_trait]
impl SubmitKind for TrainingKind {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn fields(&self) -> &'static [&'static str] {
        &TrainingRequest::FIELDS
    }

    fn read(&self, fields: &Fields) -> Result<Asked, ApiError> {
        let request = TrainingRequest::read(|name| fields.text(name), resilience::ids::seed())
            .map_err(|InvalidField { field, detail }| ApiError::InvalidField { field, detail })?;
        let texts = request.texts().into_iter().map(|(field, text)| (field, text.to_owned())).collect();
        Ok(Asked { params: serde_json::to_value(&request).map_err(|_| ApiError::Internal)?, texts })
    }

    /// Nobody should send gigabytes to be told this.
    fn is_offered(&self, settings: &Settings) -> Result<(), ApiError> {
        let trainers = settings.trainers();
        trainers
            .map(|_| ())
            .map_err(|error| ApiError::NotSetUp { detail: format!("No models are trained here: {error}.") })
    }

    fn most_bytes(&self, settings: &Settings, tier: Tier) -> u64 {
        settings.training.limits(tier).max_upload_bytes
    }

    /// Names are taken once; of a model of one's own that was trained, another training makes the next version.
    async fn admit(&self, database: &Database, caller: &Caller, asked: &Asked) -> Result<(), ApiError> {
        let Ok(name) = ModelName::new(asked.params["name"].as_str().unwrap_or_default()) else {
            return Err(ApiError::Internal);
        };
        let is_own =
            |model: &RegisteredModel| model.kind == ModelKind::FineTuned && model.owner.as_ref() == Some(&caller.user);
        // Whether a training still holds it, or came to nothing, is decided when the job is stored.
        let is_in_training =
            |model: &RegisteredModel| matches!(model.status, ModelStatus::Training | ModelStatus::Failed);
        if database.models().get(&name).await?.is_some_and(|model| !is_own(&model) && !is_in_training(&model)) {
            return Err(ApiError::ModelNameTaken { name: name.to_string() });
        }
        Ok(())
    }

    fn name_to_hold(&self, settings: &Settings, params: &Value) -> Option<HeldName> {
        let name = ModelName::new(params["name"].as_str()?).ok()?;
        let trainers = settings.trainers().ok()?;
        Some(HeldName { name, provider: trainers.first()?.name.clone() })
    }

    fn accepted(&self, accepted: &Accepted<'_>) -> Map<String, Value> {
        let bytes: u64 = accepted.inputs.iter().map(|input| input.size_bytes).sum();
        let told = json!({ "name": accepted.job.params["name"], "files": accepted.inputs.len(), "sizeBytes": bytes });
        Map::from_iter([("model".to_owned(), told)])
    }

    fn stand_ins(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "a-model")]
    }

    /// The sample that the new model is tried with is had of whoever has trained it.
    fn paid_for(&self, settings: &Settings, job: &Priced<'_>) -> Vec<Wanted> {
        let Ok(request) = serde_json::from_value::<TrainingRequest>(job.params.clone()) else { return Vec::new() };
        let trainers = settings.trainers().unwrap_or_default();
        let Some(trainer) = trainers.first() else { return Vec::new() };
        let part = |stage: StageName, capability| Wanted {
            stage: stage.as_str(),
            capability,
            only: Some(trainer.name.clone()),
            ..Wanted::default()
        };
        let updates = request.epochs.saturating_mul(request.updates_per_epoch);
        let sample = Wanted { seconds: Some(TRIAL_SECONDS), ..part(TRIAL, "compositions") };
        vec![Wanted { updates, ..part(TRAINING, "training") }, sample]
    }

    fn result(&self, _job: &Job, made: &Value) -> Value {
        made.clone()
    }

    fn openapi(&self) -> OpenApi {
        routes::Document::openapi()
    }
}
