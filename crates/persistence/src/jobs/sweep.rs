//! What the reconciler and the retention sweep look for. They take no input but the moment: they read the truth.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{JobId, JobState, KindSpec, quota};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, Query},
};

use super::{
    Jobs,
    claim::{claimable_while_held, no_live_lease},
    unknown::{ClaimableKind, has_unknown_parts, is_of_kinds},
};
use crate::{
    Backend, Job,
    database::Database,
    error::{During, PersistenceError},
    job::page_of_jobs,
    rows::{self, job::Column},
    time::micros,
    words::{is_held, state_words, tier_words},
};

impl Jobs<'_> {
    /// Unfinished jobs whose deadline has passed, longest first. Without those whose holder was lost, if they are of these kinds:
    /// whoever takes them over gives them the time that they had left.
    pub async fn overdue(
        &self,
        kinds: &[ClaimableKind],
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<Job>, PersistenceError> {
        let lost = Condition::all()
            .add(Column::State.is_in(claimable_while_held()))
            .add(no_live_lease(micros(now)))
            .add(is_of_kinds(kinds))
            .add(has_unknown_parts().not());
        let query = unfinished().filter(Column::DeadlineAt.lte(micros(now))).filter(lost.not());
        page_of_jobs(self.db.reader(), query, Column::DeadlineAt, limit, "look for passed deadlines").await
    }

    /// Unfinished jobs that are to be cancelled and that nobody holds. A live holder sees to it by itself.
    pub async fn cancel_pending(&self, now: DateTime<Utc>, limit: u64) -> Result<Vec<Job>, PersistenceError> {
        let wanted = Condition::any()
            .add(Column::CancelRequestedAt.is_not_null())
            .add(Column::State.eq(JobState::Cancelling.as_str()));
        let query = unfinished().filter(wanted).filter(no_live_lease(micros(now)));
        page_of_jobs(self.db.reader(), query, Column::UpdatedAt, limit, "look for cancelled jobs").await
    }

    /// Jobs whose holder has been silent: their lease ends before `lease_ends_before`. Without those that are to be
    /// cancelled, and those whose log already ends with an event of the kind `told_by`. Silent for the longest time first.
    pub async fn silent(
        &self,
        lease_ends_before: DateTime<Utc>,
        told_by: &str,
        limit: u64,
    ) -> Result<Vec<Job>, PersistenceError> {
        use rows::event;
        let is_told = Query::select()
            .expr(Expr::val(1))
            .from(event::Entity)
            .and_where(Expr::col((event::Entity, event::Column::JobId)).eq(Expr::col((rows::job::Entity, Column::Id))))
            .and_where(
                Expr::col((event::Entity, event::Column::Seq)).eq(Expr::col((rows::job::Entity, Column::EventSeq))),
            )
            .and_where(event::Column::Kind.eq(told_by))
            .to_owned();
        let query = Job::known()
            .filter(Column::State.is_in(claimable_while_held()))
            .filter(Column::LeaseUntil.lt(micros(lease_ends_before)))
            .filter(Column::CancelRequestedAt.is_null())
            .filter(Expr::exists(is_told).not());
        page_of_jobs(self.db.reader(), query, Column::LeaseUntil, limit, "look for silent holders").await
    }

    /// Finished jobs whose files are to go.
    pub async fn files_due(&self, now: DateTime<Utc>, limit: u64) -> Result<Vec<Job>, PersistenceError> {
        let query = Job::known()
            .filter(Column::FilesDeletedAt.is_null())
            .filter(Column::FilesExpireAt.lte(micros(now)))
            .filter(Column::State.is_in(state_words(JobState::is_final)));
        page_of_jobs(self.db.reader(), query, Column::FilesExpireAt, limit, "look for expired files").await
    }

    /// Deletes rows of jobs whose files went before `before`, with their stages, events, artifacts and feedback; at
    /// most `limit`. Those that counted stay counted in their owner's total. Says how many went.
    pub async fn delete_tombstones(&self, before: DateTime<Utc>, limit: u64) -> Result<u64, PersistenceError> {
        const DOING: &str = "delete tombstones";
        let tx = self.db.begin(DOING).await?;
        let query = rows::job::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Owner, Column::State])
            .filter(Column::FilesDeletedAt.lt(micros(before)))
            .order_by_asc(Column::FilesDeletedAt)
            .limit(limit);
        // What another sweep is deleting is left to it: counted twice, it would stay in its owner's total twice.
        let query = match self.db.backend() {
            Backend::Postgres => query.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked),
            Backend::Sqlite => query,
        };
        let found = query.into_tuple::<(uuid::Uuid, String, String)>().all(&tx).await.during(DOING)?;
        if found.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = found.iter().map(|(id, ..)| *id).collect();
        let counted = state_words(|state| quota::standing(state) != quota::Standing::Refunded);
        // In the order of the owners: two sweeps at once then lock them in the same order.
        let mut archived: BTreeMap<String, i64> = BTreeMap::new();
        for (_, owner, state) in found {
            *archived.entry(owner).or_default() += i64::from(counted.contains(&state.as_str()));
        }
        for (owner, jobs) in archived {
            use rows::user::Column;
            rows::user::Entity::update_many()
                .col_expr(Column::ArchivedJobs, Expr::col(Column::ArchivedJobs).add(jobs))
                .filter(Column::Id.eq(owner))
                .exec(&tx)
                .await
                .during(DOING)?;
        }
        let gone = rows::job::Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&tx).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(gone.rows_affected)
    }
}

