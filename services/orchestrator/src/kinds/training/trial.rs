//! Tries the new model: some seconds of music are made with it and measured. A trial that fails takes nothing from the model:
//! the report says so, and why.

mod figures;

pub use figures::TrialFigures;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName,
    kinds::training::{self, TRIAL_SECONDS, TrainingRequest},
    registry::RegisteredModel,
};
use providers::{AudioInput, Composed, ModelChoice, Need, ProviderCall, SongComposer, SongRequest, Stop, blocking};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::work::{self, Trained};
use crate::{
    outside::of_rows,
    stage::{Stage, StageOutcome, StageRun},
};

/// What is asked of a model that nobody has described.
const PLAIN_SENTENCE: &str = "an instrumental piece of music";

pub struct Trial;

/// How a trial went.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialOutcome {
    /// Whether there is something to be heard.
    pub passed: bool,
    /// Of what was made, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<TrialFigures>,
    /// Why it failed, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl TrialOutcome {
    fn failed(why: &Failure) -> Self {
        Self { passed: false, figures: None, failure: Some(why.message.clone()) }
    }
}

#[async_trait]
impl Stage for Trial {
    fn name(&self) -> StageName {
        training::TRIAL
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: TrainingRequest = run.request()?;
        let trained: Trained = work::detail(run, training::TRAINING)?;
        let provider = work::provider(run, training::TRAINING);
        let choice = ModelChoice {
            name: request.name.as_str().into(),
            provider: provider.into(),
            // With its path: a version alone says not whose model it is of.
            version: trained.address().into(),
        };
        let outcome = match made(run, &request, choice).await {
            Ok((sample, figures)) => {
                run.put_bytes(work::SAMPLE, sample, "audio/wav").await?;
                TrialOutcome { passed: true, figures: Some(figures), failure: None }
            }
            Err(Stop::Parked(parking)) => return Ok(StageOutcome::Parked(parking)),
            Err(stop) => {
                let failure = stop.into_failure();
                // That the job is somebody else's now, or that an object could not be kept, says nothing about the model.
                if matches!(failure.code, FailureCode::Internal | FailureCode::Storage) {
                    return Err(failure.into());
                }
                tracing::warn!(class = %failure.class, code = %failure.code, "the trial of a new model failed");
                TrialOutcome::failed(&failure)
            }
        };
        run.put_json(work::TRIAL, &outcome).await?;
        keep_with_model(run, &request, &outcome).await?;
        StageOutcome::done(Some(provider.to_owned()), json!(outcome))
    }
}

/// Puts the figures beside the model, unless a later training has made another version of it meanwhile.
async fn keep_with_model(run: &StageRun<'_>, request: &TrainingRequest, outcome: &TrialOutcome) -> Result<(), Failure> {
    let figures = outcome.figures.as_ref();
    let quality = json!({ "passed": outcome.passed, "trial": figures, "failure": outcome.failure });
    let decide = |model: &RegisteredModel| {
        let is_its = model.trained_from == Some(run.job.id);
        let quality = if is_its { Some(quality.clone()) } else { model.quality.clone() };
        Ok::<_, std::convert::Infallible>(RegisteredModel { quality, ..model.clone() })
    };
    let models = run.tools.database.models();
    let changed = models.change(&request.name, run.tools.clock.now(), decide).await;
    // One that was removed meanwhile needs no figures.
    changed.map(|_| ()).map_err(|error| of_rows(&error))
}

/// Some music by the model, as WAV, with its figures.
async fn made<'a>(
    run: &'a StageRun<'_>,
    request: &TrainingRequest,
    model: ModelChoice,
) -> Result<(Vec<u8>, TrialFigures), Stop> {
    let sentence = request.description.as_ref().map_or(PLAIN_SENTENCE, |description| description.as_str());
    let options = compose::Options {
        seconds: Some(TRIAL_SECONDS),
        instrumental: Some(true),
        seed: request.seed,
        ..compose::Options::default()
    };
    let need = Need { seconds: Some(TRIAL_SECONDS), model: Some(model), ..Need::default() };
    let asked = &SongRequest::new(sentence, &options);
    let call = |composer: Arc<dyn SongComposer>, call: ProviderCall<'a>| async move {
        match composer.compose(asked, &call).await? {
            Composed::Sound(sound) => Ok::<_, Stop>(sound),
            Composed::SoundWithWords(sung) => Ok(sung.sound),
            Composed::Notes(_) => Err(Failure::new(
                FailureClass::Config,
                FailureCode::ProviderConfig,
                format!("{} made notes, where a model makes sound", call.provider),
            )
            .into()),
        }
    };
    let sound: AudioInput = run.tools.capabilities.compositions.call(run.calls(), &need, call).await?.value;
    run.report_progress(0.8);
    Ok(blocking(move || figures::measured(&sound)).await??)
}
