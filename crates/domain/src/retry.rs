//! Whether and when a failed stage is tried again.

use std::time::Duration;

use crate::failure::{Failure, FailureClass};

/// How often and how patiently to try. Delays grow as `base · 2^(attempt-1)`, capped, with full jitter in the upper half.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    pub base: Duration,
    pub cap: Duration,
}

impl RetryPolicy {
    /// A single provider call inside a stage: three attempts, two seconds base.
    pub const PROVIDER_CALL: Self =
        Self { max_attempts: 3, base: Duration::from_secs(2), cap: Duration::from_secs(30) };

    /// Delay before attempt `attempt + 1` after `attempt` (1-based) failed. `random` is uniform in 0..1: the result lies
    /// between half of the exponential delay and all of it, so that many jobs do not come back at once.
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(16);
        let full = self.base.saturating_mul(1 << doublings).min(self.cap);
        let random = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
        full.mul_f64(0.5 + 0.5 * random)
    }

    /// Longest wait that another side may impose.
    pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);
    /// Shortest wait that costs no attempt (or the base, where that is shorter still): who is told to come back at
    /// once would otherwise ask without a pause until its deadline.
    pub const MIN_FREE_WAIT: Duration = Duration::from_secs(1);

    /// What to do after attempt `attempt` (1-based) failed with `failure`.
    pub fn decide(&self, failure: &Failure, attempt: u32, random: f64) -> RetryDecision {
        match failure.class {
            FailureClass::RetryAfter => {
                let wait = failure.retry_after.unwrap_or(self.base);
                let least = self.base.min(Self::MIN_FREE_WAIT);
                RetryDecision::Again { after: wait.clamp(least, Self::MAX_RETRY_AFTER), counts: false }
            }
            FailureClass::Saturated => {
                // An open breaker knows when it will let somebody through; the jitter keeps its waiters apart.
                let wait = failure.retry_after.unwrap_or_default().min(Self::MAX_RETRY_AFTER);
                RetryDecision::Again { after: wait.max(self.delay(1, random)), counts: false }
            }
            FailureClass::Transient if attempt < self.max_attempts => {
                RetryDecision::Again { after: self.delay(attempt, random), counts: true }
            }
            FailureClass::Transient
            | FailureClass::Money
            | FailureClass::Caller
            | FailureClass::Content
            | FailureClass::Config => RetryDecision::GiveUp,
        }
    }
}

/// The answer of [`RetryPolicy::decide`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryDecision {
    /// Try again after a wait; `counts` says whether this attempt counts towards the limit.
    Again {
        after: Duration,
        counts: bool,
    },
    GiveUp,
}
