//! The event log of a job: rows numbered from 1 without gaps, so that a client that saw number n asks for what is
//! above it.

use chrono::{DateTime, Utc};
use domain::JobId;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;

use crate::{
    Job, NewEvent,
    error::{During, PersistenceError},
    rows,
    time::micros,
};

/// One row of a job's event log.
#[derive(Clone, PartialEq, Debug)]
pub struct LoggedEvent {
    pub seq: u64,
    pub kind: String,
    pub data: Value,
    pub at: DateTime<Utc>,
}

pub async fn after(
    db: &DatabaseConnection,
    job: JobId,
    seq: u64,
    limit: u64,
) -> Result<Vec<LoggedEvent>, PersistenceError> {
    use rows::event::Column;
    // What a client says it saw may be any number.
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let rows = rows::event::Entity::find()
        .filter(Column::JobId.eq(job.uuid()))
        .filter(Column::Seq.gt(seq))
        .order_by_asc(Column::Seq)
        .limit(limit)
        .all(db)
        .await
        .during("read a job's events")?;
    let logged = |row| {
        let rows::event::Model { job_id: _, seq, kind, data, at } = row;
        LoggedEvent { seq: seq.cast_unsigned(), kind, data, at }
    };
    Ok(rows.into_iter().map(logged).collect())
}

/// Writes events under the numbers that end with `job.event_seq`, which its row already says.
pub async fn insert(
    tx: &impl ConnectionTrait,
    job: &Job,
    events: Vec<NewEvent>,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<(), PersistenceError> {
    if events.is_empty() {
        return Ok(());
    }
    let first = job.event_seq + 1 - events.len() as u64;
    let rows = events.into_iter().zip(first..).map(|(NewEvent { kind, data }, seq)| rows::event::ActiveModel {
        job_id: Set(job.id.uuid()),
        seq: Set(seq.cast_signed()),
        kind: Set(kind),
        data: Set(data),
        at: Set(micros(now)),
    });
    rows::event::Entity::insert_many(rows).exec_without_returning(tx).await.during(operation)?;
    Ok(())
}
