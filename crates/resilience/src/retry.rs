//! Short retries of one call inside a stage. Long waits are not slept here: they belong in a row with a due time.

use std::future::Future;

use domain::{
    Failure,
    retry::{RetryDecision, RetryPolicy},
};
use tokio::time::sleep;

use crate::{deadline::Deadline, ids};

/// Calls `attempt` (given its number, 1-based) until it succeeds, fails for good, or the next wait would be longer than
/// the policy's cap or than what is left of the deadline. The last failure comes back unchanged, so that its class and
/// its told wait still guide the job's own retry. Dropping the future stops it at once, also between attempts.
pub async fn retry<T, F, A>(policy: &RetryPolicy, deadline: &Deadline, mut attempt: A) -> Result<T, Failure>
where
    A: FnMut(u32) -> F,
    F: Future<Output = Result<T, Failure>>,
{
    let mut number = 1;
    loop {
        let failure = match attempt(number).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        match policy.decide(&failure, number, ids::dice()) {
            RetryDecision::Again { after, counts } if after <= policy.cap && after < deadline.remaining() => {
                tracing::debug!(
                    attempt = number,
                    wait_ms = after.as_millis() as u64,
                    class = failure.class.as_str(),
                    code = failure.code.as_str(),
                    "call failed and will be tried again"
                );
                sleep(after).await;
                number += u32::from(counts);
            }
            RetryDecision::Again { .. } | RetryDecision::GiveUp => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use domain::{FailureClass, FailureCode};
    use tokio::time::Instant;

    use super::*;

    fn failure(class: FailureClass) -> Failure {
        Failure::new(class, FailureCode::ProviderUnavailable, "the provider did not answer")
    }

    async fn tries(class: FailureClass, budget: Duration) -> (u32, Duration) {
        let calls = Cell::new(0);
        let begun = Instant::now();
        let result: Result<(), _> = retry(&RetryPolicy::PROVIDER_CALL, &Deadline::after(budget), |_| {
            calls.set(calls.get() + 1);
            async move { Err(failure(class)) }
        })
        .await;
        assert_eq!(result.unwrap_err().class, class);
        (calls.get(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn transient_failures_are_tried_as_often_as_the_policy_says() {
        let (calls, waited) = tries(FailureClass::Transient, Duration::from_secs(180)).await;
        assert_eq!(calls, 3);
        assert!(waited >= Duration::from_secs(3) && waited <= Duration::from_millis(6010), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn hopeless_failures_are_tried_once() {
        for class in [FailureClass::Caller, FailureClass::Content, FailureClass::Config, FailureClass::Money] {
            assert_eq!(tries(class, Duration::from_secs(180)).await, (1, Duration::ZERO), "{class}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_past_the_deadline() {
        let (calls, waited) = tries(FailureClass::Transient, Duration::from_millis(500)).await;
        assert_eq!((calls, waited), (1, Duration::ZERO));
        let (_, waited) = tries(FailureClass::Saturated, Duration::from_secs(10)).await;
        assert!(waited < Duration::from_secs(10), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_told_wait_is_left_to_the_job() {
        let begun = Instant::now();
        let told = failure(FailureClass::WaitTold).with_retry_after(Duration::from_secs(90));
        let result: Result<(), _> =
            retry(&RetryPolicy::PROVIDER_CALL, &Deadline::after(Duration::from_secs(600)), |_| {
                let told = told.clone();
                async move { Err(told) }
            })
            .await;
        assert_eq!(result.unwrap_err().retry_after, Some(Duration::from_secs(90)));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn success_ends_it() {
        let result =
            retry(&RetryPolicy::PROVIDER_CALL, &Deadline::after(Duration::from_secs(60)), |number| async move {
                if number < 3 { Err(failure(FailureClass::Transient)) } else { Ok(number) }
            })
            .await;
        assert_eq!(result, Ok(3));
    }
}
