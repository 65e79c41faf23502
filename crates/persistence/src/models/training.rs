//! What a finished training leaves: a model, or the next version of one. Told twice it is one.

use chrono::{DateTime, Utc};
use domain::{
    JobId, ModelId, UserId,
    registry::{ModelAddress, ModelChange, ModelKind, ModelName, ModelStatus, RegisteredModel, changed},
};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use serde_json::Value;

use super::{
    Models, row,
    write::{fresh, insert, swap},
};
use crate::{
    error::{During, PersistenceError},
    rows,
    time::micros,
};

const DOING: &str = "register a trained model";

/// What a training has made.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// The job that trained it.
    pub job: JobId,
    pub owner: &'a UserId,
    pub name: &'a ModelName,
    pub provider: &'a str,
    /// Where the provider has it: `owner/name:version`, or a version alone.
    pub address: &'a ModelAddress,
    pub licence: Option<&'a str>,
    pub quality: Option<&'a Value>,
}

/// What became of it.
#[derive(Clone, PartialEq, Debug)]
pub enum TrainingRegistered {
    /// A model of its own, or the one whose name it has held since it began.
    New(Box<RegisteredModel>),
    /// The owner had a model of this name; this is its next version.
    NextVersion(Box<RegisteredModel>),
    /// This training was registered before; the model as it is now.
    Known(Box<RegisteredModel>),
    /// Another model, not the owner's to train, has this name: register it under another one.
    NameTaken,
}

impl Models<'_> {
    /// Writes down what a training has made. `id` is for the model, if it is a new one.
    pub async fn register_trained(
        &self,
        trained: Trained<'_>,
        id: ModelId,
        now: DateTime<Utc>,
    ) -> Result<TrainingRegistered, PersistenceError> {
        use rows::model_training::Entity;
        let tx = self.db.begin(DOING).await?;
        if let Some(known) = Entity::find_by_id(trained.job.uuid()).one(&tx).await.during(DOING)? {
            let model = rows::model::Entity::find_by_id(known.model_id).one(&tx).await.during(DOING)?;
            let model = model.map(row::read).transpose().during(DOING)?;
            return Ok(model.map_or(TrainingRegistered::NameTaken, |model| TrainingRegistered::Known(Box::new(model))));
        }
        let new = fresh(&made(&trained, id, now), now);
        let registered = if insert(&tx, &new).await.during(DOING)? {
            TrainingRegistered::New(Box::new(new))
        } else {
            match next_version(&tx, &trained, now).await? {
                Some(registered) => registered,
                None => return Ok(TrainingRegistered::NameTaken),
            }
        };
        let (TrainingRegistered::New(model) | TrainingRegistered::NextVersion(model)) = &registered else {
            return Ok(registered);
        };
        let row = rows::model_training::ActiveModel {
            job_id: Set(trained.job.uuid()),
            model_id: Set(model.id.uuid()),
            version: Set(trained.address.version.to_string()),
            registered_at: Set(micros(now)),
        };
        Entity::insert(row).exec_without_returning(&tx).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(registered)
    }
}

fn made(trained: &Trained<'_>, id: ModelId, now: DateTime<Utc>) -> RegisteredModel {
    let bare = RegisteredModel::bare(id, trained.name.clone(), ModelKind::FineTuned, trained.provider, now);
    told(RegisteredModel { version: Some(trained.address.version.clone()), ..bare }, trained)
}

fn told(model: RegisteredModel, trained: &Trained<'_>) -> RegisteredModel {
    let Trained { job, owner, name: _, provider, address, licence, quality } = *trained;
    RegisteredModel {
        provider: provider.to_owned(),
        path: address.path.clone(),
        owner: Some(owner.clone()),
        trained_from: Some(job),
        licence: licence.map(str::to_owned).or(model.licence),
        // Figures are of a version, and this is another.
        quality: quality.cloned(),
        ..model
    }
}

/// The owner's own model of that name, with the new version; `None` when it is not theirs to train.
async fn next_version(
    tx: &DatabaseTransaction,
    trained: &Trained<'_>,
    now: DateTime<Utc>,
) -> Result<Option<TrainingRegistered>, PersistenceError> {
    let row = row::locked(tx, trained.name).await.during(DOING)?;
    let Some(before) = row.map(row::read).transpose().during(DOING)? else { return Ok(None) };
    let is_theirs = before.kind == ModelKind::FineTuned && before.owner.as_ref() == Some(trained.owner);
    // Another training that is under way holds the name.
    let is_held = before.status == ModelStatus::Training && before.trained_from != Some(trained.job);
    if !is_theirs || is_held {
        return Ok(None);
    }
    let is_first = before.version.is_none();
    let Ok(after) = changed(&before, ModelChange::Trained { version: trained.address.version.clone() }) else {
        return Ok(None);
    };
    let written = swap(tx, &told(after, trained), now).await.during(DOING)?.map(Box::new);
    Ok(written.map(if is_first { TrainingRegistered::New } else { TrainingRegistered::NextVersion }))
}
