//! A failed job, tried again because its owner wants it: the same job, from its last finished stage on.

use chrono::{DateTime, Utc};
use domain::{
    JobEvent, JobId, JobState, KindName, Transition,
    quota::{self, QuotaExceeded, QuotaLimits, QuotaUsage},
    registry::ModelName,
    transition,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::{
    Job, Journal, UserJobs,
    error::{During, PersistenceError},
    events,
    jobs::swap,
    models::hold,
    outbox, quota as counting, rows,
    time::micros,
    users,
};

const DOING: &str = "try a job again";

/// The answer to the request to have a job tried again. Nothing is stored but by `Requeued`.
#[derive(Clone, PartialEq, Debug)]
pub enum RetryOutcome {
    /// `usage` counts the job again.
    Requeued {
        job: Box<Job>,
        usage: QuotaUsage,
    },
    /// It waits already.
    AlreadyQueued(Box<Job>),
    /// Only failed and expired jobs can be tried again.
    NotFailed(JobState),
    /// What it was made from is deleted.
    FilesGone,
    OverQuota {
        exceeded: QuotaExceeded,
        usage: QuotaUsage,
    },
    /// Another job of theirs that has not ended holds the name that this one needs.
    NameHeld {
        name: ModelName,
        by: JobId,
    },
    NotFound,
}

/// The name in the registry of models that a job of a kind with these parameters holds, if any.
pub type HoldsName<'a> = &'a (dyn Fn(&KindName, &Value) -> Option<ModelName> + Send + Sync);

impl UserJobs<'_> {
    /// As [`Self::retry_holding`], of a job that holds no name.
    pub async fn retry(
        &self,
        id: JobId,
        limits: QuotaLimits,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<RetryOutcome, PersistenceError> {
        self.retry_holding(id, limits, &|_, _| None, journal, now).await
    }

    /// Puts a failed job back into the queue. It counts towards the quota again, so the limits hold as for a new one. One that
    /// holds a name does so alone: another of the user's may have come since.
    pub async fn retry_holding(
        &self,
        id: JobId,
        limits: QuotaLimits,
        name_of: HoldsName<'_>,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<RetryOutcome, PersistenceError> {
        let tx = self.db.begin(DOING).await?;
        let row = rows::job::Entity::find_by_id(id.uuid()).filter(rows::job::Column::Owner.eq(self.user.as_str()));
        let Some(row) = row.one(&tx).await.during(DOING)? else { return Ok(RetryOutcome::NotFound) };
        let before = Job::from_row(row).during(DOING)?;
        let state = match transition(before.state, JobEvent::RetryRequested) {
            Transition::To(state) => state,
            Transition::Duplicate => return Ok(RetryOutcome::AlreadyQueued(Box::new(before))),
            Transition::Stale | Transition::Impossible => return Ok(RetryOutcome::NotFailed(before.state)),
        };
        // A sweep that has begun to delete them must not meet a job that needs them.
        if !before.keeps_files(now) {
            return Ok(RetryOutcome::FilesGone);
        }
        users::ensure_and_lock(&tx, self.user, before.tier, now, DOING).await?;
        let used = counting::usage(&tx, self.user, now, DOING).await?;
        if let Err(exceeded) = quota::check(limits, used, now) {
            return Ok(RetryOutcome::OverQuota { exceeded, usage: used });
        }
        if let Some(name) = name_of(&before.kind, &before.params) {
            let is_same = |params: &Value| name_of(&before.kind, params).as_ref() == Some(&name);
            if let Some(by) = hold::at_work(&tx, (self.user, &before.kind, id), &is_same, DOING).await? {
                return Ok(RetryOutcome::NameHeld { name, by });
            }
        }

        let mut after = Job {
            state,
            version: before.version + 1,
            attempt: 0,
            crashes: 0,
            due_at: micros(now),
            deadline_at: None,
            time_left_ms: None,
            // Of the run that failed: its owner wants the job again, and a sweep would cancel it.
            cancel_requested_at: None,
            failure: None,
            updated_at: Ord::max(micros(now), before.updated_at),
            finished_at: None,
            files_expire_at: None,
            ..before.clone()
        };
        let logged = journal.events_of(&after);
        after.event_seq += logged.len() as u64;
        if !swap(&tx, &before, &after).await.during(DOING)? {
            // Somebody else moved it in between, and only another request like this one can have: its answer is ours.
            tx.rollback().await.during(DOING)?;
            let now_is = self.get(id).await?;
            return Ok(now_is.map_or(RetryOutcome::NotFound, |job| RetryOutcome::AlreadyQueued(Box::new(job))));
        }
        events::insert(&tx, &after, logged, Ord::max(now, after.updated_at), DOING).await?;
        outbox::insert(&tx, journal.messages_of(&after), now, DOING).await?;
        let usage = counting::usage(&tx, self.user, now, DOING).await?;
        tx.commit().await.during(DOING)?;
        Ok(RetryOutcome::Requeued { job: Box::new(after), usage })
    }
}
