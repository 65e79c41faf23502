//! The model that a song was asked of by name: which of its versions the job got.

use domain::{Failure, FailureClass, FailureCode, kinds::composition::CompositionRequest, registry::ModelUsed};
use persistence::{ModelChoiceMade, PersistenceError};
use providers::ModelChoice;
use telemetry::error_chain;

use crate::{outside::lost, stage::StageRun};

/// What the job got when it was first asked; the same ever after. `None` where the request names no model.
///
/// # Errors
/// `Caller` where nobody gets the model: it was there when the job was accepted, and has been taken out of use.
pub async fn of(run: &StageRun<'_>, request: &CompositionRequest) -> Result<Option<ModelUsed>, Failure> {
    let Some(name) = &request.options.model else { return Ok(None) };
    let refused = |why: String| {
        let message = format!("the model {name} cannot be used: {why}");
        Err(Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message))
    };
    let now = run.tools.clock.now();
    let made = run.tools.database.models().choose(run.job.id, name, now).await;
    let made = made.map_err(|error| unreadable(&error))?;
    match made {
        ModelChoiceMade::Made(used) => Ok(Some(used)),
        ModelChoiceMade::Unusable(why) => refused(why.to_string()),
        ModelChoiceMade::Unknown => refused("there is none of this name any more".to_owned()),
        ModelChoiceMade::NoJob => Err(lost()),
    }
}

/// The same as providers are asked for it: where they keep models at paths, with the path, since a version alone does not say
/// whose model it is of.
pub async fn choice(run: &StageRun<'_>, used: Option<&ModelUsed>) -> Result<Option<ModelChoice>, Failure> {
    let Some(ModelUsed { name, provider, version }) = used else { return Ok(None) };
    let model = run.tools.database.models().get(name).await.map_err(|error| unreadable(&error))?;
    let path = model.filter(|model| model.provider == *provider).and_then(|model| model.path);
    let version = path.map_or_else(|| version.to_string(), |path| format!("{path}:{version}"));
    Ok(Some(ModelChoice { name: name.as_str().into(), provider: provider.as_str().into(), version: version.into() }))
}

fn unreadable(error: &PersistenceError) -> Failure {
    tracing::warn!(error = error_chain(error), "the registry of models cannot be read");
    Failure::new(FailureClass::Transient, FailureCode::Internal, "the registry of models cannot be read")
}
