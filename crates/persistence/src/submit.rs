//! The birth of a job: the check of limits, the job, its first events, its messages, its upload and the answer for
//! repeats, in one transaction.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{
    JobId, JobState, KindName, ModelId, Tier, UploadId, UserId,
    quota::{self, QuotaExceeded, QuotaLimits, QuotaUsage},
    registry::ModelName,
    starts::{StartLimit, Starts},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::Value;

use crate::{
    Job, Journal, KeyClaim, NameHeld, NameHold, NewInput, UserJobs,
    error::{During, PersistenceError},
    events, idempotency, inputs,
    models::hold,
    outbox, quota as counting, rows, starts,
    time::{micros, micros_option},
    users,
};

const DOING: &str = "submit a job";

/// A job that is to be accepted, for the user of [`UserJobs`].
#[derive(Clone, PartialEq)]
pub struct NewJob {
    pub id: JobId,
    pub kind: KindName,
    pub tier: Tier,
    /// What the client asks for. Holds the prompt: never log it.
    pub params: Value,
    /// Their uploads become the job's, in the same transaction. Positions count from 0 in the order given, for each
    /// role.
    pub inputs: Vec<NewInput>,
    /// Whether finished stages of the owner's earlier jobs may be reused.
    pub reuse: bool,
    pub due_at: DateTime<Utc>,
    /// When it is given up, however far it is; a claim may set it when this does not.
    pub deadline_at: Option<DateTime<Utc>>,
    pub traceparent: Option<String>,
}

/// Not derived, as for [`Job`].
impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, tier, params: _, inputs, reuse, due_at, deadline_at, traceparent } = self;
        f.debug_struct("NewJob")
            .field("id", id)
            .field("kind", kind)
            .field("tier", tier)
            .field("inputs", &inputs.len())
            .field("reuse", reuse)
            .field("due_at", due_at)
            .field("deadline_at", deadline_at)
            .field("traceparent", traceparent)
            .finish_non_exhaustive()
    }
}

/// What repeats of an accepted request are answered.
pub struct IdempotentAnswer<'a> {
    pub claim: &'a KeyClaim,
    pub status: u16,
    /// Made from the job and the usage it counts in, which are known only inside the transaction.
    pub body: &'a (dyn Fn(&Job, QuotaUsage) -> Value + Send + Sync),
    pub expires_at: DateTime<Utc>,
}

/// What a user may have, and may start. Whoever has only a quota gives that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubmissionLimits {
    pub quota: QuotaLimits,
    /// For jobs of the new one's kind.
    pub starts: Option<StartLimit>,
}

impl From<QuotaLimits> for SubmissionLimits {
    fn from(quota: QuotaLimits) -> Self {
        Self { quota, starts: None }
    }
}

/// The answer to a submission. Nothing is stored but by `Accepted`.
#[derive(Clone, PartialEq, Debug)]
pub enum Submission {
    /// `usage` and `starts` count this job.
    Accepted {
        job: Box<Job>,
        usage: QuotaUsage,
        starts: Option<Starts>,
    },
    OverQuota {
        exceeded: QuotaExceeded,
        usage: QuotaUsage,
    },
    TooManyStarts {
        starts: Starts,
    },
    /// The upload belongs to another job or user, or the sweep has taken it.
    UploadGone,
    /// Another job of this user, of the same kind, is after the model's name that this one is to hold.
    NameHeld {
        by: JobId,
    },
    /// A model that is not this user's to train has the name, or somebody else's job holds it.
    NameTaken,
    /// The request worked for longer than it said, and somebody else answers for its idempotency key now.
    KeyLost,
}

/// The name of a model that a job is to hold from its birth on.
#[derive(Clone, Copy)]
pub struct NameToHold<'a> {
    pub name: &'a ModelName,
    /// Of whom the model will be had.
    pub provider: &'a str,
    /// For the model, where there is none of this name.
    pub id: ModelId,
    /// Whether a job of the same kind with these parameters is after the same name.
    pub is_same: &'a (dyn Fn(&Value) -> bool + Send + Sync),
}

