//! Which messages a consumer has already handled: the broker delivers at least once.

use chrono::{DateTime, Utc};
use domain::MessageId;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use crate::{
    database::Database,
    error::{During, PersistenceError},
    rows::{self, inbox::Column},
    time::micros,
};

/// The messages that one consumer has handled.
#[derive(Clone, Copy)]
pub struct Inbox<'a> {
    pub(crate) db: &'a Database,
    pub(crate) consumer: &'a str,
}

impl Inbox<'_> {
    /// Whether this consumer meets a message for the first time; from now on it has met it.
    pub async fn first_time(&self, message: MessageId, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
        let row = rows::inbox::ActiveModel {
            consumer: Set(self.consumer.to_owned()),
            message_id: Set(message.uuid()),
            at: Set(micros(now)),
        };
        let known = OnConflict::columns([Column::Consumer, Column::MessageId]).do_nothing().to_owned();
        let written = rows::inbox::Entity::insert(row)
            .on_conflict(known)
            .exec_without_returning(self.db.writer())
            .await
            .during("remember a message")?;
        Ok(written == 1)
    }

    /// Forgets a message whose handling failed, so that its next delivery counts as the first.
    pub async fn forget(&self, message: MessageId) -> Result<(), PersistenceError> {
        rows::inbox::Entity::delete_many()
            .filter(Column::Consumer.eq(self.consumer))
            .filter(Column::MessageId.eq(message.uuid()))
            .exec(self.db.writer())
            .await
            .during("forget a message")?;
        Ok(())
    }

    /// Forgets what this consumer met before `before`. Says how many.
    pub async fn prune(&self, before: DateTime<Utc>) -> Result<u64, PersistenceError> {
        let gone = rows::inbox::Entity::delete_many()
            .filter(Column::Consumer.eq(self.consumer))
            .filter(Column::At.lt(micros(before)))
            .exec(self.db.writer())
            .await
            .during("forget old messages")?;
        Ok(gone.rows_affected)
    }
}
