//! Models trained on recordings by the fine-tuner of MusicGen.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use domain::{Cost, Failure, FailureClass, FailureCode};
use serde_json::{Map, Value, json};
use settings::usage;

use super::trainings::{Trained, TrainingRequest, TrainingService};
use crate::{
    input::AudioInput,
    outside_service::{CallError, OutsideService},
    training::{TrainedModel, Trainer, TrainingOrder, UploadedData},
};

/// Of the weights of MusicGen, which what is trained from them stands under.
const LICENCE: &str = "CC-BY-NC-4.0";
/// Longest part of a destination's name that is the model's own.
const MOST_NAME_CHARS: usize = 64;

/// Trains with one key.
pub struct ReplicateTrainer(pub Arc<TrainingService>);

#[async_trait]
impl Trainer for ReplicateTrainer {
    fn service(&self) -> Arc<dyn OutsideService> {
        self.0.clone()
    }

    fn estimate(&self, order: &TrainingOrder) -> Option<Cost> {
        self.0.cost(compute_seconds(order))
    }

    async fn upload(&self, data: &AudioInput) -> Result<UploadedData, CallError> {
        let file = data.reopen().map_err(CallError::Refused)?;
        let address = self.0.upload(file, data.size_bytes, "application/zip", "recordings.zip").await;
        // It costs nothing: whether it arrived makes no difference.
        let address = address.map_err(CallError::Refused)?;
        Ok(UploadedData { address: address.into(), expires_at: Some(Utc::now() + self.0.upload_kept()) })
    }

    fn request(&self, data: &UploadedData, order: &TrainingOrder) -> Value {
        json!(TrainingRequest { destination: destination(order), input: input(data, order) })
    }

    fn trained(&self, answer: &Value) -> Result<TrainedModel, Failure> {
        let trained: Trained = serde_json::from_value(answer.clone()).map_err(|_| {
            let message = format!("{} told of no version of what it trained", self.0.provider());
            Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message)
        })?;
        Ok(TrainedModel { path: trained.model, version: trained.version, licence: Some(LICENCE.to_owned()) })
    }
}

fn compute_seconds(order: &TrainingOrder) -> f64 {
    usage::training(order.epochs.saturating_mul(order.updates_per_epoch)).compute_seconds
}

/// One for each model by its name here, which is one model's alone: its versions lie together, so that an earlier one can be
/// had again.
fn destination(order: &TrainingOrder) -> String {
    let own: String = order.name.chars().take(MOST_NAME_CHARS).collect();
    own.trim_end_matches(['.', '_', '-']).to_owned()
}

fn input(data: &UploadedData, order: &TrainingOrder) -> Map<String, Value> {
    Map::from_iter([
        ("dataset_path".to_owned(), json!(data.address)),
        // Captions lie beside the pieces. One description of all of them would replace those; labels would be sought in every file,
        // captions too.
        ("auto_labeling".to_owned(), json!(false)),
        ("drop_vocals".to_owned(), json!(order.drop_vocals)),
        ("model_version".to_owned(), json!(order.base)),
        ("epochs".to_owned(), json!(order.epochs)),
        ("updates_per_epoch".to_owned(), json!(order.updates_per_epoch)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str) -> TrainingOrder {
        TrainingOrder {
            name: name.to_owned(),
            job: "01a1fd29-5607-7b27-b7b8-6e26dc1582f8".to_owned(),
            description: Some("slow blues".to_owned()),
            epochs: 3,
            updates_per_epoch: 100,
            base: "stereo-melody".to_owned(),
            drop_vocals: false,
        }
    }

    #[test]
    fn what_is_set_aside_is_what_the_estimate_says() {
        let order = order("band");
        let usual = 300.0 * usage::SECONDS_PER_UPDATE;
        assert!((compute_seconds(&order) - usual).abs() < 1e-9, "{usual}");
        let twice = TrainingOrder { epochs: 2 * order.epochs, ..order };
        assert!((compute_seconds(&twice) - 2.0 * usual).abs() < 1e-9);
    }

    #[test]
    fn destinations_are_names_that_versions_share() {
        let check = |name: &str, expected: &str| assert_eq!(destination(&order(name)), expected);
        check("my-band", "my-band");
        check("my-band.", "my-band");
        check(&"x".repeat(64), &"x".repeat(64));
        let other = TrainingOrder { job: "01a1fd29-5607-7b27-b7b8-6e26dc1582f9".to_owned(), ..order("my-band") };
        assert_eq!(destination(&other), destination(&order("my-band")));
    }

    #[test]
    fn what_is_asked_is_what_the_fine_tuner_takes() {
        let data = UploadedData { address: "https://api.test/v1/files/1".to_owned(), expires_at: None };
        let asked = Value::Object(input(&data, &order("band")));
        assert_eq!(
            asked,
            json!({
                "dataset_path": "https://api.test/v1/files/1",
                "auto_labeling": false,
                "drop_vocals": false,
                "model_version": "stereo-melody",
                "epochs": 3,
                "updates_per_epoch": 100,
            }),
            "what the pieces are described with lies beside them"
        );
    }
}
