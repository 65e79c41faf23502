//! What one user may see and do. Someone else's job and one that does not exist answer alike.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{JobId, JobState, KindName, UserId, quota::QuotaUsage};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::{
    Artifact, Job, Journal, LoggedEvent, QueuePosition, artifacts,
    database::Database,
    error::{During, PersistenceError},
    events,
    job::readable,
    jobs::{Changed, Step, change, queue_position_of},
    quota,
    rows::{self, job::Column},
    time::micros,
};

/// The jobs of one user.
#[derive(Clone, Copy)]
pub struct UserJobs<'a> {
    pub(crate) db: &'a Database,
    pub(crate) user: &'a UserId,
}

/// Which jobs of a history. Empty and `None` mean no restriction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HistoryFilter {
    pub kind: Option<KindName>,
    pub states: BTreeSet<JobState>,
    pub created_from: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
}

/// A page of a history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryPage {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// Of all pages.
    pub total: u64,
}

/// A place in a list of jobs: behind this one, newest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub created_at: DateTime<Utc>,
    pub id: JobId,
}

/// A stretch of a list of jobs.
#[derive(Clone, PartialEq, Debug)]
pub struct JobList {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Cursor>,
}

/// The answer to a request to stop.
#[derive(Clone, PartialEq, Debug)]
pub enum CancelOutcome {
    /// The request is stored, now or already before; the orchestrator acts on it.
    Requested(Box<Job>),
    AlreadyFinal(JobState),
    NotFound,
}

impl HistoryFilter {
    fn condition(&self) -> Condition {
        let Self { kind, states, created_from, created_before } = self;
        let which = Condition::all()
            .add_option(kind.as_ref().map(|kind| Column::Kind.eq(kind.as_str())))
            .add_option(created_from.map(|from| Column::CreatedAt.gte(micros(from))))
            .add_option(created_before.map(|before| Column::CreatedAt.lt(micros(before))));
        if states.is_empty() {
            return which;
        }
        which.add(Column::State.is_in(states.iter().map(|state| state.as_str())))
    }
}

impl UserJobs<'_> {
    fn mine(&self) -> Select<rows::job::Entity> {
        Job::known().filter(Column::Owner.eq(self.user.as_str()))
    }

    pub async fn get(&self, id: JobId) -> Result<Option<Job>, PersistenceError> {
        const DOING: &str = "read a user's job";
        let row = self.mine().filter(Column::Id.eq(id.uuid())).one(self.db.reader()).await.during(DOING)?;
        row.map(Job::from_row).transpose().during(DOING)
    }

    /// Whether it is a job of this user that this version leaves alone, since a newer one has brought it into a state or
    /// a tier that is not known here.
    pub async fn is_of_newer_version(&self, id: JobId) -> Result<bool, PersistenceError> {
        const DOING: &str = "look whether a job is of a newer version";
        let own = rows::job::Entity::find().filter(Column::Owner.eq(self.user.as_str()));
        let count = own.filter(Column::Id.eq(id.uuid())).count(self.db.reader()).await.during(DOING)?;
        Ok(count > 0 && !self.owns(id, DOING).await?)
    }

    pub(crate) async fn owns(&self, id: JobId, operation: &'static str) -> Result<bool, PersistenceError> {
        let count = self.mine().filter(Column::Id.eq(id.uuid())).count(self.db.reader()).await.during(operation)?;
        Ok(count == 1)
    }

    /// Jobs newest first, `limit` of them after the first `offset`.
    pub async fn history(
        &self,
        filter: &HistoryFilter,
        limit: u64,
        offset: u64,
    ) -> Result<HistoryPage, PersistenceError> {
        const DOING: &str = "read a user's history";
        let query = self.mine().filter(filter.condition());
        let total = query.clone().count(self.db.reader()).await.during(DOING)?;
        let rows = query
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(limit)
            .offset(offset)
            .all(self.db.reader())
            .await
            .during(DOING)?;
        Ok(HistoryPage { jobs: readable(rows, DOING), total })
    }

    /// Jobs newest first, `limit` of them behind `after`. A list that is walked by cursors shows each job once, however
    /// many are added meanwhile.
    pub async fn list(
        &self,
        filter: &HistoryFilter,
        after: Option<Cursor>,
        limit: u64,
    ) -> Result<JobList, PersistenceError> {
        const DOING: &str = "list a user's jobs";
        let behind = after.map(|Cursor { created_at, id }| {
            let same_moment = Condition::all().add(Column::CreatedAt.eq(created_at)).add(Column::Id.lt(id.uuid()));
            Condition::any().add(Column::CreatedAt.lt(created_at)).add(same_moment)
        });
        let mut rows = self
            .mine()
            .filter(filter.condition().add_option(behind))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            // One more shows whether the list goes on.
            .limit(limit + 1)
            .all(self.db.reader())
            .await
            .during(DOING)?;
        let goes_on = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let last = rows.last().map(|row| Cursor { created_at: row.created_at, id: JobId::from_uuid(row.id) });
        Ok(JobList { jobs: readable(rows, DOING), next: last.filter(|_| goes_on) })
    }

    /// Stores the request to stop a job, with its events and messages when it is the first. Moves nothing.
    pub async fn request_cancel(
        &self,
        id: JobId,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<CancelOutcome, PersistenceError> {
        let decide = |job: &Job| {
            if job.owner != *self.user {
                return Step::Answer(CancelOutcome::NotFound);
            }
            if job.state.is_final() {
                return Step::Answer(CancelOutcome::AlreadyFinal(job.state));
            }
            if job.cancel_requested_at.is_some() {
                return Step::Answer(CancelOutcome::Requested(Box::new(job.clone())));
            }
            let mut after = job.clone();
            after.cancel_requested_at = Some(micros(now));
            after.updated_at = micros(now);
            Step::Write(Box::new(after))
        };
        Ok(match change(self.db, "store a request to cancel", id, journal, now, decide).await? {
            Changed::Written(job) => CancelOutcome::Requested(job),
            Changed::Answered(outcome) => outcome,
            Changed::Missing => CancelOutcome::NotFound,
        })
    }

    /// What counts towards this user's quota now.
    pub async fn quota_usage(&self, now: DateTime<Utc>) -> Result<QuotaUsage, PersistenceError> {
        quota::usage(self.db.reader(), self.user, now, "count a user's jobs").await
    }

    /// Rows of a job's event log with a number above `seq`, oldest first. `None` when the job is not this user's.
    pub async fn events_after(
        &self,
        id: JobId,
        seq: u64,
        limit: u64,
    ) -> Result<Option<Vec<LoggedEvent>>, PersistenceError> {
        if !self.owns(id, "read a user's events").await? {
            return Ok(None);
        }
        events::after(self.db.reader(), id, seq, limit).await.map(Some)
    }

    /// The files of a job's result. `None` when the job is not this user's.
    pub async fn artifacts(&self, id: JobId) -> Result<Option<Vec<Artifact>>, PersistenceError> {
        if !self.owns(id, "read a user's artifacts").await? {
            return Ok(None);
        }
        artifacts::of_job(self.db.reader(), id).await.map(Some)
    }

    /// Where a waiting job stands. `None` when it does not wait or is not this user's.
    pub async fn queue_position(&self, id: JobId) -> Result<Option<QueuePosition>, PersistenceError> {
        let mine = Condition::all().add(Column::Id.eq(id.uuid())).add(Column::Owner.eq(self.user.as_str()));
        queue_position_of(self.db, mine).await
    }
}
