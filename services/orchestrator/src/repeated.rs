//! Does again what must not be lost to a short failure of the object store or of the database.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use domain::Failure;

/// How often, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first wait; each further one is twice as long.
    first: Duration,
    /// The longest one.
    most: Duration,
    /// No wait begins that would end later than this.
    longest: Duration,
}

/// For an answer that was paid for: a database or a store that starts anew is there again within a minute.
pub const FOR_AN_ANSWER: Pace =
    Pace { first: Duration::from_millis(250), most: Duration::from_secs(10), longest: Duration::from_secs(60) };

/// Takes a step until it succeeds, fails for good or has failed for too long; then with its last failure.
///
/// # Errors
/// Those of the step.
pub async fn repeated<T, Fut>(pace: Pace, step: impl Fn() -> Fut) -> Result<T, Failure>
where
    Fut: Future<Output = Result<T, Failure>>,
{
    let (started, mut wait) = (Instant::now(), pace.first);
    loop {
        match step().await {
            Err(failure) if failure.class.is_retryable() && started.elapsed() + wait < pace.longest => {
                tracing::warn!(code = %failure.code, "an answer is not kept yet, it is tried again");
            }
            outcome => return outcome,
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(pace.most);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use domain::{FailureClass, FailureCode};

    use super::*;

    #[tokio::test]
    async fn a_short_failure_loses_nothing_and_a_long_one_ends() {
        let check = async |fails: u32, class, longest, expected: Result<u32, FailureClass>| {
            let steps = AtomicU32::new(0);
            let pace = Pace { first: Duration::from_millis(1), most: Duration::from_millis(2), longest };
            let made = repeated(pace, || {
                let step = steps.fetch_add(1, Ordering::SeqCst);
                let failed = Failure::new(class, FailureCode::Storage, "as the test wants");
                std::future::ready(if step < fails { Err(failed) } else { Ok(step) })
            });
            assert_eq!(made.await.map_err(|failure| failure.class), expected, "{fails} {class} {longest:?}");
        };
        let (none, long) = (Duration::ZERO, Duration::from_secs(60));
        check(0, FailureClass::Transient, none, Ok(0)).await;
        check(5, FailureClass::Transient, long, Ok(5)).await;
        check(5, FailureClass::Transient, none, Err(FailureClass::Transient)).await;
        check(5, FailureClass::Config, long, Err(FailureClass::Config)).await;
    }
}
