//! Requests that carry an `Idempotency-Key`: the first one works, its repeats get its answer.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{JobId, UserId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    sea_query::{Expr, OnConflict, Value as Bound},
};
use serde_json::Value;

use crate::{
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, idempotency_key::Column},
    time::micros,
};

const IN_FLIGHT: &str = "in_flight";
const DONE: &str = "done";

/// A key belongs to a user and a route: the same word of two users, or for two routes, is two keys.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IdempotencyKey {
    pub user: UserId,
    pub key: String,
    pub route: String,
}

/// The right to answer for a key. Lost when its holder takes longer than it said and somebody else begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyClaim {
    key: IdempotencyKey,
    claimed_at: DateTime<Utc>,
}

/// What to do with a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Begin {
    /// Work, then finish or abandon the claim.
    Fresh(KeyClaim),
    /// The first request with this key has not been answered yet.
    InFlight,
    /// Answer as the first request was answered.
    Replay { status: u16, body: Value, job_id: Option<JobId> },
    /// The key was used for another request.
    Mismatch,
}

/// The table of keys.
#[derive(Clone, Copy)]
pub struct IdempotencyKeys<'a> {
    pub(crate) db: &'a Database,
}

impl IdempotencyKeys<'_> {
    /// Takes a key for at most `hold`, the longest the request may work. A key that is held longer (its server died)
    /// or whose answer has expired is free again.
    pub async fn begin(
        &self,
        key: &IdempotencyKey,
        request_hash: &str,
        now: DateTime<Utc>,
        hold: TimeDelta,
    ) -> Result<Begin, PersistenceError> {
        const DOING: &str = "take an idempotency key";
        let claimed_at = micros(now);
        let fresh = rows::idempotency_key::ActiveModel {
            user_id: Set(key.user.as_str().to_owned()),
            key: Set(key.key.clone()),
            route: Set(key.route.clone()),
            request_hash: Set(request_hash.to_owned()),
            state: Set(IN_FLIGHT.to_owned()),
            status: Set(None),
            body: Set(None),
            job_id: Set(None),
            claimed_at: Set(claimed_at),
            expires_at: Set(micros(now + hold)),
        };
        let claim = || KeyClaim { key: key.clone(), claimed_at };
        // One statement takes a key that is new or has expired; whoever races for it, one row comes back to one.
        let taken = OnConflict::columns([Column::UserId, Column::Key, Column::Route])
            .update_columns([
                Column::RequestHash,
                Column::State,
                Column::Status,
                Column::Body,
                Column::JobId,
                Column::ClaimedAt,
                Column::ExpiresAt,
            ])
            .action_and_where(Expr::col((rows::idempotency_key::Entity, Column::ExpiresAt)).lte(claimed_at))
            .to_owned();
        let written = rows::idempotency_key::Entity::insert(fresh)
            .on_conflict(taken)
            .exec_without_returning(self.db.writer())
            .await
            .during(DOING)?;
        if written == 1 {
            return Ok(Begin::Fresh(claim()));
        }
        let row = rows::idempotency_key::Entity::find()
            .filter(Column::UserId.eq(key.user.as_str()))
            .filter(Column::Key.eq(key.key.as_str()))
            .filter(Column::Route.eq(key.route.as_str()))
            .one(self.db.reader())
            .await
            .during(DOING)?;
        // Abandoned in between: the client's next try finds it free.
        let Some(row) = row else { return Ok(Begin::InFlight) };
        if row.request_hash != request_hash {
            return Ok(Begin::Mismatch);
        }
        match (row.state.as_str(), row.status, row.body) {
            (DONE, Some(status), Some(body)) => {
                let status = u16::try_from(status).map_err(|why| Undecodable::new("idempotency_keys.status", why));
                Ok(Begin::Replay { status: status.during(DOING)?, body, job_id: row.job_id.map(JobId::from_uuid) })
            }
            _ => Ok(Begin::InFlight),
        }
    }

    /// Whether a request with this key has been seen, and its answer has not expired.
    pub async fn is_known(&self, key: &IdempotencyKey, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
        let count = rows::idempotency_key::Entity::find()
            .filter(Column::UserId.eq(key.user.as_str()))
            .filter(Column::Key.eq(key.key.as_str()))
            .filter(Column::Route.eq(key.route.as_str()))
            .filter(Column::ExpiresAt.gte(micros(now)))
            .count(self.db.reader())
            .await
            .during("look for an idempotency key")?;
        Ok(count > 0)
    }

    /// Keeps an answer for repeats until `expires_at`. False when the claim was lost: the answer is not kept, and
    /// what the request did must be undone by its caller. A submission does this in its own transaction instead.
    pub async fn finish(
        &self,
        claim: &KeyClaim,
        status: u16,
        body: Value,
        job: Option<JobId>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        finish(self.db.writer(), claim, status, body, job, expires_at, "keep an answer").await
    }

    /// Frees a key whose request did nothing, so that a repeat works anew.
    pub async fn abandon(&self, claim: &KeyClaim) -> Result<(), PersistenceError> {
        rows::idempotency_key::Entity::delete_many()
            .filter(held_by(claim))
            .exec(self.db.writer())
            .await
            .during("free an idempotency key")?;
        Ok(())
    }

    /// Deletes keys that expired before `now`. Says how many.
    pub async fn prune(&self, now: DateTime<Utc>) -> Result<u64, PersistenceError> {
        let gone = rows::idempotency_key::Entity::delete_many()
            .filter(Column::ExpiresAt.lt(micros(now)))
            .exec(self.db.writer())
            .await
            .during("delete old idempotency keys")?;
        Ok(gone.rows_affected)
    }
}

pub async fn finish(
    db: &impl ConnectionTrait,
    claim: &KeyClaim,
    status: u16,
    body: Value,
    job: Option<JobId>,
    expires_at: DateTime<Utc>,
    operation: &'static str,
) -> Result<bool, PersistenceError> {
    let done = rows::idempotency_key::Entity::update_many()
        .col_expr(Column::State, Expr::val(DONE))
        .col_expr(Column::Status, Expr::val(i32::from(status)))
        .col_expr(Column::Body, Expr::val(Bound::from(body)))
        .col_expr(Column::JobId, Expr::val(job.map(JobId::uuid)))
        .col_expr(Column::ExpiresAt, Expr::val(micros(expires_at)))
        .filter(held_by(claim))
        .exec(db)
        .await
        .during(operation)?;
    Ok(done.rows_affected == 1)
}

fn held_by(claim: &KeyClaim) -> Condition {
    let KeyClaim { key: IdempotencyKey { user, key, route }, claimed_at } = claim;
    Condition::all()
        .add(Column::UserId.eq(user.as_str()))
        .add(Column::Key.eq(key.as_str()))
        .add(Column::Route.eq(route.as_str()))
        .add(Column::State.eq(IN_FLIGHT))
        .add(Column::ClaimedAt.eq(*claimed_at))
}
