//! A failed job, tried again because its owner wants it: the same job, from its last finished stage on.

use chrono::{DateTime, Utc};
use domain::{
    JobEvent, JobId, JobState, Transition,
    quota::{self, QuotaExceeded, QuotaLimits, QuotaUsage},
    transition,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    Job, Journal, UserJobs,
    error::{During, PersistenceError},
    events,
    jobs::swap,
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
    NotFound,
}

impl UserJobs<'_> {
    /// Puts a failed job back into the queue. It counts towards the quota again, so the limits hold as for a new one.
    pub async fn retry(
        &self,
        id: JobId,
        limits: QuotaLimits,
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

        let mut after = Job {
            state,
            version: before.version + 1,
            attempt: 0,
            crashes: 0,
            due_at: micros(now),
            deadline_at: None,
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
