//! Has the model trained. The stage is parked meanwhile: a training takes from a quarter of an hour to some hours.

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, JobId, ModelId, StageName,
    kinds::training::{self, TrainingRequest},
};
use persistence::{NameHeld, NameHold, OutsideCall};
use providers::{AudioInput, Stop, TRAINING_PURPOSE, TrainingData, TrainingOrder};
use resilience::ids::random10;
use serde_json::json;

use super::work::{self, Trained};
use crate::{
    outside::{lost, of_rows},
    stage::{Stage, StageOutcome, StageRun},
};

pub struct Training;

#[async_trait]
impl Stage for Training {
    fn name(&self) -> StageName {
        training::TRAINING
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: TrainingRequest = run.request()?;
        hold_name(run, &request).await?;
        let (order, trainers) = (order(run.job.id, &request), &run.tools.capabilities.trainers);
        let made = providers::train(trainers, run.calls(), &order, &Prepared(run), &run.progress).await?;
        let providers::TrainedModel { path, version, licence } = made.value;
        let trained = Trained { path, version, licence };
        StageOutcome::done(Some(made.provider.to_string()), json!(trained))
    }
}

/// Has the job hold the model's name: since it was submitted it may have failed, and let go of it. Nothing is asked of anybody
/// while another training holds it; what is asked for already goes on, and is told with its version where it cannot have its
/// name.
async fn hold_name(run: &StageRun<'_>, request: &TrainingRequest) -> Result<(), Failure> {
    let (tools, now) = (run.tools, run.tools.clock.now());
    let calls = tools.database.outside_calls().of_job(run.job.id).await.map_err(|error| of_rows(&error))?;
    // One that is being called off goes on no longer: the vendor would be asked anew.
    let is_asked = |call: &OutsideCall| call.purpose == TRAINING_PURPOSE && call.state.stands();
    if calls.iter().any(is_asked) {
        return Ok(());
    }
    let job = tools.database.jobs().get(run.job.id).await.map_err(|error| of_rows(&error))?.ok_or_else(lost)?;
    let hold = NameHold {
        job: job.id,
        owner: &job.owner,
        name: &request.name,
        provider: tools.capabilities.trainers.names().next().unwrap_or("unknown"),
        id: ModelId::new(now, random10()),
    };
    let why = match tools.database.models().hold_name(hold, now).await.map_err(|error| of_rows(&error))? {
        NameHeld::Held => return Ok(()),
        NameHeld::HeldBy(other) => format!("the job {other} trains it: try this job again when that one has ended"),
        NameHeld::Taken => "another model is called so: have a model of another name trained".to_owned(),
    };
    let message = format!("nothing is trained as {}: {why}", request.name);
    Err(Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message))
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
