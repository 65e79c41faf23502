//! What rules a job's life: the times of its lease, its deadline, its attempts and what is kept of it.

use std::time::Duration;

use domain::{KindSpec, retention::RetentionPolicy, retry::RetryPolicy};

/// The times that rule a lease.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// How long a lease stands without a heartbeat.
    pub lease: Duration,
    pub heartbeat: Duration,
    /// How often a cancel request is looked for when no message told of it.
    pub cancel_poll: Duration,
}

impl LeaseTimes {
    /// What is left of a lease whose holder is late with a heartbeat by half the time between two.
    pub fn lease_left_when_silent(&self) -> Duration {
        self.lease.saturating_sub(self.heartbeat * 3 / 2)
    }
}

/// How a job's life is ruled, where its kind does not say.
#[derive(Clone, Debug)]
pub struct JobRules {
    pub times: LeaseTimes,
    /// The job's total time, from its first claim.
    deadline: Duration,
    retry: RetryPolicy,
    retention: RetentionPolicy,
    /// Take-overs after which a job counts as what kills its workers.
    pub max_crashes: u32,
}

impl JobRules {
    pub const fn new(
        times: LeaseTimes,
        deadline: Duration,
        retry: RetryPolicy,
        retention: RetentionPolicy,
        max_crashes: u32,
    ) -> Self {
        Self { times, deadline, retry, retention, max_crashes }
    }

    pub fn deadline(&self, kind: &KindSpec) -> Duration {
        kind.limits.deadline.unwrap_or(self.deadline)
    }

    /// What is kept, and how long, of a job of this kind; `None` is one that this version does not know.
    pub fn retention(&self, kind: Option<&KindSpec>) -> RetentionPolicy {
        kind.map_or(self.retention, |kind| self.retention.of_kind(&kind.limits))
    }

    pub fn retry(&self, kind: &KindSpec) -> RetryPolicy {
        let max_attempts = kind.limits.max_attempts.unwrap_or(self.retry.max_attempts);
        RetryPolicy { max_attempts, ..self.retry }
    }
}
