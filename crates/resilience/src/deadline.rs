//! A moment after which work is worth nothing, carried from the job down to each call it makes.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};

/// What is left of a budget of time. Measured on the monotonic clock: turning the wall clock does not move it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline {
    at: Instant,
}

/// Budgets longer than this read as this; nothing in the house waits a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Deadline {
    /// The end of a budget that starts now.
    pub fn after(budget: Duration) -> Self {
        Self { at: Instant::now() + budget.min(LONGEST) }
    }

    /// The deadline that a row holds as a moment; `now` is the same clock's present. A moment in the past is over.
    pub fn until(moment: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self::after((moment - now).to_std().unwrap_or(Duration::ZERO))
    }

    /// Zero once it has passed.
    pub fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub fn is_over(&self) -> bool {
        self.remaining().is_zero()
    }

    /// This deadline, or the end of `limit` from now when that comes first: one call's share of a job's budget.
    #[must_use]
    pub fn at_most(&self, limit: Duration) -> Self {
        (*self).min(Self::after(limit))
    }

    /// Runs `work` until it ends or the deadline passes; the work is dropped then. A deadline that is already over does
    /// not start it.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        if self.is_over() {
            return Err(Elapsed);
        }
        timeout_at(self.at, work).await.map_err(|_| Elapsed)
    }
}

/// The deadline passed before the work was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

#[cfg(test)]
mod tests {
    use std::future::pending;

    use chrono::TimeDelta;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_dropped_when_the_deadline_passes() {
        let deadline = Deadline::after(Duration::from_secs(3));
        assert_eq!(deadline.within(async { 7 }).await, Ok(7));
        assert_eq!(deadline.within(pending::<()>()).await, Err(Elapsed));
        assert!(deadline.is_over());
        assert_eq!(deadline.within(async { 7 }).await, Err(Elapsed), "nothing starts after the end");
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_end_wins() {
        let job = Deadline::after(Duration::from_secs(10));
        assert_eq!(job.at_most(Duration::from_secs(3)).remaining(), Duration::from_secs(3));
        assert_eq!(job.at_most(Duration::from_secs(60)), job);
        assert_eq!(job.at_most(Duration::MAX), job);
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_in_a_row_becomes_a_budget() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(Deadline::until(now + TimeDelta::seconds(5), now).remaining(), Duration::from_secs(5));
        assert!(Deadline::until(now - TimeDelta::seconds(5), now).is_over());
    }
}
