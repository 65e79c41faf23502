//! All that is to be told of a training.

use domain::{Cost, Failure, kinds::training::TrainingRequest};
use persistence::OutsideCallState;
use serde::Serialize;
use serde_json::Value;

use super::{
    pack::Preparing,
    trial::TrialOutcome,
    work::{self, Trained},
};
use crate::{outside::of_rows, stage::StageRun};

/// The report of a job, as its owner downloads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainingReport<'a> {
    pub model: ModelMade<'a>,
    pub request: &'a TrainingRequest,
    /// What was made of each recording, and how good what is left of them is.
    pub recordings: Value,
    /// Pieces that the model was trained on, and their length together in seconds.
    pub pieces: u64,
    pub seconds: f64,
    pub training: Paid,
    pub trial: TrialOutcome,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelMade<'a> {
    pub name: &'a str,
    pub provider: &'a str,
    /// Where the provider keeps it.
    pub path: &'a str,
    pub version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<&'a str>,
}

/// What the training took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
    /// From the request to the answer, waiting included.
    pub seconds: f64,
    /// By the provider's meter.
    pub compute_seconds: f64,
    /// `None` where the provider or its prices say nothing.
    pub cost: Option<Cost>,
}

impl Paid {
    /// Of the call that was answered.
    pub async fn of(run: &StageRun<'_>) -> Result<Self, Failure> {
        use domain::kinds::training::TRAINING;
        let calls = run.tools.database.outside_calls().of_job(run.job.id).await.map_err(|error| of_rows(&error))?;
        let is_it = |call: &&persistence::OutsideCall| {
            let is_work = call.stage == TRAINING.as_str() && call.purpose == providers::TRAINING_PURPOSE;
            is_work && call.state == OutsideCallState::Succeeded
        };
        let call = calls.iter().rev().find(is_it);
        let seconds = run.done.get(TRAINING.as_str()).map_or(0.0, |stage| stage.seconds);
        Ok(Self {
            seconds,
            compute_seconds: call.map_or(0.0, |call| call.usage.compute_seconds),
            cost: call.and_then(|call| call.cost.clone()),
        })
    }
}

impl<'a> TrainingReport<'a> {
    pub async fn of(
        run: &'a StageRun<'_>,
        request: &'a TrainingRequest,
        trained: &'a Trained,
        trial: TrialOutcome,
    ) -> Result<Self, Failure> {
        use domain::kinds::training::{PREPARATION, TRAINING};
        let prepared: Preparing = work::detail(run, PREPARATION)?;
        Ok(Self {
            model: ModelMade {
                name: request.name.as_str(),
                provider: work::provider(run, TRAINING),
                path: &trained.path,
                version: &trained.version,
                licence: trained.licence.as_deref(),
            },
            request,
            recordings: run.get_json(work::PREPARED).await?,
            pieces: prepared.pieces,
            seconds: prepared.seconds,
            training: Paid::of(run).await?,
            trial,
        })
    }
}
