//! Has the model trained. The stage is parked meanwhile: a training takes from a quarter of an hour to some hours.

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, JobId, StageName,
    kinds::training::{self, TrainingRequest},
};
use providers::{AudioInput, Stop, TrainingData, TrainingOrder};
use serde_json::json;

use super::work::{self, Trained};
use crate::stage::{Stage, StageOutcome, StageRun};

pub struct Training;

#[async_trait]
impl Stage for Training {
    fn name(&self) -> StageName {
        training::TRAINING
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: TrainingRequest = run.request()?;
        let (order, trainers) = (order(run.job.id, &request), &run.tools.capabilities.trainers);
        let made = providers::train(trainers, run.calls(), &order, &Prepared(run), &run.progress).await?;
        let providers::TrainedModel { path, version, licence } = made.value;
        let trained = Trained { path, version, licence };
        StageOutcome::done(Some(made.provider.to_string()), json!(trained))
    }
}

fn order(job: JobId, request: &TrainingRequest) -> TrainingOrder {
    TrainingOrder {
        name: request.name.to_string(),
        job: job.to_string(),
        description: request.description.as_ref().map(|description| description.as_str().to_owned()),
        epochs: request.epochs,
        updates_per_epoch: request.updates_per_epoch,
        base: request.base.to_string(),
        drop_vocals: request.drop_vocals,
    }
}

/// What the first stage packed.
struct Prepared<'a>(&'a StageRun<'a>);

#[async_trait]
impl TrainingData for Prepared<'_> {
    async fn open(&self) -> Result<AudioInput, Failure> {
        AudioInput::new(self.0.get_file(work::DATASET).await?).map_err(|error| {
            let message = format!("the prepared recordings cannot be read: {error}");
            Failure::new(FailureClass::Transient, FailureCode::Storage, message)
        })
    }
}
