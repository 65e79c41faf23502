//! The models of the registry, held against what their providers have: at the start, when one comes or changes, and every few
//! minutes. A version that is not there, at a second look neither, is told, and given to no job until it is back; one that was
//! added without a version gets its provider's latest.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Failure, FailureCode, ModelId,
    registry::{ModelStatus, RegisteredModel, Sighting, sighted, to_be_seen},
};
use persistence::{ModelWritten, PersistenceError};
use providers::{ModelCatalogue, NotAsked};
use service_runtime::{CancellationToken, error_chain};

use crate::{context::Context, model_looks::Looks};

/// How often all models are read, to see which are due; sooner where one has come or changed.
const READ_ALL: Duration = Duration::from_secs(30);
/// Longest that one answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Looks until shutdown whether there is something to ask; `every` so often, whether models have come or changed.
pub async fn run(context: Context, every: Duration, shutdown: CancellationToken) {
    let mut round = Round { catalogues: context.tools.capabilities.catalogues.clone(), ..Round::default() };
    while !round.catalogues.is_empty() && !shutdown.is_cancelled() {
        tokio::select! {
            done = round.catch_up(&context) => if let Err(error) = done {
                tracing::warn!(error = %error_chain(&error), "models not held against their providers, the next look goes on");
            },
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// Who is asked, and what was asked so far.
#[derive(Default)]
struct Round {
    catalogues: Vec<Arc<dyn ModelCatalogue>>,
    looks: Looks,
    /// What models there were when all were read, and when that was done with.
    read: Option<(Vec<(ModelId, u64)>, Instant)>,
}

impl Round {
    /// Asks for what is new, has changed, or was asked for some minutes ago. Where nothing has changed, models are not read each
    /// time: there may be many, each with the schema of its inputs.
    async fn catch_up(&mut self, context: &Context) -> Result<(), PersistenceError> {
        let revisions = context.tools.database.models().revisions().await?;
        let is_read = self.read.as_ref().is_some_and(|(read, at)| *read == revisions && at.elapsed() < READ_ALL);
        if is_read {
            return Ok(());
        }
        self.look_at_all(context).await?;
        self.read = Some((revisions, Instant::now()));
        Ok(())
    }

    async fn look_at_all(&mut self, context: &Context) -> Result<(), PersistenceError> {
        let models = context.tools.database.models().list(None).await?;
        self.looks.keep(&models);
        for model in &models {
            if self.looks.is_due(model, Instant::now())
                && let Some(catalogue) = self.catalogue(model)
            {
                self.look(context, model, &*catalogue).await?;
            }
        }
        Ok(())
    }

    fn catalogue(&self, model: &RegisteredModel) -> Option<Arc<dyn ModelCatalogue>> {
        self.catalogues.iter().find(|catalogue| catalogue.provider() == model.provider).cloned()
    }

    async fn look(
        &mut self,
        context: &Context,
        model: &RegisteredModel,
        catalogue: &dyn ModelCatalogue,
    ) -> Result<(), PersistenceError> {
        let mut known = model.clone();
        for asked in to_be_seen(model) {
            let found = tokio::time::timeout(TIMEOUT, catalogue.find(model.path.as_ref(), asked.as_ref())).await;
            let found = match found {
                Ok(Ok(found)) => found,
                Ok(Err(NotAsked { failure, is_provider_away: true })) => {
                    let (provider, code) = (catalogue.provider(), failure.code);
                    tracing::warn!(provider, %code, "a provider could not be asked for its models; it is asked again");
                    self.looks.provider_is_away(provider, Instant::now());
                    return Ok(());
                }
                // The others do not wait for this one.
                Ok(Err(NotAsked { failure: Failure { code, .. }, is_provider_away: false })) => {
                    self.not_told(model, code);
                    return Ok(());
                }
                Err(_) => {
                    self.not_told(model, FailureCode::StageTimeout);
                    return Ok(());
                }
            };
            let is_current = asked == known.version;
            let is_second_look = is_current && self.looks.is_second(&known, Instant::now());
            if is_current {
                self.looks.answered(&known, found.is_some(), Instant::now());
            }
            let sighting = Sighting { asked, found, is_second_look };
            let expected = sighted(&known, &sighting);
            let Some(after) = told(context, &known, &sighting).await? else { return Ok(()) };
            let is_ours =
                after == RegisteredModel { revision: after.revision, updated_at: after.updated_at, ..expected };
            if !is_ours {
                // Somebody has changed it meanwhile: the next look asks for what it is now.
                return Ok(());
            }
            known = after;
        }
        self.looks.done(&known, Instant::now());
        Ok(())
    }

    fn not_told(&mut self, model: &RegisteredModel, code: FailureCode) {
        let RegisteredModel { name, provider, .. } = model;
        tracing::warn!(model = %name, provider, %code, "a provider could not be asked for a model; it is asked again");
        self.looks.failed(model, Instant::now());
    }
}

/// Writes down what a provider said; gives back the model as it is since, `None` where it is gone.
async fn told(
    context: &Context,
    model: &RegisteredModel,
    sighting: &Sighting,
) -> Result<Option<RegisteredModel>, PersistenceError> {
    let (models, now) = (context.tools.database.models(), context.tools.clock.now());
    // One whose place has changed since was not asked for.
    let is_it = |other: &RegisteredModel| other.provider == model.provider && other.path == model.path;
    let seen =
        |other: &RegisteredModel| Ok::<_, ()>(if is_it(other) { sighted(other, sighting) } else { other.clone() });
    let ModelWritten::Written(after) = models.change(&model.name, now, seen).await? else { return Ok(None) };
    if after.status != model.status {
        let (name, provider) = (&model.name, &model.provider);
        match after.status {
            ModelStatus::Missing => {
                tracing::error!(model = %name, provider, "the provider does not have the version of a model: no job gets it");
            }
            status => tracing::info!(model = %name, provider, %status, "the provider has the version of a model"),
        }
    }
    Ok(Some(*after))
}
