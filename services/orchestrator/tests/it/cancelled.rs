//! A request to stop a job, at every moment of its work outside.

use std::time::{Duration, Instant};

use domain::{Failure, FailureClass, FailureCode, JobState};
use orchestrator::OutsideProgress;
use persistence::OutsideCallState;
use resilience::Clock;

use crate::harness::{Gate, Harness, ONLY_MESSAGES};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_message_ends_a_parked_job_and_its_work() {
    let harness = Harness::with(&ONLY_MESSAGES).await;
    let running = harness.start();
    let id = harness.submit("cancelled").await;
    let parked = harness.until_state(id, JobState::Parked).await;
    let (looks, asked_at, asked) = (harness.vendor.orders().looks, harness.clock.now(), Instant::now());
    harness.request_cancel_and_tell(id).await;
    let cancelled = harness.until_state(id, JobState::Cancelled).await;
    println!("cancelled after {} ms", asked.elapsed().as_millis());
    // No sweep, no look and no time was needed: the message alone ends it.
    assert_eq!((cancelled.cancel_requested_at, cancelled.finished_at), (Some(asked_at), Some(asked_at)));
    assert_eq!(cancelled.generation, parked.generation, "nobody had to claim it");
    assert_eq!(harness.vendor.orders().looks, looks);
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().cancelled, ["v-1"]);
    assert_eq!(harness.clock.now(), asked_at);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_a_job_whose_look_hangs() {
    let harness = Harness::with(&ONLY_MESSAGES).await;
    harness.vendor.orders().holds_looks = Some(Gate::closed());
    let running = harness.start();
    let id = harness.submit("hangs").await;
    harness.until_vendor("looked at", |orders| orders.looks == 1).await;
    let held = harness.job(id).await;
    assert_eq!(held.state, JobState::Running);
    harness.request_cancel_and_tell(id).await;
    let cancelled = harness.until_state(id, JobState::Cancelled).await;
    assert_eq!(cancelled.generation, held.generation, "its holder has seen the request");
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().cancelled, ["v-1"]);
    let events = harness.events(id).await;
    assert!(events.ends_with(&["cancelling".to_owned(), "cancelled".to_owned()]), "{events:?}");
    running.stop().await;
}

/// Nothing tells of the request, and the look ends before its job's rows are looked at again: only whoever lets go of the
/// job can see it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_arrives_as_a_look_ends_is_seen_by_whoever_lets_go_of_the_job() {
    let working = Ok(OutsideProgress::Working { fraction: None, look_again_in: Duration::from_secs(60) });
    let failure = Failure::new(FailureClass::Transient, FailureCode::ProviderRejected, "not this time");
    let failed = Ok(OutsideProgress::failed(failure, None));
    for (answer, call) in [(working, OutsideCallState::Cancelled), (failed, OutsideCallState::Failed)] {
        let harness = Harness::with(&ONLY_MESSAGES).await;
        let gate = Gate::closed();
        {
            let mut orders = harness.vendor.orders();
            (orders.holds_looks, orders.next_look) = (Some(gate.clone()), Some(answer));
        }
        let running = harness.start();
        let id = harness.submit("as the look ends").await;
        harness.until_vendor("looked at", |orders| orders.looks == 1).await;
        harness.request_cancel(id).await;
        gate.open();
        harness.until_state(id, JobState::Cancelled).await;
        harness.until_calls_are(id, &[call]).await;
        let called_off = usize::from(call == OutsideCallState::Cancelled);
        assert_eq!(harness.vendor.orders().cancelled.len(), called_off);
        assert_eq!(harness.vendor.orders().creations, 1);
        running.stop().await;
    }
}
