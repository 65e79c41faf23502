//! Writes the new model into the registry, under the name that was asked for. Told twice it is one.

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, ModelId, StageName,
    kinds::training::{self, TrainingRequest},
    registry::{ModelAddress, RegisteredModel},
};
use persistence::{Trained as NewlyTrained, TrainingRegistered};
use providers::Stop;
use resilience::ids::random10;
use serde_json::json;

use super::work::{self, Trained};
use crate::{
    outside::of_rows,
    stage::{Stage, StageOutcome, StageRun},
};

pub struct Registration;

#[async_trait]
impl Stage for Registration {
    fn name(&self) -> StageName {
        training::REGISTRATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: TrainingRequest = run.request()?;
        let trained: Trained = work::detail(run, training::TRAINING)?;
        let (tools, now) = (run.tools, run.tools.clock.now());
        let job = tools.database.jobs().get(run.job.id).await.map_err(|error| of_rows(&error))?;
        let job = job.ok_or_else(crate::outside::lost)?;
        let newly = NewlyTrained {
            job: job.id,
            owner: &job.owner,
            name: &request.name,
            provider: work::provider(run, training::TRAINING),
            address: &address(&trained)?,
            licence: trained.licence.as_deref(),
            quality: None,
        };
        let registered = tools.database.models().register_trained(newly, ModelId::new(now, random10()), now).await;
        let model: Box<RegisteredModel> = match registered.map_err(|error| of_rows(&error))? {
            TrainingRegistered::New(model)
            | TrainingRegistered::NextVersion(model)
            | TrainingRegistered::Known(model) => model,
            TrainingRegistered::NameTaken => return Err(name_taken(&request, &trained).into()),
        };
        StageOutcome::done(
            None,
            json!({ "name": model.name, "version": trained.version, "status": model.status.as_str() }),
        )
    }
}

fn address(trained: &Trained) -> Result<ModelAddress, Failure> {
    trained.address().parse().map_err(|error| {
        let message = format!("what was trained has no address that a model may have: {error}");
        Failure::new(FailureClass::Config, FailureCode::ProviderConfig, message)
    })
}

/// What was paid for is not lost: the job can be tried again once the name is free, and goes on from here.
fn name_taken(request: &TrainingRequest, trained: &Trained) -> Failure {
    let message = format!(
        "the model is trained ({}), and another one was called {} meanwhile: have that one renamed or removed and try this \
         job again, or have an operator add the version under another name",
        trained.address(),
        request.name
    );
    Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message)
}
