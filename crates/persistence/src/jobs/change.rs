//! Changes of one job by compare-and-swap on its version, together with its events and messages.

use chrono::{DateTime, Utc};
use domain::{Failure, JobEvent, JobId, JobState, Progress, StageName, Transition, transition};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, Value as Bound},
};
use serde_json::Value;

use super::Jobs;
use crate::{
    Job, Journal, NewEvent,
    database::Database,
    error::{During, PersistenceError},
    events,
    failure::encode_failure,
    outbox, rows,
    time::{micros, micros_option},
    words::is_held,
};

/// In each round at least one of those who race for a job succeeds, so this many may race at once.
const MAX_TRIES: u32 = 16;

/// On whose word a job is changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authority {
    /// Of the holder of this lease generation; stale once somebody else has claimed the job.
    Holder { generation: u64 },
    /// Of somebody who decided on what they read; stale when the job has changed since.
    AsRead { version: u64 },
    /// Of anyone, whatever happened meanwhile: for events that are facts, such as a passed deadline.
    Anyone,
}

impl Authority {
    const fn stands(self, job: &Job) -> bool {
        match self {
            Self::Holder { generation } => job.generation == generation,
            Self::AsRead { version } => job.version == version,
            Self::Anyone => true,
        }
    }
}

/// What changes along with a job's state. `None` leaves things as they are.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Patch {
    /// Only ever moves forward; completion is 100 by itself.
    pub progress: Option<Progress>,
    pub stage: Option<StageName>,
    pub attempt: Option<u32>,
    /// When a job that goes back to wait, or is parked, may be claimed; at once when not said.
    pub due_at: Option<DateTime<Utc>>,
    /// Of a job that is parked: what it waits for, in words.
    pub waits_for: Option<String>,
    /// Of a job that is parked: the signals that its stage knows of. When there are more, it is due at once.
    pub signals_seen: Option<u64>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub failure: Option<Failure>,
    pub result: Option<Value>,
    /// Only kept when the new state is final.
    pub files_expire_at: Option<DateTime<Utc>>,
    /// Of a job that goes back to wait: that it is nobody's choice, so that its deadline stands still until it is due, too.
    pub is_set_aside: bool,
}

/// The answer to an event. The three ways of not moving are those of [`domain::Transition`].
#[derive(Clone, PartialEq, Debug)]
pub enum Applied {
    /// The job as it now is.
    Moved(Box<Job>),
    Duplicate(JobState),
    /// Somebody else was first, or has claimed the job since.
    Stale(JobState),
    Impossible(JobState),
    Missing,
}

/// The answer to a report.
#[derive(Clone, PartialEq, Debug)]
pub enum Reported {
    /// The job as it now is; look at its `cancel_requested_at`.
    Written(Box<Job>),
    /// The job has ended, or somebody else has claimed it.
    Lost(JobState),
    Missing,
}

