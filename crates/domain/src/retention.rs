//! How long a finished job keeps its files and its row.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{job::JobState, kind::KindLimits};

/// Ages after which things go. Files go first; the row stays as a tombstone so that the id answers "gone" and the
/// month's quota still counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetentionPolicy {
    /// Completed jobs keep their files this long.
    pub completed: TimeDelta,
    /// Failed and expired jobs keep what they were made from and what their finished stages made, so that they can be
    /// tried again; cancelled ones keep nothing. Their rows (with the reason) stay this long at least.
    pub failed: TimeDelta,
    /// Uploads that never became a job are deleted after this.
    pub orphaned_upload: TimeDelta,
    /// Rows of jobs whose files are gone are deleted after this; longer than a month, for the monthly quota.
    pub tombstone: TimeDelta,
}

impl Default for RetentionPolicy {
    /// Completed 7 days, failed 30 days, orphaned uploads one hour, tombstones 62 days.
    fn default() -> Self {
        Self {
            completed: TimeDelta::days(7),
            failed: TimeDelta::days(30),
            orphaned_upload: TimeDelta::hours(1),
            tombstone: TimeDelta::days(62),
        }
    }
}

impl RetentionPolicy {
    /// The same for jobs of a kind that has limits of its own.
    pub fn of_kind(self, limits: &KindLimits) -> Self {
        let failed = limits.failed_kept.and_then(|kept| TimeDelta::from_std(kept).ok());
        let failed = failed.map_or(self.failed, |own| own.min(self.failed));
        Self { completed: limits.keeping(self.completed), failed: limits.keeping(failed), ..self }
    }

    /// When the files of a job that reached `state` at `finished_at` go; `None` while it is not final.
    pub fn files_expire_at(&self, state: JobState, finished_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let keep = match state {
            JobState::Completed => self.completed,
            JobState::Failed | JobState::Cancelled | JobState::Expired => self.failed,
            JobState::Queued | JobState::Running | JobState::Parked | JobState::Storing | JobState::Cancelling => {
                return None;
            }
        };
        finished_at.checked_add_signed(keep)
    }
}
