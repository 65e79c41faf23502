//! How many jobs of a kind a user may start in a stretch of time.
//!
//! Counted over job rows, as [quotas](crate::quota) are: every gateway counts alike and a restart forgets nothing. What
//! counts is a job that was accepted, however it ends; a request that was refused made none. A retry starts no job.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The limit of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartLimit {
    /// At least 1.
    pub starts: u32,
    /// In any stretch of time this long.
    pub within: Duration,
}

impl StartLimit {
    /// Starts at this moment or before it count no more.
    pub fn counts_after(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let within = TimeDelta::from_std(self.within).unwrap_or(TimeDelta::MAX);
        now.checked_sub_signed(within).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// Where a user stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Starts {
    pub limit: StartLimit,
    pub remaining: u32,
    /// Until one more is free, or, while some are, until all are.
    pub reset: Duration,
}

impl Starts {
    /// Over the times at which jobs were started, newest first.
    pub fn of(limit: StartLimit, started: &[DateTime<Utc>], now: DateTime<Utc>) -> Self {
        let after = limit.counts_after(now);
        let recent: Vec<_> = started.iter().filter(|at| **at > after).take(limit.starts as usize).collect();
        let remaining = limit.starts.saturating_sub(u32::try_from(recent.len()).unwrap_or(u32::MAX));
        // The oldest that counts is the next that does not.
        let frees = if remaining == 0 { recent.last() } else { recent.first() };
        let reset = frees.map_or(Duration::ZERO, |at| (**at - after).to_std().unwrap_or_default());
        Self { limit, remaining, reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_free_again_one_by_one() {
        let limit = StartLimit { starts: 3, within: Duration::from_secs(900) };
        let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        let ago = |seconds: &[i64]| seconds.iter().map(|s| now - TimeDelta::seconds(*s)).collect::<Vec<_>>();
        let check = |seconds: &[i64], remaining: u32, reset: u64| {
            let starts = Starts::of(limit, &ago(seconds), now);
            assert_eq!((starts.remaining, starts.reset.as_secs()), (remaining, reset), "{seconds:?}");
        };
        check(&[], 3, 0);
        check(&[100], 2, 800);
        check(&[1, 2], 1, 899);
        check(&[1, 2, 899], 0, 1);
        check(&[1, 2, 900], 1, 899);
        check(&[10, 20, 30, 40], 0, 870);
        // The clock of another gateway is ahead of this one's.
        check(&[-2, 10], 1, 902);
    }
}
