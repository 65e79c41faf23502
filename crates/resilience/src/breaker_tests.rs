use std::future::{pending, ready};

use super::*;

fn breaker(open_for: Duration) -> Breaker {
    Breaker::new("expert", BreakerSettings { threshold: 3, open_for }, Metrics::new("test"))
}

fn failure(class: FailureClass) -> Failure {
    Failure::new(class, FailureCode::ProviderUnavailable, "no answer")
}

async fn fail(breaker: &Breaker, class: FailureClass) -> Failure {
    breaker.call(ready(Err::<(), _>(failure(class)))).await.unwrap_err()
}

async fn succeed(breaker: &Breaker) -> Result<(), Failure> {
    breaker.call(ready(Ok(()))).await
}

async fn opened(open_for: Duration) -> Breaker {
    let breaker = breaker(open_for);
    for _ in 0..3 {
        fail(&breaker, FailureClass::Transient).await;
    }
    breaker
}

/// Long enough that it does not pass during a test.
const LONG: Duration = Duration::from_secs(3600);

/// failsafe reads the real clock, so the tests that need the time to pass make it short and wait for the state.
async fn half_open() -> Breaker {
    let open_for = Duration::from_millis(5);
    let breaker = opened(open_for).await;
    // failsafe opens up strictly after the moment, not at it.
    let begun = Instant::now();
    while begun.elapsed() <= open_for || breaker.state() != BreakerState::HalfOpen {
        assert!(begun.elapsed() < Duration::from_secs(10), "still {:?}", breaker.state());
        tokio::task::yield_now().await;
    }
    breaker
}

#[tokio::test]
async fn it_opens_at_the_threshold_and_not_before() {
    let breaker = breaker(LONG);
    for failures in 1..=2 {
        fail(&breaker, FailureClass::Transient).await;
        assert_eq!((breaker.state(), breaker.failures()), (BreakerState::Closed, failures));
    }
    fail(&breaker, FailureClass::Config).await;
    assert!(matches!(breaker.state(), BreakerState::Open { .. }));
    let refused = succeed(&breaker).await.unwrap_err();
    assert_eq!((refused.class, refused.code), (FailureClass::Saturated, FailureCode::ProviderUnavailable));
    let told = breaker.refusing().unwrap();
    assert_eq!((told.class, told.code), (refused.class, refused.code), "also to whoever only asks");
    let wait = refused.retry_after.unwrap();
    assert!(wait <= LONG && wait > LONG / 2, "{wait:?}");
    assert!(refused.class.is_retryable());
}

#[tokio::test]
async fn a_refused_call_is_not_started() {
    let breaker = opened(LONG).await;
    let refused: Result<(), _> = breaker.call(async { panic!("must not run") }).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_success_starts_the_count_anew() {
    let breaker = breaker(LONG);
    for _ in 0..4 {
        fail(&breaker, FailureClass::Transient).await;
        fail(&breaker, FailureClass::Transient).await;
        succeed(&breaker).await.unwrap();
    }
    assert_eq!((breaker.state(), breaker.failures()), (BreakerState::Closed, 0));
}

#[tokio::test]
async fn only_failures_that_tell_of_ill_health_count() {
    for class in FailureClass::ALL {
        let breaker = breaker(LONG);
        for _ in 0..5 {
            fail(&breaker, class).await;
        }
        assert_eq!(breaker.state() == BreakerState::Closed, !class.feeds_breaker(), "{class}");
    }
}

#[tokio::test]
async fn being_told_to_wait_neither_counts_nor_forgives() {
    let breaker = breaker(LONG);
    fail(&breaker, FailureClass::Transient).await;
    fail(&breaker, FailureClass::Transient).await;
    fail(&breaker, FailureClass::RetryAfter).await;
    fail(&breaker, FailureClass::Saturated).await;
    assert_eq!((breaker.state(), breaker.failures()), (BreakerState::Closed, 2));
    fail(&breaker, FailureClass::Transient).await;
    assert!(matches!(breaker.state(), BreakerState::Open { .. }));
}

#[tokio::test]
async fn half_open_lets_exactly_one_probe_through() {
    let breaker = half_open().await;
    let mut probe = Box::pin(breaker.call(pending::<Result<(), Failure>>()));
    assert!(poll_once(&mut probe).await.is_none(), "the probe is on its way");
    for _ in 0..10 {
        let refused = succeed(&breaker).await.unwrap_err();
        assert_eq!(refused.class, FailureClass::Saturated);
        assert!(refused.retry_after.is_some());
    }
    drop(probe);
    succeed(&breaker).await.expect("a dropped probe gives its place back");
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test]
async fn a_failed_probe_opens_it_again() {
    let breaker = half_open().await;
    fail(&breaker, FailureClass::Transient).await;
    assert_ne!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.failures(), 4);
}

#[tokio::test]
async fn a_probe_that_was_told_to_wait_decides_nothing() {
    let breaker = half_open().await;
    fail(&breaker, FailureClass::RetryAfter).await;
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    succeed(&breaker).await.unwrap();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test]
async fn results_from_before_the_change_say_nothing() {
    let breaker = breaker(LONG);
    let (send, receive) = tokio::sync::oneshot::channel::<Result<(), Failure>>();
    let mut early = Box::pin(breaker.call(async { receive.await.unwrap() }));
    assert!(poll_once(&mut early).await.is_none());
    for _ in 0..3 {
        fail(&breaker, FailureClass::Transient).await;
    }
    send.send(Ok(())).unwrap();
    early.await.unwrap();
    assert!(matches!(breaker.state(), BreakerState::Open { .. }), "a late success does not close it");
    assert_eq!(breaker.failures(), 3);
}

#[tokio::test]
async fn reset_closes_it_and_forgets() {
    let breaker = opened(LONG).await;
    breaker.reset();
    assert_eq!((breaker.state(), breaker.failures()), (BreakerState::Closed, 0));
    succeed(&breaker).await.unwrap();

    fail(&breaker, FailureClass::Transient).await;
    fail(&breaker, FailureClass::Transient).await;
    breaker.reset();
    fail(&breaker, FailureClass::Transient).await;
    assert_eq!(breaker.state(), BreakerState::Closed, "the failures before the reset are forgotten");
}

#[tokio::test]
async fn its_state_is_a_metric() {
    let metrics = Metrics::new("test");
    let breaker = Breaker::new("expert", BreakerSettings { threshold: 1, open_for: LONG }, metrics.clone());
    assert!(metrics.render().contains("descant_breaker_state{provider=\"expert\"} 0"));
    fail(&breaker, FailureClass::Transient).await;
    assert!(metrics.render().contains("descant_breaker_state{provider=\"expert\"} 2"));
    succeed(&breaker).await.unwrap_err();
    assert!(metrics.render().contains("descant_breaker_rejections_total{provider=\"expert\"} 1"));
    breaker.reset();
    assert!(metrics.render().contains("descant_breaker_state{provider=\"expert\"} 0"));
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn who_is_held_back_is_not_said_to_have_failed() {
    let breaker = opened(LONG).await;
    let check = async |expected: &str| {
        let refused = succeed(&breaker).await.unwrap_err();
        let told = breaker.refusing().unwrap();
        assert!(refused.message.contains(expected) && told.message == refused.message, "{refused} {told}");
    };
    check("has failed repeatedly").await;
    breaker.hold_open(LONG, "its key is wrong");
    check("an operator has to see to it").await;
    breaker.release();
    check("has failed repeatedly").await;
}
