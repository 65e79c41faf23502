//! The registry of models: their rows, which version of one a job got, and what trainings have delivered. How a model changes
//! and which version a job gets is decided by [`domain::registry`].

mod choice;
pub(crate) mod hold;
mod row;
mod training;
mod write;

use domain::{
    ModelId, UserId,
    registry::{ModelName, RegisteredModel},
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use choice::ModelChoiceMade;
pub use hold::{NameHeld, NameHold};
pub use training::{Trained, TrainingRegistered};
pub use write::{ModelAdded, ModelWritten};

use crate::{
    database::Database,
    error::{During, PersistenceError},
    rows::{self, model::Column},
};

/// The table of models, and what goes with it.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    pub(crate) db: &'a Database,
}

impl Models<'_> {
    /// Models by name: those that a user may see, or all. One with a word that only a newer version knows is left out.
    pub async fn list(&self, visible_to: Option<&UserId>) -> Result<Vec<RegisteredModel>, PersistenceError> {
        const DOING: &str = "list models";
        let mut query = rows::model::Entity::find().order_by_asc(Column::Name);
        if let Some(user) = visible_to {
            let visible = Condition::any().add(Column::Owner.is_null()).add(Column::Owner.eq(user.as_str()));
            query = query.filter(visible);
        }
        let rows = query.all(self.db.reader()).await.during(DOING)?;
        let known = rows.into_iter().filter(row::is_known).map(row::read);
        let mut models: Vec<RegisteredModel> = known.collect::<Result<_, _>>().during(DOING)?;
        // PostgreSQL orders by its collation, SQLite by bytes.
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// Whoever's it is.
    pub async fn get(&self, name: &ModelName) -> Result<Option<RegisteredModel>, PersistenceError> {
        const DOING: &str = "read a model";
        let row = row::named(self.db.reader(), name).await.during(DOING)?;
        row.map(row::read).transpose().during(DOING)
    }

    /// Which models there are, each with its revision: two answers are equal where nothing has changed in between. Reads far less
    /// than [`Self::list`].
    pub async fn revisions(&self) -> Result<Vec<(ModelId, u64)>, PersistenceError> {
        let query = rows::model::Entity::find().select_only().columns([Column::Id, Column::Revision]);
        let query = query.order_by_asc(Column::Id).into_tuple::<(Uuid, i64)>();
        let rows = query.all(self.db.reader()).await.during("look whether models have changed")?;
        Ok(rows.into_iter().map(|(id, revision)| (ModelId::from_uuid(id), revision.cast_unsigned())).collect())
    }

    /// What imported documents held beside models.
    pub async fn registry_keys(&self) -> Result<Map<String, Value>, PersistenceError> {
        let rows = rows::registry_key::Entity::find().all(self.db.reader()).await.during("read a registry's keys")?;
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }
}