impl Jobs<'_> {
    /// Lets `event` happen to a job: the move, what changes with it, its events and its messages, in one transaction.
    /// A final state clears the lease and sets `finished_at`; going back to wait clears the lease. A claim goes through
    /// [`Self::claim_due`], which alone makes a lease.
    pub async fn apply(
        &self,
        id: JobId,
        authority: Authority,
        event: JobEvent,
        patch: &Patch,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Applied, PersistenceError> {
        let decide = |job: &Job| match transition(job.state, event) {
            // Before the rest: who lost the job must not take another's success for an echo of their own.
            _ if !authority.stands(job) => Step::Answer(Applied::Stale(job.state)),
            Transition::Duplicate => Step::Answer(Applied::Duplicate(job.state)),
            Transition::Stale => Step::Answer(Applied::Stale(job.state)),
            Transition::Impossible => Step::Answer(Applied::Impossible(job.state)),
            Transition::To(state) => Step::Write(Box::new(moved(job, state, patch, now))),
        };
        Ok(match change(self.db, "move a job", id, journal, now, decide).await? {
            Changed::Written(job) => Applied::Moved(job),
            Changed::Answered(answer) => answer,
            Changed::Missing => Applied::Missing,
        })
    }

    /// Writes progress, a stage or events of a job without moving it.
    pub async fn report(
        &self,
        id: JobId,
        authority: Authority,
        patch: &Patch,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Reported, PersistenceError> {
        let decide = |job: &Job| {
            if job.state.is_final() || !authority.stands(job) {
                return Step::Answer(Reported::Lost(job.state));
            }
            Step::Write(Box::new(patched(job, patch, now)))
        };
        Ok(match change(self.db, "report on a job", id, journal, now, decide).await? {
            Changed::Written(job) => Reported::Written(job),
            Changed::Answered(answer) => answer,
            Changed::Missing => Reported::Missing,
        })
    }

    /// Notes that something outside has happened that a job may wait for. A parked job is due at once; one whose stage is
    /// about to park will be. Says nothing new to a job that has ended.
    pub async fn signal(
        &self,
        id: JobId,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Reported, PersistenceError> {
        let decide = |job: &Job| {
            if job.state.is_final() {
                return Step::Answer(Reported::Lost(job.state));
            }
            let mut after = patched(job, &Patch::default(), now);
            after.signals += 1;
            if after.state == JobState::Parked {
                after.due_at = Ord::min(after.due_at, micros(now));
            }
            Step::Write(Box::new(after))
        };
        Ok(match change(self.db, "signal a job", id, journal, now, decide).await? {
            Changed::Written(job) => Reported::Written(job),
            Changed::Answered(answer) => answer,
            Changed::Missing => Reported::Missing,
        })
    }

    /// Gives a job back that its holder cannot go on with (it is shutting down): due at once, no attempt counted.
    pub async fn release(
        &self,
        id: JobId,
        generation: u64,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Applied, PersistenceError> {
        let holder = Authority::Holder { generation };
        self.apply(id, holder, JobEvent::RetryScheduled, &Patch::default(), journal, now).await
    }
}

fn patched(job: &Job, patch: &Patch, now: DateTime<Utc>) -> Job {
    let Patch {
        progress,
        stage,
        attempt,
        due_at,
        waits_for: _,
        signals_seen: _,
        deadline_at,
        failure,
        result,
        files_expire_at,
        is_set_aside: _,
    } = patch;
    let mut after = job.clone();
    after.progress = after.progress.advance(progress.unwrap_or_default());
    after.stage = stage.map(|stage| stage.to_string()).or(after.stage);
    after.attempt = attempt.unwrap_or(after.attempt);
    after.due_at = micros(due_at.unwrap_or(after.due_at));
    after.deadline_at = micros_option(deadline_at.or(after.deadline_at));
    after.failure = failure.clone().or(after.failure);
    after.result = result.clone().or(after.result);
    after.files_expire_at = micros_option(files_expire_at.or(after.files_expire_at));
    after.updated_at = micros(now);
    after
}

fn moved(job: &Job, state: JobState, patch: &Patch, now: DateTime<Utc>) -> Job {
    let mut after = patched(job, patch, now);
    after.state = state;
    if state.is_final() {
        after.finished_at = Some(micros(now));
    } else {
        after.files_expire_at = None;
        after.finished_at = None;
    }
    if state == JobState::Completed {
        after.progress = Progress::DONE;
        // The reason of an earlier attempt is no longer why anything is as it is.
        after.failure = patch.failure.clone();
    }
    after.waits_for = None;
    if state == JobState::Queued {
        after.due_at = micros(patch.due_at.unwrap_or(now));
        // In the queue its time stands still; a wait that was chosen is its own.
        let from = if patch.is_set_aside { micros(now) } else { after.due_at };
        let left = |at: DateTime<Utc>| Ord::max((at - from).num_milliseconds(), 0);
        after.time_left_ms = after.deadline_at.take().map(left).or(after.time_left_ms);
    }
    if state == JobState::Parked {
        let signalled = patch.signals_seen.is_some_and(|seen| seen < job.signals);
        after.due_at = micros(if signalled { now } else { patch.due_at.unwrap_or(now) });
        after.waits_for.clone_from(&patch.waits_for);
    }
    if !is_held(state) {
        after.lease_owner = None;
        after.lease_until = None;
    }
    after
}

/// What to do with a job that was just read.
pub enum Step<A> {
    /// Store it like this; version and event number are seen to.
    Write(Box<Job>),
    /// Leave it alone.
    Answer(A),
}

pub enum Changed<A> {
    Written(Box<Job>),
    Answered(A),
    Missing,
}

/// Reads a job, lets `decide` say what it should become, and stores that with its events and messages, unless the job
/// changed in between; then it starts over, a bounded number of times.
pub async fn change<A>(
    db: &Database,
    operation: &'static str,
    id: JobId,
    journal: &Journal<'_>,
    now: DateTime<Utc>,
    decide: impl Fn(&Job) -> Step<A>,
) -> Result<Changed<A>, PersistenceError> {
    for _ in 0..MAX_TRIES {
        let tx = db.begin(operation).await?;
        let row = rows::job::Entity::find_by_id(id.uuid()).one(&tx).await.during(operation)?;
        let Some(row) = row else { return Ok(Changed::Missing) };
        let before = Job::from_row(row).during(operation)?;
        let mut after = match decide(&before) {
            Step::Write(after) => after,
            Step::Answer(answer) => return Ok(Changed::Answered(answer)),
        };
        let logged = journal.events_of(&after);
        after.event_seq = before.event_seq + logged.len() as u64;
        after.version = before.version + 1;
        // Clocks differ, and `now` was read before we waited for the row: a log must not go back in time all the same.
        after.updated_at = Ord::max(after.updated_at, before.updated_at);
        if !swap(&tx, &before, &after).await.during(operation)? {
            tx.rollback().await.during(operation)?;
            continue;
        }
        let messages = journal.messages_of(&after);
        events::insert(&tx, &after, logged, Ord::max(now, after.updated_at), operation).await?;
        outbox::insert(&tx, messages, now, operation).await?;
        tx.commit().await.during(operation)?;
        return Ok(Changed::Written(after));
    }
    Err(PersistenceError::Contended { operation, tries: MAX_TRIES })
}

/// Stores `after` unless the row is no longer at the version of `before`. Leaves a lease alone that `after` still
/// has: heartbeats move it without a new version.
pub async fn swap(tx: &DatabaseTransaction, before: &Job, after: &Job) -> Result<bool, sea_orm::DbErr> {
    use rows::job::Column;
    let mut update = rows::job::Entity::update_many()
        .col_expr(Column::State, Expr::val(after.state.as_str()))
        .col_expr(Column::Version, Expr::val(after.version.cast_signed()))
        .col_expr(Column::Progress, Expr::val(i32::from(after.progress.percent())))
        .col_expr(Column::Stage, Expr::val(after.stage.clone()))
        .col_expr(Column::Attempt, Expr::val(after.attempt.cast_signed()))
        .col_expr(Column::DueAt, Expr::val(after.due_at))
        .col_expr(Column::DeadlineAt, Expr::val(after.deadline_at))
        .col_expr(Column::TimeLeftMs, Expr::val(after.time_left_ms))
        .col_expr(Column::CancelRequestedAt, Expr::val(after.cancel_requested_at))
        .col_expr(Column::Failure, Expr::val(Bound::from(after.failure.as_ref().map(encode_failure))))
        .col_expr(Column::Result, Expr::val(Bound::from(after.result.clone())))
        .col_expr(Column::EventSeq, Expr::val(after.event_seq.cast_signed()))
        .col_expr(Column::UpdatedAt, Expr::val(after.updated_at))
        .col_expr(Column::FinishedAt, Expr::val(after.finished_at))
        .col_expr(Column::FilesExpireAt, Expr::val(after.files_expire_at))
        .col_expr(Column::Crashes, Expr::val(after.crashes.cast_signed()))
        .col_expr(Column::Signals, Expr::val(after.signals.cast_signed()))
        .col_expr(Column::WaitsFor, Expr::val(after.waits_for.clone()))
        .filter(Column::Id.eq(before.id.uuid()))
        .filter(Column::Version.eq(before.version.cast_signed()));
    if after.lease_until.is_none() {
        update = update
            .col_expr(Column::LeaseOwner, Expr::val(None::<String>))
            .col_expr(Column::LeaseUntil, Expr::val(None::<DateTime<Utc>>));
    }
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// Numbers and writes `logged`, and the messages of a journal, for a job whose row was just written by other means in this transaction.
pub async fn log_on_locked_row(
    tx: &impl ConnectionTrait,
    job: &mut Job,
    logged: Vec<NewEvent>,
    journal: &Journal<'_>,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<(), PersistenceError> {
    use rows::job::Column;
    if !logged.is_empty() {
        job.event_seq += logged.len() as u64;
        rows::job::Entity::update_many()
            .col_expr(Column::EventSeq, Expr::col(Column::EventSeq).add(logged.len() as i64))
            .filter(Column::Id.eq(job.id.uuid()))
            .exec(tx)
            .await
            .during(operation)?;
    }
    let messages = journal.messages_of(job);
    events::insert(tx, job, logged, now, operation).await?;
    outbox::insert(tx, messages, now, operation).await
}
