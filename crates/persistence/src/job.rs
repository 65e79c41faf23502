//! A job as the services see its row.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{Failure, JobId, JobState, KindName, Progress, Tier, UserId};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde_json::Value;

use crate::{
    error::{During, PersistenceError, Undecodable},
    failure::decode_failure,
    rows,
    words::{state_words, tier_words},
};

/// One row of `jobs`. A snapshot: it was true when it was read.
#[derive(Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    /// It may be one that only a newer version knows.
    pub kind: KindName,
    pub owner: UserId,
    pub tier: Tier,
    pub state: JobState,
    /// Grows with every change but a heartbeat; what compare-and-swap compares.
    pub version: u64,
    pub progress: Progress,
    /// The stage it is in, or was in last; it may be one that only a newer version knows.
    pub stage: Option<String>,
    /// What the client asked for. Holds the prompt: never log it.
    pub params: Value,
    /// Whether finished stages of the owner's earlier jobs may be reused.
    pub reuse: bool,
    /// Attempts that count towards the limit; the first is 1, before it 0.
    pub attempt: u32,
    /// How often it was taken over because its holder's lease ran out.
    pub crashes: u32,
    /// When it may be claimed.
    pub due_at: DateTime<Utc>,
    /// When it expires. None while it waits in the queue.
    pub deadline_at: Option<DateTime<Utc>>,
    /// What it has of its time once it is claimed again, in milliseconds; only while it waits in the queue.
    pub time_left_ms: Option<i64>,
    pub lease_owner: Option<String>,
    pub lease_until: Option<DateTime<Utc>>,
    /// Grows with every claim: who holds an older one has lost the job.
    pub generation: u64,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Of the last attempt that failed; why it ended when it ended badly.
    pub failure: Option<Failure>,
    pub result: Option<Value>,
    /// Number of the last row in its event log.
    pub event_seq: u64,
    pub traceparent: Option<String>,
    pub created_at: DateTime<Utc>,
    /// First claim.
    pub started_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub files_expire_at: Option<DateTime<Utc>>,
    pub files_deleted_at: Option<DateTime<Utc>>,
    /// Signals from outside so far: a stage that parks says how many it has seen.
    pub signals: u64,
    /// What a parked stage waits for, in words.
    pub waits_for: Option<String>,
}

impl Job {
    /// Whether the files of a job that has ended are still there for anybody. What is due to go is gone, whether the sweep
    /// has come by or not.
    pub fn keeps_files(&self, now: DateTime<Utc>) -> bool {
        self.files_deleted_at.is_none() && self.files_expire_at.is_none_or(|at| now < at)
    }
}

/// Not derived: what the client asked for, what was made of it and why it failed may hold the prompt or lyrics, and a
/// job that is printed may end in a log.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("owner", &self.owner)
            .field("tier", &self.tier)
            .field("state", &self.state)
            .field("version", &self.version)
            .field("progress", &self.progress)
            .field("stage", &self.stage)
            .field("attempt", &self.attempt)
            .field("crashes", &self.crashes)
            .field("due_at", &self.due_at)
            .field("deadline_at", &self.deadline_at)
            .field("time_left_ms", &self.time_left_ms)
            .field("lease_owner", &self.lease_owner)
            .field("lease_until", &self.lease_until)
            .field("generation", &self.generation)
            .field("cancel_requested_at", &self.cancel_requested_at)
            .field("failure", &self.failure.as_ref().map(|failure| failure.code))
            .field("event_seq", &self.event_seq)
            .field("created_at", &self.created_at)
            .field("finished_at", &self.finished_at)
            .field("signals", &self.signals)
            .finish_non_exhaustive()
    }
}

