//! A name that a training holds: from the birth of its job until it is registered, or until the job has come to nothing.

use chrono::{DateTime, Utc};
use domain::{
    JobId, JobState, KindName, ModelId, UserId,
    registry::{ModelChange, ModelKind, ModelName, ModelStatus, RegisteredModel, changed},
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Models, row,
    write::{fresh, insert, swap},
};
use crate::{
    error::{During, PersistenceError},
    rows::{self, model::Column},
    words::state_words,
};

/// Who wants to hold a name.
#[derive(Clone, Copy, Debug)]
pub struct NameHold<'a> {
    /// The job that trains.
    pub job: JobId,
    pub owner: &'a UserId,
    pub name: &'a ModelName,
    /// Of whom the model will be had.
    pub provider: &'a str,
    /// For the model, where there is none of this name.
    pub id: ModelId,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameHeld {
    /// It is the job's. A model of the owner's that has a version goes on being used meanwhile.
    Held,
    /// Another training of the owner's is after it.
    HeldBy(JobId),
    /// Another model, not the owner's to train, has it, or somebody else's training holds it.
    Taken,
}

impl Models<'_> {
    /// Has a job hold a name; the same again changes nothing. A name whose training came to nothing is anybody's.
    pub async fn hold_name(&self, hold: NameHold<'_>, now: DateTime<Utc>) -> Result<NameHeld, PersistenceError> {
        const DOING: &str = "hold a model's name";
        let tx = self.db.begin(DOING).await?;
        let held = name(&tx, hold, now, DOING).await?;
        if held == NameHeld::Held {
            tx.commit().await.during(DOING)?;
        }
        Ok(held)
    }

    /// Says of models that hold their names for trainings whose jobs have ended, at most `limit`, that these came to nothing.
    /// Gives back their names.
    pub async fn end_trainings(&self, limit: u64, now: DateTime<Utc>) -> Result<Vec<ModelName>, PersistenceError> {
        const DOING: &str = "look for trainings that came to nothing";
        use rows::job;
        let goes_on = Query::select()
            .expr(Expr::val(1))
            .from(job::Entity)
            .and_where(
                Expr::col((job::Entity, job::Column::Id)).eq(Expr::col((rows::model::Entity, Column::TrainedFrom))),
            )
            .and_where(Expr::col((job::Entity, job::Column::State)).is_not_in(state_words(JobState::is_final)))
            .to_owned();
        let over = rows::model::Entity::find()
            .filter(Column::Status.eq(ModelStatus::Training.as_str()))
            .filter(Expr::exists(goes_on).not())
            .order_by_asc(Column::Name)
            .limit(limit);
        let mut ended = Vec::new();
        for row in over.all(self.db.reader()).await.during(DOING)? {
            let name = row::read(row).during(DOING)?.name;
            if self.end_training(&name, now, DOING).await? {
                ended.push(name);
            }
        }
        Ok(ended)
    }

    /// Whether the name was held for nothing. It is looked at once more, where nobody can take it meanwhile: a job that was tried
    /// again goes on with the name that it has, and does not touch the row.
    async fn end_training(
        &self,
        name: &ModelName,
        now: DateTime<Utc>,
        operation: &'static str,
    ) -> Result<bool, PersistenceError> {
        let tx = self.db.begin(operation).await?;
        let row = row::locked(&tx, name).await.during(operation)?;
        let Some(model) = row.map(row::read).transpose().during(operation)? else { return Ok(false) };
        if model.status != ModelStatus::Training {
            return Ok(false);
        }
        if let Some(holder) = model.trained_from
            && goes_on(&tx, holder, operation).await?
        {
            return Ok(false);
        }
        let Ok(failed) = changed(&model, ModelChange::TrainingFailed) else { return Ok(false) };
        let is_ended = swap(&tx, &failed, now).await.during(operation)?.is_some();
        tx.commit().await.during(operation)?;
        Ok(is_ended)
    }
}

/// The same within a step of somebody else's.
pub async fn name(
    tx: &DatabaseTransaction,
    hold: NameHold<'_>,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<NameHeld, PersistenceError> {
    let NameHold { job, owner, name, provider, id } = hold;
    let new = fresh(&RegisteredModel::in_training(id, name.clone(), provider, (owner.clone(), job), now), now);
    if insert(tx, &new).await.during(operation)? {
        return Ok(NameHeld::Held);
    }
    let row = row::locked(tx, name).await.during(operation)?;
    let Some(before) = row.map(row::read).transpose().during(operation)? else { return Ok(NameHeld::Taken) };
    let is_theirs = before.kind == ModelKind::FineTuned && before.owner.as_ref() == Some(owner);
    let is_free = match before.status {
        ModelStatus::Training => match before.trained_from {
            Some(holder) if holder == job => return Ok(NameHeld::Held),
            Some(holder) if goes_on(tx, holder, operation).await? => {
                return Ok(if is_theirs { NameHeld::HeldBy(holder) } else { NameHeld::Taken });
            }
            _ => true,
        },
        ModelStatus::Failed => before.version.is_none(),
        ModelStatus::Pending | ModelStatus::Ready | ModelStatus::Disabled | ModelStatus::Missing => false,
    };
    if !is_free {
        return Ok(if is_theirs { NameHeld::Held } else { NameHeld::Taken });
    }
    let held = RegisteredModel { id: before.id, revision: before.revision, created_at: before.created_at, ..new };
    let is_written = swap(tx, &held, now).await.during(operation)?.is_some();
    Ok(if is_written { NameHeld::Held } else { NameHeld::Taken })
}

/// A job of a user's other than `but` that has not ended, of the same kind and with parameters that `is_same` knows. The caller
/// keeps the user's other submissions out until its step is done.
pub async fn at_work(
    tx: &DatabaseTransaction,
    (owner, kind, but): (&UserId, &KindName, JobId),
    is_same: &(dyn Fn(&Value) -> bool + Send + Sync),
    operation: &'static str,
) -> Result<Option<JobId>, PersistenceError> {
    use rows::job::{Column, Entity};
    let at_work = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Params])
        .filter(Column::Owner.eq(owner.as_str()))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Id.ne(but.uuid()))
        .filter(Column::State.is_not_in(state_words(JobState::is_final)));
    let at_work: Vec<(Uuid, Value)> = at_work.into_tuple().all(tx).await.during(operation)?;
    Ok(at_work.iter().find(|(_, params)| is_same(params)).map(|(id, _)| JobId::from_uuid(*id)))
}

/// Whether a job is there and has not ended.
async fn goes_on(tx: &DatabaseTransaction, job: JobId, operation: &'static str) -> Result<bool, PersistenceError> {
    use rows::job::{Column, Entity};
    let state = Entity::find_by_id(job.uuid()).select_only().column(Column::State).into_tuple::<String>();
    let state = state.one(tx).await.during(operation)?;
    Ok(state.is_some_and(|state| !state_words(JobState::is_final).contains(&state.as_str())))
}
