//! Messages that are to leave. They are written in the transaction that they tell of; a relay publishes them
//! afterwards, at least once. Knows nothing of a broker.

use chrono::{DateTime, TimeDelta, Utc};
use domain::MessageId;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};

use crate::{
    Backend,
    database::Database,
    error::{During, PersistenceError},
    rows::{self, outbox::Column},
    time::micros,
};

/// Where a message goes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Destination {
    /// A command, to the queue of this name.
    Queue(String),
    /// An event, to whoever listens.
    Event,
}

/// A message to be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboxMessage {
    pub id: MessageId,
    pub destination: Destination,
    /// The encoded envelope.
    pub payload: Vec<u8>,
}

/// A message that a relay took for publishing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingMessage {
    pub message: OutboxMessage,
    pub created_at: DateTime<Utc>,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// What has not been published yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    pub pending: u64,
    /// Age of the oldest; zero when nothing is pending.
    pub oldest: TimeDelta,
}

/// The table of messages to be published.
#[derive(Clone, Copy)]
pub struct Outbox<'a> {
    pub(crate) db: &'a Database,
}

impl Outbox<'_> {
    /// Adds messages that tell of no row.
    pub async fn put(&self, messages: Vec<OutboxMessage>, now: DateTime<Utc>) -> Result<(), PersistenceError> {
        insert(self.db.writer(), messages, now, "write messages").await
    }

    /// Takes up to `limit` messages, oldest first. Until `claimed_until` no other relay gets them; after that, unless
    /// marked, they are taken again.
    pub async fn claim_batch(
        &self,
        claimed_until: DateTime<Utc>,
        limit: u64,
        now: DateTime<Utc>,
    ) -> Result<Vec<PendingMessage>, PersistenceError> {
        const DOING: &str = "take messages to publish";
        let free = Condition::any().add(Column::ClaimedUntil.is_null()).add(Column::ClaimedUntil.lte(micros(now)));
        let query = rows::outbox::Entity::find()
            .filter(Column::PublishedAt.is_null())
            .filter(free)
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit);
        // A look first: an idle relay must not take the write lock of a SQLite file several times a second.
        if query.clone().one(self.db.reader()).await.during(DOING)?.is_none() {
            return Ok(Vec::new());
        }
        let tx = self.db.begin(DOING).await?;
        let query = match self.db.backend() {
            Backend::Postgres => query.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked),
            Backend::Sqlite => query,
        };
        let found = query.all(&tx).await.during(DOING)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        rows::outbox::Entity::update_many()
            .col_expr(Column::ClaimedUntil, Expr::val(micros(claimed_until)))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(Column::Id.is_in(found.iter().map(|row| row.id)))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(found.into_iter().map(pending_message).collect())
    }

    /// Remembers that the broker has confirmed these.
    pub async fn mark_published(&self, ids: &[MessageId], now: DateTime<Utc>) -> Result<(), PersistenceError> {
        rows::outbox::Entity::update_many()
            .col_expr(Column::PublishedAt, Expr::val(micros(now)))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .exec(self.db.writer())
            .await
            .during("mark messages as published")?;
        Ok(())
    }

    /// Gives messages back that could not be published, to be taken again from `retry_at` on.
    pub async fn release(&self, ids: &[MessageId], retry_at: DateTime<Utc>) -> Result<(), PersistenceError> {
        rows::outbox::Entity::update_many()
            .col_expr(Column::ClaimedUntil, Expr::val(micros(retry_at)))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .filter(Column::PublishedAt.is_null())
            .exec(self.db.writer())
            .await
            .during("give messages back")?;
        Ok(())
    }

    pub async fn backlog(&self, now: DateTime<Utc>) -> Result<Backlog, PersistenceError> {
        const DOING: &str = "count messages to publish";
        let waiting = || rows::outbox::Entity::find().filter(Column::PublishedAt.is_null());
        let pending = waiting().count(self.db.reader()).await.during(DOING)?;
        let oldest = waiting().order_by_asc(Column::CreatedAt).one(self.db.reader()).await.during(DOING)?;
        let age = oldest.map(|row| (now - row.created_at).max(TimeDelta::zero()));
        Ok(Backlog { pending, oldest: age.unwrap_or_default() })
    }

    /// Deletes messages published before `before`. Says how many.
    pub async fn prune(&self, before: DateTime<Utc>) -> Result<u64, PersistenceError> {
        let gone = rows::outbox::Entity::delete_many()
            .filter(Column::PublishedAt.lt(micros(before)))
            .exec(self.db.writer())
            .await
            .during("delete published messages")?;
        Ok(gone.rows_affected)
    }
}

fn pending_message(row: rows::outbox::Model) -> PendingMessage {
    let rows::outbox::Model { id, queue, payload, created_at, claimed_until: _, published_at: _, attempts } = row;
    let destination = queue.map_or(Destination::Event, Destination::Queue);
    PendingMessage {
        message: OutboxMessage { id: MessageId::from_uuid(id), destination, payload },
        created_at,
        attempts: attempts.cast_unsigned() + 1,
    }
}

pub async fn insert(
    tx: &impl ConnectionTrait,
    messages: Vec<OutboxMessage>,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<(), PersistenceError> {
    if messages.is_empty() {
        return Ok(());
    }
    let rows = messages.into_iter().map(|OutboxMessage { id, destination, payload }| rows::outbox::ActiveModel {
        id: Set(id.uuid()),
        queue: Set(match destination {
            Destination::Queue(name) => Some(name),
            Destination::Event => None,
        }),
        payload: Set(payload),
        created_at: Set(micros(now)),
        claimed_until: NotSet,
        published_at: NotSet,
        attempts: NotSet,
    });
    rows::outbox::Entity::insert_many(rows).exec_without_returning(tx).await.during(operation)?;
    Ok(())
}
