//! Models come and change. A change is stored over the revision that it was decided on, and over no other.

use chrono::{DateTime, Utc};
use domain::{
    ModelId,
    registry::{LocalModel, ModelKind, ModelName, RegisteredModel, as_found},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::OnConflict};
use serde_json::{Map, Value};

use super::{Models, row};
use crate::{
    error::{During, PersistenceError},
    rows::{self, model::Column},
    time::micros,
};

/// Others may change the same model in between; in each round one of those who race succeeds.
const MAX_TRIES: u32 = 16;

/// What became of a model that was to be added.
#[derive(Clone, PartialEq, Debug)]
pub enum ModelAdded {
    New(Box<RegisteredModel>),
    /// A model has this name already.
    NameTaken,
}

/// What became of a change.
#[derive(Clone, PartialEq, Debug)]
pub enum ModelWritten<E> {
    /// The model as it now is; also where nothing had to change.
    Written(Box<RegisteredModel>),
    Refused(E),
    /// No model has this name.
    Missing,
}

impl Models<'_> {
    /// Writes a new model; its revision is 1, and its moments are `now`.
    pub async fn add(&self, model: &RegisteredModel, now: DateTime<Utc>) -> Result<ModelAdded, PersistenceError> {
        let new = fresh(model, now);
        let is_new = insert(self.db.writer(), &new).await.during("add a model")?;
        Ok(if is_new { ModelAdded::New(Box::new(new)) } else { ModelAdded::NameTaken })
    }

    /// Stores a model over the revision that it was read at. `None` when it has changed since.
    pub async fn put(
        &self,
        model: &RegisteredModel,
        now: DateTime<Utc>,
    ) -> Result<Option<RegisteredModel>, PersistenceError> {
        swap(self.db.writer(), model, now).await.during("change a model")
    }

    /// Lets `decide` say what a model should become, and stores that; starts over where it has changed meanwhile.
    pub async fn change<E>(
        &self,
        name: &ModelName,
        now: DateTime<Utc>,
        decide: impl Fn(&RegisteredModel) -> Result<RegisteredModel, E>,
    ) -> Result<ModelWritten<E>, PersistenceError> {
        for _ in 0..MAX_TRIES {
            let Some(before) = self.get(name).await? else { return Ok(ModelWritten::Missing) };
            let after = match decide(&before) {
                Ok(after) => after,
                Err(why) => return Ok(ModelWritten::Refused(why)),
            };
            if after == before {
                return Ok(ModelWritten::Written(Box::new(before)));
            }
            if let Some(written) = self.put(&after, now).await? {
                return Ok(ModelWritten::Written(Box::new(written)));
            }
        }
        Err(PersistenceError::Contended { operation: "change a model", tries: MAX_TRIES })
    }

    /// Brings the rows of files on this side up to what was found. `id` makes ids of new ones. Gives back the names that are
    /// other models' already.
    pub async fn report_local(
        &self,
        found: &[LocalModel],
        id: impl Fn() -> ModelId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ModelName>, PersistenceError> {
        let mut taken = Vec::new();
        for local in found {
            let before = self.get(&local.name).await?;
            if before.as_ref().is_some_and(|before| before.kind != ModelKind::Local) {
                taken.push(local.name.clone());
                continue;
            }
            let Some(after) = as_found(before.as_ref(), local, id(), now) else { continue };
            // Who is overtaken by another process that looks at its own folder leaves it at that: it looks again.
            if before.is_some() {
                self.put(&after, now).await?;
            } else {
                self.add(&after, now).await?;
            }
        }
        Ok(taken)
    }

    /// Keeps what an imported document holds beside models; keys of earlier ones stay.
    pub async fn put_registry_keys(&self, keys: &Map<String, Value>) -> Result<(), PersistenceError> {
        const DOING: &str = "keep a registry's keys";
        let tx = self.db.begin(DOING).await?;
        for (key, value) in keys {
            let row = rows::registry_key::ActiveModel { key: Set(key.clone()), value: Set(value.clone()) };
            let known = OnConflict::column(rows::registry_key::Column::Key)
                .update_column(rows::registry_key::Column::Value)
                .to_owned();
            rows::registry_key::Entity::insert(row)
                .on_conflict(known)
                .exec_without_returning(&tx)
                .await
                .during(DOING)?;
        }
        tx.commit().await.during(DOING)
    }
}

pub fn fresh(model: &RegisteredModel, now: DateTime<Utc>) -> RegisteredModel {
    RegisteredModel { revision: 1, created_at: micros(now), updated_at: micros(now), ..model.clone() }
}

/// False when its name is taken.
pub async fn insert(connection: &impl ConnectionTrait, model: &RegisteredModel) -> Result<bool, DbErr> {
    let taken = OnConflict::column(Column::Name).do_nothing().to_owned();
    let done =
        rows::model::Entity::insert(row::active(model)).on_conflict(taken).exec_without_returning(connection).await?;
    Ok(done == 1)
}

/// Stores a model over its revision; `None` when that is no longer the row's.
pub async fn swap(
    connection: &impl ConnectionTrait,
    model: &RegisteredModel,
    now: DateTime<Utc>,
) -> Result<Option<RegisteredModel>, DbErr> {
    let after = RegisteredModel {
        revision: model.revision + 1,
        // Clocks differ: a row does not go back in time all the same.
        updated_at: Ord::max(micros(now), model.updated_at),
        ..model.clone()
    };
    let done = rows::model::Entity::update_many()
        .set(row::active(&after))
        .filter(Column::Id.eq(model.id.uuid()))
        .filter(Column::Revision.eq(model.revision.cast_signed()))
        .exec(connection)
        .await?;
    Ok((done.rows_affected == 1).then_some(after))
}
