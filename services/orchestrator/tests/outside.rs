//! A vendor who hangs, blinks or answers late, and the messages that tell of its work.

mod support;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use contracts::v1;
use domain::{JobState, MessageId};
use messaging::Body;
use persistence::{Job, Journal, OutsideCallState};
use resilience::{Clock, ids::random10};
use support::{Fixture, Vendor};

/// No sweep and no poll comes to help.
const ONLY_MESSAGES: [(&str, &str); 2] = [("jobs.reconcile_ms", "60000"), ("jobs.cancel_poll_ms", "1000")];

fn telling(body: impl Into<Body> + Clone + Send + Sync + 'static, house: &Fixture) -> Journal<'static> {
    let now = house.clock.now();
    Journal::silent().messages(move |job: &Job| {
        let envelope =
            contracts::envelope(body.clone(), MessageId::new(now, random10()), now).about(job.id, job.generation);
        service_runtime::outgoing(&envelope).into_iter().collect()
    })
}

async fn call_state(house: &Fixture, id: domain::JobId) -> OutsideCallState {
    house.database.outside_calls().of_job(id).await.unwrap()[0].state
}

async fn until_call_is(house: &Fixture, id: domain::JobId, wanted: OutsideCallState) {
    let started = std::time::Instant::now();
    while call_state(house, id).await != wanted {
        assert!(started.elapsed() < support::PATIENCE, "never {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_at_parked_jobs_keep_no_new_job_waiting() {
    let house = Fixture::with(&[("jobs.rate_per_minute", "21")]).await;
    let running = house.start();
    let mut parked = Vec::new();
    for n in 0..20 {
        parked.push(house.submit(&n.to_string()).await);
    }
    for round in 0..3 {
        for id in &parked {
            house.until(*id, "looked at", |job| job.generation > round && job.state == JobState::Parked).await;
        }
        house.clock.advance(TimeDelta::seconds(61));
    }
    let new = house.submit("new").await;
    house.until_state(new, JobState::Parked).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_that_fail_between_good_ones_count_no_attempt() {
    let house = Fixture::new().await;
    let running = house.start();
    let id = house.submit("blips").await;
    let mut seen = house.until_state(id, JobState::Parked).await.generation;
    for _ in 0..8 {
        house.vendor.orders().blips = 1;
        for _ in 0..2 {
            house.clock.advance(TimeDelta::seconds(65));
            seen = house
                .until(id, "looked at", |job| {
                    job.generation > seen && job.state == JobState::Parked || job.state.is_final()
                })
                .await
                .generation;
        }
        if house.job(id).await.state.is_final() {
            break;
        }
    }
    let done = house.until(id, "over", |job| job.state.is_final()).await;
    assert_eq!((done.state, done.attempt), (JobState::Completed, 1), "{:?}", done.failure);
    assert!(house.vendor.orders().cancelled.is_empty());
    let events = house.events(id).await;
    for once in ["started", "completed"] {
        assert_eq!(events.iter().filter(|kind| *kind == once).count(), 1, "{events:?}");
    }
    assert_eq!(events.iter().filter(|kind| *kind == "stage_started").count(), 3, "{events:?}");
    let log = house.database.jobs().events_after(id, 0, 1000).await.unwrap();
    let waited = log.iter().filter_map(|event| event.data["seconds"].as_f64()).fold(0.0, f64::max);
    assert!(waited >= 600.0, "the stage took {waited} s");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_who_never_answers_a_cancel_keeps_nobody_waiting() {
    let house = Fixture::new().await;
    house.vendor.orders().ignores_cancel = true;
    let running = house.start();
    let (one, two) = (house.submit("one").await, house.submit("two").await);
    for id in [one, two] {
        house.until_state(id, JobState::Parked).await;
        house.database.jobs_of(&house.user).request_cancel(id, &Journal::silent(), house.clock.now()).await.unwrap();
        house.until_state(id, JobState::Cancelled).await;
    }
    until_call_is(&house, one, OutsideCallState::Cancelling).await;
    let next = house.submit("next").await;
    house.until_state(next, JobState::Parked).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_answered_in_time_parks_its_job() {
    let house = Fixture::new().await;
    {
        let mut orders = house.vendor.orders();
        (orders.holds_orders, orders.patience_ms) = (Some(Arc::default()), 100);
    }
    let running = house.start();
    let id = house.submit("hangs").await;
    house.until_state(id, JobState::Parked).await;
    assert_eq!(call_state(&house, id).await, OutsideCallState::Intended);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_the_call_was_given_up_is_called_off() {
    let house = Fixture::with(&[("jobs.cancel_poll_ms", "1000")]).await;
    let gate = Arc::new(tokio::sync::Notify::new());
    house.vendor.orders().holds_orders = Some(gate.clone());
    let running = house.start();
    let id = house.submit("late answer").await;
    house.until(id, "ordering", |job| job.stage.as_deref() == Some("order")).await;
    let calls = house.database.outside_calls();
    while calls.of_job(id).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let call = calls.of_job(id).await.unwrap()[0].id;
    assert!(calls.ended(call, OutsideCallState::NeverArrived, None, house.clock.now()).await.unwrap());
    gate.notify_one();
    until_call_is(&house, id, OutsideCallState::Cancelled).await;
    assert_eq!(house.vendor.orders().cancelled, ["v-1"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_the_vendors_own_id_wakes_its_job() {
    let house = Fixture::with(&ONLY_MESSAGES).await;
    let running = house.start();
    let id = house.submit("signalled").await;
    house.until_state(id, JobState::Parked).await;
    house.clock.advance(Vendor::WORKS);
    let outside_id = house.database.outside_calls().of_job(id).await.unwrap()[0].outside_id.clone().unwrap();
    let (job_id, credential) = (String::new(), String::new());
    let told = v1::SignalJob { job_id, provider: "vendor".to_owned(), credential, outside_id };
    // Any change of the job may carry the message.
    let carrier = house.job(id).await;
    let authority = persistence::Authority::AsRead { version: carrier.version };
    let journal = telling(told, &house);
    let patch = persistence::Patch::default();
    house.database.jobs().report(id, authority, &patch, &journal, house.clock.now()).await.unwrap();
    house.until_state(id, JobState::Completed).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_message_ends_a_parked_job_and_its_work() {
    let house = Fixture::with(&ONLY_MESSAGES).await;
    let running = house.start();
    let id = house.submit("cancelled").await;
    house.until_state(id, JobState::Parked).await;
    let journal = telling(v1::CancelJob { job_id: id.to_string() }, &house);
    house.database.jobs_of(&house.user).request_cancel(id, &journal, house.clock.now()).await.unwrap();
    house.until_state(id, JobState::Cancelled).await;
    until_call_is(&house, id, OutsideCallState::Cancelled).await;
    running.stop().await;
}
