//! A vendor who hangs, blinks or answers late, and the messages that tell of its work.

use chrono::TimeDelta;
use contracts::v1;
use domain::JobState;
use persistence::OutsideCallState;
use resilience::Clock;

use crate::harness::{Gate, Harness, ONLY_MESSAGES, Vendor};

#[tokio::test(flavor = "multi_thread")]
async fn looks_at_parked_jobs_keep_no_new_job_waiting() {
    let harness = Harness::with(&[("jobs.rate_per_minute", "21")]).await;
    let running = harness.start();
    let mut parked = Vec::new();
    for n in 0..20 {
        parked.push(harness.submit(&n.to_string()).await);
    }
    for round in 0..3 {
        for id in &parked {
            harness.until(*id, "looked at", |job| job.generation > round && job.state == JobState::Parked).await;
        }
        harness.clock.advance(TimeDelta::seconds(61));
    }
    let new = harness.submit("new").await;
    harness.until_state(new, JobState::Parked).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_that_fail_between_good_ones_count_no_attempt() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.submit("blips").await;
    let mut seen = harness.until_state(id, JobState::Parked).await.generation;
    for _ in 0..8 {
        harness.vendor.orders().blips = 1;
        for _ in 0..2 {
            harness.clock.advance(TimeDelta::seconds(65));
            seen = harness
                .until(id, "looked at", |job| {
                    job.generation > seen && job.state == JobState::Parked || job.state.is_final()
                })
                .await
                .generation;
        }
        if harness.job(id).await.state.is_final() {
            break;
        }
    }
    let done = harness.until(id, "over", |job| job.state.is_final()).await;
    assert_eq!((done.state, done.attempt), (JobState::Completed, 1), "{:?}", done.failure);
    assert!(harness.vendor.orders().cancelled.is_empty());
    let events = harness.events(id).await;
    for once in ["started", "completed"] {
        assert_eq!(events.iter().filter(|kind| *kind == once).count(), 1, "{events:?}");
    }
    assert_eq!(events.iter().filter(|kind| *kind == "stage_started").count(), 3, "{events:?}");
    let log = harness.log(id).await;
    let waited = log.iter().filter_map(|event| event.data["seconds"].as_f64()).fold(0.0, f64::max);
    assert!(waited >= 600.0, "the stage took {waited} s");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_who_never_answers_a_cancel_keeps_nobody_waiting() {
    let harness = Harness::new().await;
    harness.vendor.orders().ignores_cancel = true;
    let running = harness.start();
    let (one, two) = (harness.submit("one").await, harness.submit("two").await);
    for id in [one, two] {
        harness.until_state(id, JobState::Parked).await;
        harness.request_cancel(id).await;
        harness.until_state(id, JobState::Cancelled).await;
    }
    harness.until_calls_are(one, &[OutsideCallState::Cancelling]).await;
    let next = harness.submit("next").await;
    harness.until_state(next, JobState::Parked).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_answered_in_time_parks_its_job() {
    let harness = Harness::new().await;
    {
        let mut orders = harness.vendor.orders();
        (orders.holds_orders, orders.patience_ms) = (Some(Gate::closed()), 100);
    }
    let running = harness.start();
    let id = harness.submit("hangs").await;
    harness.until_state(id, JobState::Parked).await;
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Intended]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_the_call_was_given_up_is_called_off() {
    let harness = Harness::with(&[("jobs.cancel_poll_ms", "1000")]).await;
    let gate = Gate::closed();
    harness.vendor.orders().holds_orders = Some(gate.clone());
    let running = harness.start();
    let id = harness.submit("late answer").await;
    harness.until(id, "ordering", |job| job.stage.as_deref() == Some("order")).await;
    let calls = harness.database.outside_calls();
    harness.until_calls_are(id, &[OutsideCallState::Intended]).await;
    let call = harness.calls(id).await[0].id;
    assert!(calls.ended(call, OutsideCallState::NeverArrived, None, harness.clock.now()).await.unwrap());
    gate.open();
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(harness.vendor.orders().cancelled, ["v-1"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_the_vendors_own_id_wakes_its_job() {
    let harness = Harness::with(&ONLY_MESSAGES).await;
    let running = harness.start();
    let id = harness.submit("signalled").await;
    harness.until_state(id, JobState::Parked).await;
    harness.clock.advance(Vendor::WORKS);
    let outside_id = harness.calls(id).await[0].outside_id.clone().unwrap();
    let (job_id, credential) = (String::new(), String::new());
    let told = v1::SignalJob { job_id, provider: "vendor".to_owned(), credential, outside_id };
    // Any change of the job may carry the message.
    let carrier = harness.job(id).await;
    let authority = persistence::Authority::AsRead { version: carrier.version };
    let journal = harness.telling(told);
    let patch = persistence::Patch::default();
    harness.database.jobs().report(id, authority, &patch, &journal, harness.clock.now()).await.unwrap();
    harness.until_state(id, JobState::Completed).await;
    running.stop().await;
}

/// Nobody could call off what was asked of it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_of_a_service_that_the_kind_does_not_wait_for() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.submit("stranger").await;
    let failed = harness.with_time(id, JobState::Failed).await;
    let why = failed.failure.unwrap().message;
    assert!(why.contains("does not wait for stranger"), "{why}");
    assert!(harness.calls(id).await.is_empty());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_no_use_is_bought_twice_at_most_however_often_a_job_is_tried() {
    let harness = Harness::new().await;
    harness.vendor.orders().botches = true;
    let running = harness.start();
    let id = harness.submit("botched").await;
    let mut attempts = 0;
    for try_of_the_owner in 0..2 {
        if try_of_the_owner > 0 {
            harness.retry(id).await;
        }
        let failed = harness.with_time(id, JobState::Failed).await;
        attempts += failed.attempt;
        let why = failed.failure.unwrap().message;
        assert!(why.contains("has failed at this 2 times"), "{why}");
        assert_eq!(harness.call_states(id).await, [OutsideCallState::Failed; 2]);
        assert_eq!(harness.vendor.orders().creations, 2);
    }
    assert!(attempts > 3, "only {attempts} attempts");
    let paid: Vec<i64> = harness.calls(id).await.iter().filter_map(|call| Some(call.cost.as_ref()?.micros)).collect();
    assert_eq!(paid, [120_000, 120_000]);
    running.stop().await;
}
