//! Outside calls of jobs that have ended: taken away from them, called off, and settled.

use chrono::{DateTime, Utc};
use domain::{JobId, JobState, OutsideCallId};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};

use crate::{
    backend::Backend,
    error::{During, PersistenceError},
    outside_calls::{OutsideCall, OutsideCallState, OutsideCalls, Settled, owner, read, settle_in},
    rows::{self, outside_call::Column},
    spending::{self, SpendingLimits},
    time::micros,
    words::state_words,
};

impl OutsideCalls<'_> {
    /// Notes the id of a call that was answered after it was settled: nobody waits for it, and it is to be called off.
    pub async fn answered_late(
        &self,
        id: OutsideCallId,
        outside_id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), PersistenceError> {
        const DOING: &str = "note a late answer of an outside call";
        let tx = self.db.begin(DOING).await?;
        let Some(row) = rows::outside_call::Entity::find_by_id(id.uuid()).one(&tx).await.during(DOING)? else {
            return Ok(());
        };
        let call = read(row).during(DOING)?;
        if call.cost.is_some() {
            // Settled with what it cost: there is nothing to be had back.
            return Ok(());
        }
        if let (Some(_), Some(estimate)) = (call.ended_at, &call.estimate) {
            // It was given back when the call was settled, and is owed again.
            let owner = owner(&tx, call.job_id).await?;
            let purses = (call.provider.as_str(), owner.as_str());
            spending::reserve(&tx, call.created_at, estimate, purses, &SpendingLimits::default()).await?;
        }
        rows::outside_call::Entity::update_many()
            .col_expr(Column::OutsideId, Expr::val(outside_id))
            .col_expr(Column::State, Expr::val(OutsideCallState::Cancelling.as_str()))
            .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
            .col_expr(Column::EndedAt, Expr::val(None::<DateTime<Utc>>))
            .filter(Column::Id.eq(id.uuid()))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)
    }

    /// Takes an unsettled call away from its job, to call it off. False when it is settled, or when the job has not ended
    /// or is tried again: then it may still be needed.
    pub async fn begin_call_off(&self, call: &OutsideCall, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
        const DOING: &str = "begin to call off an outside call";
        if call.state == OutsideCallState::Cancelling {
            return Ok(true);
        }
        let Some(tx) = self.begin_where_over(call.job_id, DOING).await? else { return Ok(false) };
        let begun = rows::outside_call::Entity::update_many()
            .col_expr(Column::State, Expr::val(OutsideCallState::Cancelling.as_str()))
            .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
            .filter(Column::Id.eq(call.id.uuid()))
            .filter(Column::EndedAt.is_null())
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(begun.rows_affected == 1)
    }

    /// Settles a call that nobody can be asked for as unanswered. False when it is settled, or when its job has not ended or is
    /// tried again: then its answer may still be needed.
    pub async fn lost_with_job(&self, call: &OutsideCall, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
        const DOING: &str = "settle an outside call of an ended job";
        let Some(tx) = self.begin_where_over(call.job_id, DOING).await? else { return Ok(false) };
        let query = rows::outside_call::Entity::find_by_id(call.id.uuid());
        let query = match self.db.backend() {
            Backend::Sqlite => query,
            Backend::Postgres => query.lock_exclusive(),
        };
        let Some(row) = query.one(&tx).await.during(DOING)? else { return Ok(false) };
        let call = read(row).during(DOING)?;
        if call.ended_at.is_some() {
            return Ok(false);
        }
        settle_in(&tx, &call, &Settled::of(OutsideCallState::Unanswered), now).await?;
        tx.commit().await.during(DOING)?;
        Ok(true)
    }

    /// A transaction in which a job that has ended is not tried again; `None` where it has not ended.
    async fn begin_where_over(
        &self,
        job: JobId,
        operation: &'static str,
    ) -> Result<Option<DatabaseTransaction>, PersistenceError> {
        let tx = self.db.begin(operation).await?;
        let query = rows::job::Entity::find_by_id(job.uuid());
        let query = match self.db.backend() {
            // SQLite's transaction already holds the only write lock.
            Backend::Sqlite => query,
            Backend::Postgres => query.lock_exclusive(),
        };
        let row = query.one(&tx).await.during(operation)?;
        let is_over = row.is_some_and(|row| state_words(JobState::is_final).contains(&row.state.as_str()));
        Ok(is_over.then_some(tx))
    }

    /// Unsettled calls of jobs that have ended, and calls that are being called off, oldest news first: nobody waits for
    /// them any more.
    /// Those that were looked at after `before` are left out.
    pub async fn abandoned(&self, before: DateTime<Utc>, limit: u64) -> Result<Vec<OutsideCall>, PersistenceError> {
        const DOING: &str = "look for abandoned outside calls";
        use rows::job::Column as Of;
        let over = Query::select()
            .column(Of::Id)
            .from(rows::job::Entity)
            .and_where(Of::State.is_in(state_words(JobState::is_final)))
            .to_owned();
        let rows = rows::outside_call::Entity::find()
            .filter(Column::EndedAt.is_null())
            .filter(Column::UpdatedAt.lte(micros(before)))
            .filter(
                Condition::any()
                    .add(Column::JobId.in_subquery(over))
                    .add(Column::State.eq(OutsideCallState::Cancelling.as_str())),
            )
            .order_by_asc(Column::UpdatedAt)
            .limit(limit)
            .all(self.db.reader())
            .await
            .during(DOING)?;
        // One that this version cannot read is left to the version that wrote it.
        Ok(rows.into_iter().filter_map(|row| read(row).ok()).collect())
    }

    /// Notes that a call was looked at without news.
    pub async fn looked_at(&self, id: OutsideCallId, now: DateTime<Utc>) -> Result<(), PersistenceError> {
        rows::outside_call::Entity::update_many()
            .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.db.writer())
            .await
            .during("note a look at an outside call")?;
        Ok(())
    }
}