impl UserJobs<'_> {
    /// As [`Self::submit_holding`], of a job that holds no name.
    pub async fn submit(
        &self,
        new: &NewJob,
        limits: impl Into<SubmissionLimits>,
        answer: Option<IdempotentAnswer<'_>>,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Submission, PersistenceError> {
        self.submit_holding(new, limits, None, answer, journal, now).await
    }

    /// Accepts a job, or says why not. Submissions of one user wait for each other, so that however many come at
    /// once, the limits hold exactly.
    pub async fn submit_holding(
        &self,
        new: &NewJob,
        limits: impl Into<SubmissionLimits>,
        name: Option<NameToHold<'_>>,
        answer: Option<IdempotentAnswer<'_>>,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Submission, PersistenceError> {
        let SubmissionLimits { quota: limits, starts: start_limit } = limits.into();
        let tx = self.db.begin(DOING).await?;
        users::ensure_and_lock(&tx, self.user, new.tier, now, DOING).await?;
        let used = counting::usage(&tx, self.user, now, DOING).await?;
        if let Err(exceeded) = quota::check(limits, used, now) {
            return Ok(Submission::OverQuota { exceeded, usage: used });
        }
        let started = match start_limit {
            Some(limit) => Some((limit, starts::since(&tx, self.user, &new.kind, limit, now, DOING).await?)),
            None => None,
        };
        if let Some((limit, started)) = &started
            && let starts @ Starts { remaining: 0, .. } = Starts::of(*limit, started, now)
        {
            return Ok(Submission::TooManyStarts { starts });
        }
        if let Some(name) = name {
            match self.held(&tx, new, name, now).await? {
                NameHeld::Held => {}
                NameHeld::HeldBy(by) => return Ok(Submission::NameHeld { by }),
                NameHeld::Taken => return Ok(Submission::NameTaken),
            }
        }
        let usage = QuotaUsage { daily: used.daily + 1, monthly: used.monthly + 1, total: used.total + 1 };

        let mut job = newborn(new, self.user, now);
        let logged = journal.events_of(&job);
        job.event_seq = logged.len() as u64;
        rows::job::Entity::insert(active(&job, &new.inputs)).exec_without_returning(&tx).await.during(DOING)?;
        inputs::insert(&tx, job.id, &new.inputs, DOING).await?;
        events::insert(&tx, &job, logged, now, DOING).await?;
        outbox::insert(&tx, journal.messages_of(&job), now, DOING).await?;

        for upload in new.inputs.iter().filter_map(|input| input.upload_id) {
            if !take_upload(&tx, upload, &job).await? {
                return Ok(Submission::UploadGone);
            }
        }
        if let Some(IdempotentAnswer { claim, status, body, expires_at }) = answer
            && !idempotency::finish(&tx, claim, status, body(&job, usage), Some(job.id), expires_at, DOING).await?
        {
            return Ok(Submission::KeyLost);
        }
        tx.commit().await.during(DOING)?;
        let starts = started.map(|(limit, mut started)| {
            started.insert(0, job.created_at);
            Starts::of(limit, &started, now)
        });
        Ok(Submission::Accepted { job: Box::new(job), usage, starts })
    }
}

impl UserJobs<'_> {
    /// Has the job hold its name. A model that has a version goes on being used while the next one is trained, so that its row
    /// does not say who trains it: the user's jobs do.
    async fn held(
        &self,
        tx: &DatabaseTransaction,
        new: &NewJob,
        name: NameToHold<'_>,
        now: DateTime<Utc>,
    ) -> Result<NameHeld, PersistenceError> {
        if let Some(by) = hold::at_work(tx, (self.user, &new.kind, new.id), name.is_same, DOING).await? {
            return Ok(NameHeld::HeldBy(by));
        }
        let NameToHold { name, provider, id, is_same: _ } = name;
        hold::name(tx, NameHold { job: new.id, owner: self.user, name, provider, id }, now, DOING).await
    }
}

async fn take_upload(tx: &DatabaseTransaction, upload: UploadId, job: &Job) -> Result<bool, PersistenceError> {
    use rows::upload::Column;
    let taken = rows::upload::Entity::update_many()
        .col_expr(Column::JobId, Expr::val(job.id.uuid()))
        .filter(Column::Id.eq(upload.uuid()))
        .filter(Column::Owner.eq(job.owner.as_str()))
        .filter(Column::JobId.is_null())
        .filter(Column::CondemnedAt.is_null())
        .exec(tx)
        .await
        .during(DOING)?;
    Ok(taken.rows_affected == 1)
}

pub(crate) fn newborn(new: &NewJob, owner: &UserId, now: DateTime<Utc>) -> Job {
    let NewJob { id, kind, tier, params, inputs: _, reuse, due_at, deadline_at, traceparent } = new.clone();
    let now = micros(now);
    Job {
        id,
        kind,
        owner: owner.clone(),
        tier,
        state: JobState::Queued,
        version: 1,
        progress: domain::Progress::ZERO,
        stage: None,
        params,
        reuse,
        attempt: 0,
        crashes: 0,
        due_at: micros(due_at),
        deadline_at: micros_option(deadline_at),
        time_left_ms: None,
        lease_owner: None,
        lease_until: None,
        generation: 0,
        cancel_requested_at: None,
        failure: None,
        result: None,
        event_seq: 0,
        traceparent,
        created_at: now,
        started_at: None,
        updated_at: now,
        finished_at: None,
        files_expire_at: None,
        files_deleted_at: None,
        signals: 0,
        waits_for: None,
    }
}

fn active(job: &Job, inputs: &[NewInput]) -> rows::job::ActiveModel {
    // An orchestrator of the version before reads a job's only input here, until the rollout is over.
    let only = match inputs {
        [only] => Some(only),
        _ => None,
    };
    rows::job::ActiveModel {
        id: Set(job.id.uuid()),
        kind: Set(job.kind.as_str().to_owned()),
        owner: Set(job.owner.as_str().to_owned()),
        tier: Set(job.tier.as_str().to_owned()),
        state: Set(job.state.as_str().to_owned()),
        version: Set(job.version.cast_signed()),
        progress: Set(i32::from(job.progress.percent())),
        params: Set(job.params.clone()),
        upload_id: Set(only.and_then(|only| only.upload_id).map(UploadId::uuid)),
        input_key: Set(only.map(|only| only.object_key.clone())),
        input_sha256: Set(only.map(|only| only.sha256.clone())),
        verdict: Set(only.and_then(|only| only.verdict.clone())),
        reuse: Set(job.reuse),
        due_at: Set(job.due_at),
        deadline_at: Set(job.deadline_at),
        event_seq: Set(job.event_seq.cast_signed()),
        traceparent: Set(job.traceparent.clone()),
        created_at: Set(job.created_at),
        updated_at: Set(job.updated_at),
        // The rest is as the table's defaults have it: nothing has happened yet.
        ..Default::default()
    }
}