impl Jobs<'_> {
    /// Unfinished jobs that this version leaves alone, because a newer one wrote a kind, a stage, a tier or a state (of
    /// the job, a stage of it or an outside call) that it does not know. `kinds` are the known ones.
    pub async fn set_aside(&self, kinds: impl IntoIterator<Item = &'static KindSpec>) -> Result<u64, PersistenceError> {
        let kinds: Vec<ClaimableKind> = kinds.into_iter().map(|kind| ClaimableKind::of(kind, None)).collect();
        let unknown = Condition::any()
            .add(is_of_kinds(&kinds).not())
            .add(Column::Tier.is_not_in(tier_words()))
            .add(Column::State.is_not_in(state_words(|_| true)))
            .add(has_unknown_parts());
        rows::job::Entity::find()
            .filter(Column::State.is_not_in(state_words(JobState::is_final)))
            .filter(unknown)
            .count(self.db.reader())
            .await
            .during("count jobs that are set aside")
    }

    /// Ends all leases, for the only process that can hold any: what it held before it died is claimed at once. Says how
    /// many there were.
    pub async fn end_leases(&self, now: DateTime<Utc>) -> Result<u64, PersistenceError> {
        let ended = rows::job::Entity::update_many()
            // Not none: until then somebody worked, and from then on a deadline stands still.
            .col_expr(Column::LeaseUntil, Expr::val(micros(now) - TimeDelta::microseconds(1)))
            .filter(Column::State.is_in(state_words(is_held)))
            .filter(Column::LeaseUntil.gte(micros(now)))
            .exec(self.db.writer())
            .await
            .during("end leases")?;
        Ok(ended.rows_affected)
    }
}

fn unfinished() -> sea_orm::Select<rows::job::Entity> {
    Job::known().filter(Column::State.is_in(state_words(|state| !state.is_final())))
}

pub async fn mark_files_deleted(db: &Database, id: JobId, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
    let done = rows::job::Entity::update_many()
        .col_expr(Column::FilesDeletedAt, Expr::val(micros(now)))
        .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1_i64))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::FilesDeletedAt.is_null())
        .filter(Column::State.is_in(state_words(JobState::is_final)))
        .exec(db.writer())
        .await
        .during("remember that files are gone")?;
    Ok(done.rows_affected == 1)
}
