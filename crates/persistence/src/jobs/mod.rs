//! Jobs after their birth: leases, moves, and what a sweep looks for.

mod change;
mod claim;
mod load;
mod stats;
mod sweep;
mod unknown;

pub use change::{Applied, Authority, Patch, Reported};
pub use claim::{Claim, Claimed, Held};
pub use load::RecentJobs;
pub use stats::{JobStats, QueuePosition};
pub use unknown::ClaimableKind;

pub(crate) use change::{Changed, Step, change, swap};
pub(crate) use stats::queue_position_of;

use chrono::{DateTime, Utc};
use domain::JobId;
use sea_orm::EntityTrait;

use crate::{
    Job, LoggedEvent,
    database::Database,
    error::{During, PersistenceError},
    events, rows,
};

/// All jobs, whoever owns them. For the orchestrator and for sweeps; what acts for a user goes through
/// [`Database::jobs_of`].
#[derive(Clone, Copy)]
pub struct Jobs<'a> {
    pub(crate) db: &'a Database,
}

impl Jobs<'_> {
    pub async fn get(&self, id: JobId) -> Result<Option<Job>, PersistenceError> {
        const DOING: &str = "read a job";
        let row = rows::job::Entity::find_by_id(id.uuid()).one(self.db.reader()).await.during(DOING)?;
        row.map(Job::from_row).transpose().during(DOING)
    }

    /// Rows of a job's event log with a number above `seq`, oldest first, at most `limit`.
    pub async fn events_after(&self, id: JobId, seq: u64, limit: u64) -> Result<Vec<LoggedEvent>, PersistenceError> {
        events::after(self.db.reader(), id, seq, limit).await
    }

    /// Remembers that the objects of a finished job are gone. False when it already was, or there is no such job.
    pub async fn mark_files_deleted(&self, id: JobId, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
        sweep::mark_files_deleted(self.db, id, now).await
    }
}