impl Job {
    pub(crate) fn from_row(row: rows::job::Model) -> Result<Self, Undecodable> {
        let rows::job::Model {
            id,
            kind,
            owner,
            tier,
            state,
            version,
            progress,
            stage,
            params,
            // Of versions before `job_inputs`, see `inputs`.
            upload_id: _,
            input_key: _,
            input_sha256: _,
            verdict: _,
            attempt,
            crashes,
            due_at,
            deadline_at,
            lease_owner,
            lease_until,
            generation,
            cancel_requested_at,
            failure,
            result,
            event_seq,
            traceparent,
            created_at,
            started_at,
            updated_at,
            finished_at,
            files_expire_at,
            files_deleted_at,
            signals,
            waits_for,
            reuse,
            time_left_ms,
        } = row;
        Ok(Self {
            id: JobId::from_uuid(id),
            kind: KindName::stored(kind),
            owner: UserId::new(owner).map_err(|why| Undecodable::new("jobs.owner", why))?,
            tier: tier.parse().map_err(|why| Undecodable::new("jobs.tier", why))?,
            state: state.parse().map_err(|why| Undecodable::new("jobs.state", why))?,
            version: version.cast_unsigned(),
            progress: Progress::new(u8::try_from(progress).map_err(|why| Undecodable::new("jobs.progress", why))?),
            stage,
            params,
            reuse,
            attempt: attempt.cast_unsigned(),
            crashes: crashes.cast_unsigned(),
            due_at,
            deadline_at,
            time_left_ms,
            lease_owner,
            lease_until,
            generation: generation.cast_unsigned(),
            cancel_requested_at,
            failure: failure.map(decode_failure),
            result,
            event_seq: event_seq.cast_unsigned(),
            traceparent,
            created_at,
            started_at,
            updated_at,
            finished_at,
            files_expire_at,
            files_deleted_at,
            signals: signals.cast_unsigned(),
            waits_for,
        })
    }

    /// Jobs in states and of tiers that this version knows. What a newer version added is left out of lists and sweeps
    /// instead of stopping them; [`crate::Jobs::set_aside`] counts it.
    pub(crate) fn known() -> Select<rows::job::Entity> {
        use rows::job::Column;
        rows::job::Entity::find()
            .filter(Column::State.is_in(state_words(|_| true)))
            .filter(Column::Tier.is_in(tier_words()))
    }
}

/// The first `limit` jobs of a query by `order`, then by id. A row that cannot be read is left out and logged: it must
/// not stop the ones behind it.
pub async fn page_of_jobs(
    db: &DatabaseConnection,
    query: Select<rows::job::Entity>,
    order: rows::job::Column,
    limit: u64,
    operation: &'static str,
) -> Result<Vec<Job>, PersistenceError> {
    let query = query.order_by_asc(order).order_by_asc(rows::job::Column::Id).limit(limit);
    Ok(readable(query.all(db).await.during(operation)?, operation))
}

/// Those of the rows that this version can read; the others are logged.
pub fn readable(rows: Vec<rows::job::Model>, operation: &'static str) -> Vec<Job> {
    let read = |row: rows::job::Model| {
        let id = row.id;
        let read = Job::from_row(row);
        read.inspect_err(|why| tracing::warn!(job_id = %id, column = why.column, operation, "job set aside")).ok()
    };
    rows.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use domain::{FailureClass, FailureCode};

    use super::*;

    #[test]
    fn a_job_that_is_printed_does_not_tell_what_was_asked_for() {
        let asked = serde_json::json!({"prompt": "a paper boat"});
        let new = crate::NewJob {
            id: JobId::from_uuid(uuid::Uuid::nil()),
            kind: domain::kinds::melody_vocals::NAME,
            tier: Tier::Free,
            params: asked,
            inputs: Vec::new(),
            reuse: true,
            due_at: DateTime::UNIX_EPOCH,
            deadline_at: None,
            traceparent: None,
        };
        let mut job = crate::submit::newborn(&new, &UserId::local(), DateTime::UNIX_EPOCH);
        job.result = Some(serde_json::json!({"lyrics": ["a paper boat"]}));
        job.failure = Some(Failure::new(FailureClass::Caller, FailureCode::Internal, "no rhyme for a paper boat"));
        for printed in [format!("{new:?}"), format!("{job:?}")] {
            assert!(!printed.contains("boat") && printed.contains("melody-to-vocals"), "{printed}");
        }
    }
}
