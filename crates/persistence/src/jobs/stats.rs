//! Figures over many jobs.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{JobId, JobState, KindName};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, Func},
};

use super::Jobs;
use crate::{
    Backend,
    database::Database,
    error::{During, PersistenceError},
    rows::{self, job::Column},
    time::micros,
};

/// How the system is doing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct JobStats {
    /// Rows there are now, by state; a state without rows is absent, and so is one that only a newer version knows.
    pub by_state: BTreeMap<JobState, u64>,
    /// Jobs that ended in the last 24 hours, by how.
    pub ended_last_day: BTreeMap<JobState, u64>,
    pub submitted_last_day: u64,
    /// From first claim to completion, of jobs completed in the last 24 hours. Includes the waits between attempts.
    pub mean_processing_ms: Option<f64>,
    /// From submission to first claim, of jobs first claimed in the last 24 hours.
    pub mean_wait_ms: Option<f64>,
}

/// Where a waiting job stands; 1 is next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueuePosition {
    pub overall: u64,
    /// Among the jobs of the same owner.
    pub of_owner: u64,
}

impl Jobs<'_> {
    /// Figures over all jobs of a kind, or of all kinds: how many there are of each state as this is read, and what
    /// happened in the 24 hours before `now`, which is in it no more.
    pub async fn stats(&self, kind: Option<&KindName>, now: DateTime<Utc>) -> Result<JobStats, PersistenceError> {
        const DOING: &str = "count jobs";
        let (now, day_ago) = (micros(now), micros(now - TimeDelta::hours(24)));
        let that_day = |column: Column| Condition::all().add(column.gte(day_ago)).add(column.lt(now));
        let jobs = || {
            let query = rows::job::Entity::find().select_only();
            match kind {
                Some(kind) => query.filter(Column::Kind.eq(kind.as_str())),
                None => query,
            }
        };
        let ended = || jobs().filter(that_day(Column::FinishedAt));
        let completed = || ended().filter(Column::State.eq(JobState::Completed.as_str()));
        let claimed = jobs().filter(that_day(Column::StartedAt));
        let submitted = rows::job::Entity::find().filter(that_day(Column::CreatedAt));
        let submitted = match kind {
            Some(kind) => submitted.filter(Column::Kind.eq(kind.as_str())),
            None => submitted,
        };
        Ok(JobStats {
            by_state: self.count_by_state(jobs(), DOING).await?,
            ended_last_day: self.count_by_state(ended(), DOING).await?,
            submitted_last_day: submitted.count(self.db.reader()).await.during(DOING)?,
            mean_processing_ms: self.mean_ms(completed(), Column::StartedAt, Column::FinishedAt, DOING).await?,
            mean_wait_ms: self.mean_ms(claimed, Column::CreatedAt, Column::StartedAt, DOING).await?,
        })
    }

    pub(super) async fn count_by_state(
        &self,
        jobs: Select<rows::job::Entity>,
        operation: &'static str,
    ) -> Result<BTreeMap<JobState, u64>, PersistenceError> {
        let counted = jobs
            .column(Column::State)
            .column_as(Column::Id.count(), "n")
            .group_by(Column::State)
            .into_tuple::<(String, i64)>()
            .all(self.db.reader())
            .await
            .during(operation)?;
        let known = |(word, count): (String, i64)| Some((word.parse().ok()?, count.cast_unsigned()));
        Ok(counted.into_iter().filter_map(known).collect())
    }

    pub(super) async fn mean_ms(
        &self,
        jobs: Select<rows::job::Entity>,
        from: Column,
        to: Column,
        operation: &'static str,
    ) -> Result<Option<f64>, PersistenceError> {
        let ends = [Expr::col(to), Expr::col(from)];
        let span_ms = match self.db.backend() {
            Backend::Sqlite => Expr::cust_with_exprs("((julianday(?) - julianday(?)) * 86400000.0)", ends),
            Backend::Postgres => {
                Expr::cust_with_exprs("(EXTRACT(EPOCH FROM ($1 - $2)) * 1000.0)::double precision", ends)
            }
        };
        let mean = jobs
            .expr_as(Func::avg(span_ms), "mean_ms")
            .into_tuple::<Option<f64>>()
            .one(self.db.reader())
            .await
            .during(operation)?;
        Ok(mean.flatten())
    }

    /// Where a job stands among those that wait, by the order in which they are claimed. `None` when it does not wait.
    pub async fn queue_position(&self, id: JobId) -> Result<Option<QueuePosition>, PersistenceError> {
        queue_position_of(self.db, Condition::all().add(Column::Id.eq(id.uuid()))).await
    }
}

pub async fn queue_position_of(db: &Database, which: Condition) -> Result<Option<QueuePosition>, PersistenceError> {
    const DOING: &str = "find a job's place in the queue";
    let waiting = || {
        rows::job::Entity::find()
            .filter(Column::State.eq(JobState::Queued.as_str()))
            .filter(Column::CancelRequestedAt.is_null())
    };
    let Some(job) = waiting().filter(which).one(db.reader()).await.during(DOING)? else { return Ok(None) };
    let is_due_sooner = Condition::any()
        .add(Column::DueAt.lt(job.due_at))
        .add(Condition::all().add(Column::DueAt.eq(job.due_at)).add(Column::Id.lt(job.id)));
    // What was begun goes before what was not.
    let is_begun = Column::StartedAt.is_not_null();
    let sooner = match job.started_at {
        Some(_) => Condition::all().add(is_begun).add(is_due_sooner),
        None => Condition::any().add(is_begun).add(is_due_sooner),
    };
    let ahead = waiting().filter(sooner);
    let of_owner = ahead.clone().filter(Column::Owner.eq(job.owner)).count(db.reader()).await.during(DOING)? + 1;
    let overall = ahead.count(db.reader()).await.during(DOING)? + 1;
    Ok(Some(QueuePosition { overall, of_owner }))
}
