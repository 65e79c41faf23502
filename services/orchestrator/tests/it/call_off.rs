//! Work outside that nobody waits for any more is called off; work that somebody waits for is not.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::{Failure, FailureClass, FailureCode, JobId, JobState};
use persistence::OutsideCallState;
use resilience::Clock;

use crate::harness::{Gate, Harness, SPEC, Vendor};

/// More than the time between two attempts to call the same work off.
const AGAIN: TimeDelta = TimeDelta::seconds(31);

/// No further look can mend this, and the work goes on outside all the same.
fn unusable() -> Failure {
    Failure::new(FailureClass::Config, FailureCode::ProviderRejected, "the key is not known")
}

impl Harness {
    /// Parks a job.
    async fn parked(&self, words: &str) -> JobId {
        let id = self.submit(words).await;
        self.until_state(id, JobState::Parked).await;
        id
    }

    /// Attempts to call work off are answered only when the gate is open.
    fn hold_cancels(&self, gate: &Arc<Gate>) {
        let mut orders = self.vendor.orders();
        (orders.holds_cancels, orders.patience_ms) = (Some(gate.clone()), 20_000);
    }

    /// Has the next look at a parked job fail for good.
    async fn fail_next_look(&self, id: JobId) {
        self.vendor.orders().next_look = Some(Err(unusable()));
        self.signal(id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_did_without_in_the_end_is_called_off() {
    let harness = Harness::new().await;
    harness.vendor.orders().has_fallback = true;
    let running = harness.start();
    let id = harness.parked("elsewhere").await;
    harness.fail_next_look(id).await;
    let done = harness.until_state(id, JobState::Completed).await;
    assert_eq!(done.result.unwrap()["made"], "elsewhere");
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().cancelled, ["v-1"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_called_off_before_the_orchestrator_died_is_called_off_by_the_next_one() {
    let harness = Harness::new().await;
    {
        let mut orders = harness.vendor.orders();
        (orders.has_fallback, orders.ignores_cancel) = (true, true);
    }
    let first = harness.start();
    let id = harness.parked("elsewhere").await;
    harness.fail_next_look(id).await;
    harness.until_state(id, JobState::Completed).await;
    harness.until_vendor("asked to stop", |orders| orders.cancel_requests > 0).await;
    first.kill().await;
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Cancelling]);

    harness.vendor.orders().ignores_cancel = false;
    harness.clock.advance(AGAIN);
    let second = harness.start();
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().called_off(), ["v-1"]);
    second.stop().await;
}

/// Nobody knows yet whether it was asked for at all.
#[tokio::test(flavor = "multi_thread")]
async fn what_shows_up_after_its_job_has_ended_is_called_off() {
    let harness = Harness::new().await;
    {
        let mut orders = harness.vendor.orders();
        (orders.loses_answer, orders.hides_orders, orders.certain_after_seconds) = (true, true, 300);
    }
    let running = harness.start();
    let id = harness.parked("shows up late").await;
    harness.request_cancel(id).await;
    harness.until_state(id, JobState::Cancelled).await;
    // Longer than others take to be certain.
    for _ in 0..3 {
        harness.clock.advance(AGAIN);
        let at = harness.clock.now();
        let call = harness.until_call(id, "looked for", |call| call.updated_at == at).await;
        assert_eq!(call.state, OutsideCallState::Cancelling);
    }
    harness.vendor.orders().hides_orders = false;
    harness.clock.advance(AGAIN);
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().cancelled, ["v-1"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_cannot_be_called_off_is_given_up_after_two_days_and_stays_in_the_rows() {
    let harness = Harness::new().await;
    harness.vendor.orders().fails_cancel = true;
    let running = harness.start();
    let created_at = harness.clock.now();
    let id = harness.parked("never called off").await;
    harness.request_cancel(id).await;
    harness.until_state(id, JobState::Cancelled).await;
    harness.until_vendor("asked to stop", |orders| orders.cancel_requests > 0).await;

    // It is tried again and again until then.
    let give_up_at = created_at + TimeDelta::days(2);
    for at in [created_at + TimeDelta::hours(12), give_up_at - AGAIN] {
        let before = harness.vendor.orders().cancel_requests;
        harness.clock.set(at);
        harness.until_vendor("asked again", |orders| orders.cancel_requests > before).await;
        let call = harness.until_call(id, "looked at", |call| call.updated_at == at).await;
        assert_eq!(call.state, OutsideCallState::Cancelling);
    }
    harness.clock.set(give_up_at);
    let abandoned = harness.until_call(id, "given up", |call| call.state == OutsideCallState::Abandoned).await;
    assert_eq!(abandoned.ended_at, Some(give_up_at));
    assert_eq!(abandoned.outside_id.as_deref(), Some("v-1"), "an operator needs it to stop the work by hand");

    // Another day: nobody asks any more, and the row stays. The sweep has come by when another job was served.
    harness.clock.advance(TimeDelta::days(1));
    harness.vendor.orders().fails_cancel = false;
    let other = harness.parked("another").await;
    harness.request_cancel(other).await;
    harness.until_calls_are(other, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().called_off(), ["v-2"]);
    assert_eq!(harness.calls(id).await, [abandoned]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_while_the_old_work_is_being_called_off_has_work_of_its_own() {
    let harness = Harness::new().await;
    let gate = Gate::closed();
    harness.hold_cancels(&gate);
    let running = harness.start();
    let id = harness.parked("tried again").await;
    harness.clock.advance(TimeDelta::from_std(SPEC.limits.deadline.unwrap()).unwrap());
    harness.until_state(id, JobState::Expired).await;
    harness.until_vendor("asked to stop", |orders| orders.cancel_requests > 0).await;

    harness.retry(id).await;
    harness.until_state(id, JobState::Parked).await;
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Cancelling, OutsideCallState::Open]);
    gate.open();
    harness.until_calls_are(id, &[OutsideCallState::Cancelled, OutsideCallState::Open]).await;
    harness.clock.advance(Vendor::WORKS);
    let done = harness.until_state(id, JobState::Completed).await;
    assert_eq!(done.result.unwrap()["made"], "made as v-2");
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Cancelled, OutsideCallState::Succeeded]);
    {
        let orders = harness.vendor.orders();
        assert_eq!((orders.creations, orders.called_off()), (2, vec!["v-1"]));
    }
    running.stop().await;
}

/// The task that calls work off has read the job's calls and waits for a place; meanwhile the job is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_before_the_old_work_is_called_off_goes_on_with_it() {
    const AT_ONCE: u32 = 8;
    let harness = Harness::new().await;
    let gate = Gate::closed();
    harness.hold_cancels(&gate);
    let running = harness.start();
    let mut others = Vec::new();
    for n in 0..AT_ONCE {
        others.push(harness.parked(&n.to_string()).await);
    }
    for id in others {
        harness.request_cancel(id).await;
    }
    harness.until_vendor("asked to stop all of them", |orders| orders.cancel_requests == AT_ONCE).await;

    let id = harness.parked("tried again").await;
    let outside_id = harness.calls(id).await[0].outside_id.clone().unwrap();
    harness.fail_next_look(id).await;
    harness.until_state(id, JobState::Failed).await;
    harness.retry(id).await;
    harness.until_state(id, JobState::Parked).await;
    gate.open();
    harness.until_vendor("done with stopping", |orders| orders.cancelled.len() == AT_ONCE as usize).await;

    harness.clock.advance(Vendor::WORKS);
    let done = harness.until_state(id, JobState::Completed).await;
    assert_eq!(done.result.unwrap()["made"], format!("made as {outside_id}"));
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Succeeded]);
    {
        let orders = harness.vendor.orders();
        assert_eq!(orders.creations, AT_ONCE + 1, "it was ordered twice");
        assert!(!orders.cancelled.contains(&outside_id), "{:?}", orders.cancelled);
    }
    running.stop().await;
}

/// A provider who does not answer holds up the calls to it, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_who_does_not_answer_holds_up_no_other_one_and_no_shutdown() {
    const AT_ONCE: u32 = 8;
    let harness = Harness::new().await;
    let gate = Gate::closed();
    harness.hold_cancels(&gate);
    let running = harness.start();
    for n in 0..=AT_ONCE {
        let id = harness.parked(&n.to_string()).await;
        harness.request_cancel(id).await;
        harness.until_state(id, JobState::Cancelled).await;
    }
    harness.until_vendor("asked to stop", |orders| orders.cancel_requests == AT_ONCE).await;
    let id = harness.parked("other").await;
    harness.request_cancel(id).await;
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.other.orders().called_off(), ["v-1"]);
    let waits = harness.vendor.orders().cancel_requests;
    assert_eq!(waits, AT_ONCE, "the other one waited until somebody was given up");
    running.stop().await;
    assert!(harness.vendor.orders().cancelled.is_empty(), "the shutdown waited for them");
    gate.open();
}
