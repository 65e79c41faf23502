//! What the orchestrators' circuit breakers said last. Each breaker lives in its process; what one of them has found out that an
//! operator has to see to, the others read here.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use crate::{
    database::Database,
    error::{During, PersistenceError},
    rows::{self, breaker::Column},
    time::{micros, micros_option},
};

/// A report that is older than this is of an orchestrator that is gone.
const FRESH: TimeDelta = TimeDelta::seconds(90);

/// One breaker of one orchestrator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakerRow {
    pub instance: String,
    pub provider: String,
    /// CLOSED, OPEN or HALF_OPEN.
    pub state: String,
    pub failures: u32,
    /// When a probe will be let through; of what this orchestrator has found out itself, where it has.
    pub open_until: Option<DateTime<Utc>>,
    /// What an operator has to see to before it is called again.
    pub problem: Option<String>,
    /// Since when it keeps callers out for what it has found out itself, and not from others; `None` where it does not.
    pub held_since: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

/// The table of breakers.
#[derive(Clone, Copy)]
pub struct Breakers<'a> {
    pub(crate) db: &'a Database,
}

impl Breakers<'_> {
    /// Writes what an orchestrator's breakers say, in place of what they said before.
    pub async fn report(&self, breakers: &[BreakerRow]) -> Result<(), PersistenceError> {
        if breakers.is_empty() {
            return Ok(());
        }
        let rows = breakers.iter().map(|breaker| {
            let BreakerRow { instance, provider, state, failures, open_until, problem, held_since, updated_at } =
                breaker;
            rows::breaker::ActiveModel {
                instance: Set(instance.clone()),
                provider: Set(provider.clone()),
                state: Set(state.clone()),
                failures: Set(failures.cast_signed()),
                open_until: Set(micros_option(*open_until)),
                problem: Set(problem.clone()),
                held_since: Set(micros_option(*held_since)),
                updated_at: Set(micros(*updated_at)),
            }
        });
        let known = OnConflict::columns([Column::Instance, Column::Provider])
            .update_columns([
                Column::State,
                Column::Failures,
                Column::OpenUntil,
                Column::Problem,
                Column::HeldSince,
                Column::UpdatedAt,
            ])
            .to_owned();
        rows::breaker::Entity::insert_many(rows)
            .on_conflict(known)
            .exec_without_returning(self.db.writer())
            .await
            .during("write breakers")?;
        Ok(())
    }

    /// What the breakers of running orchestrators say, by provider.
    pub async fn current(&self, now: DateTime<Utc>) -> Result<Vec<BreakerRow>, PersistenceError> {
        let rows = rows::breaker::Entity::find()
            .filter(Column::UpdatedAt.gte(micros(now - FRESH)))
            .order_by_asc(Column::Provider)
            .order_by_asc(Column::Instance)
            .all(self.db.reader())
            .await
            .during("read breakers")?;
        let typed = |row| {
            let rows::breaker::Model {
                instance,
                provider,
                state,
                failures,
                open_until,
                problem,
                held_since,
                updated_at,
            } = row;
            let failures = failures.cast_unsigned();
            BreakerRow { instance, provider, state, failures, open_until, problem, held_since, updated_at }
        };
        Ok(rows.into_iter().map(typed).collect())
    }

    /// Deletes reports of orchestrators that are gone. Says how many.
    pub async fn prune(&self, now: DateTime<Utc>) -> Result<u64, PersistenceError> {
        let gone = rows::breaker::Entity::delete_many()
            .filter(Column::UpdatedAt.lt(micros(now - FRESH)))
            .exec(self.db.writer())
            .await
            .during("delete old breakers")?;
        Ok(gone.rows_affected)
    }
}
