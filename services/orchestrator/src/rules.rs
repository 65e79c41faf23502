//! What rules a job's life: the times of its lease, its deadline, its attempts and what is kept of it.

use std::time::Duration;

use domain::{
    Failure, KindSpec,
    retention::RetentionPolicy,
    retry::{RetryDecision, RetryPolicy},
};

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

    /// What to do after an attempt that failed. `random` is uniform in 0..1; a kind that promises when it tries again
    /// takes none of it.
    pub fn decide(&self, kind: &KindSpec, failure: &Failure, attempt: u32, random: f64) -> RetryDecision {
        let max_attempts = kind.limits.max_attempts.unwrap_or(self.retry.max_attempts);
        let policy = RetryPolicy { max_attempts, ..self.retry };
        match kind.limits.retry_base {
            None => policy.decide(failure, attempt, random),
            Some(base) => {
                let cap = RetryPolicy::MAX_RETRY_AFTER.max(base);
                RetryPolicy { base, cap, ..policy }.decide(failure, attempt, 1.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::{
        FailureClass, FailureCode, JobState,
        kinds::{composition, melody_vocals},
    };

    use super::*;

    fn rules() -> JobRules {
        let times = LeaseTimes { lease: Duration::ZERO, heartbeat: Duration::ZERO, cancel_poll: Duration::ZERO };
        let retry = RetryPolicy { max_attempts: 3, base: Duration::from_secs(2), cap: Duration::from_secs(20) };
        JobRules::new(times, Duration::from_secs(60), retry, RetentionPolicy::default(), 3)
    }

    #[test]
    fn a_kind_that_promises_when_it_tries_again_keeps_it() {
        let failure = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "away");
        let decide = |kind, attempt, random| rules().decide(kind, &failure, attempt, random);
        let again = |seconds| RetryDecision::Again { after: Duration::from_secs(seconds), counts: true };
        for random in [0.0, 0.5, 1.0] {
            assert_eq!(decide(&composition::SPEC, 1, random), again(30), "to the moment");
            assert_eq!(decide(&composition::SPEC, 2, random), RetryDecision::GiveUp, "two attempts");
        }
        assert_eq!(decide(&melody_vocals::SPEC, 1, 0.0), again(1), "what the settings say, with jitter");
        assert_eq!(decide(&melody_vocals::SPEC, 2, 1.0), again(4));
    }

    #[test]
    fn what_a_failed_job_left_is_kept_as_long_as_its_kind_says_and_no_longer_than_the_settings() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let hours = |rules: &JobRules, kind, state| {
            let until = rules.retention(kind).files_expire_at(state, now);
            until.map(|until| (until - now).num_hours())
        };
        let kind = Some(&composition::SPEC);
        assert_eq!(hours(&rules(), kind, JobState::Failed), Some(24));
        assert_eq!(hours(&rules(), kind, JobState::Completed), Some(7 * 24), "its song as long as any");
        assert_eq!(hours(&rules(), Some(&melody_vocals::SPEC), JobState::Failed), Some(30 * 24));
        assert_eq!(hours(&rules(), None, JobState::Expired), Some(30 * 24));
        let mut short = rules();
        short.retention.failed = TimeDelta::hours(1);
        assert_eq!(hours(&short, kind, JobState::Failed), Some(1));
    }
}
