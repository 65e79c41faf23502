//! Work that somebody outside does for ten minutes of the clock's time: asked for once, found again, held by nobody.

mod support;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::{FailureCode, JobState};
use persistence::{Journal, OutsideCallState};
use resilience::Clock;
use support::{Fixture, SPEC, Vendor};

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_outside_through_a_restart_hold_no_slot_and_are_paid_for_once() {
    let house = Fixture::new().await;
    let first = house.start();
    let (one, two) = (house.submit("one").await, house.submit("two").await);
    // The kind has one slot: two jobs that wait outside at once prove that neither holds it.
    for id in [one, two] {
        let parked = house.until_state(id, JobState::Parked).await;
        assert_eq!((parked.lease_owner, parked.lease_until, parked.attempt), (None, None, 1));
        assert_eq!(parked.state.seed_status(), "processing", "older clients know no other word");
        assert_eq!(parked.waits_for.as_deref(), Some("vendor works on it"));
    }

    house.clock.advance(TimeDelta::minutes(4));
    house.until(one, "looked at again", |job| job.generation >= 2 && job.state == JobState::Parked).await;
    first.stop().await;
    house.clock.advance(TimeDelta::minutes(3));
    let second = house.start();
    house.until(one, "looked at after the restart", |job| job.generation >= 3 && job.state == JobState::Parked).await;
    house.clock.advance(TimeDelta::minutes(4));

    for id in [one, two] {
        let done = house.until_state(id, JobState::Completed).await;
        assert_eq!((done.crashes, done.attempt), (0, 1), "waiting is no crash and no attempt");
        let calls = house.database.outside_calls().of_job(id).await.unwrap();
        assert_eq!(calls.len(), 1, "asked once");
        assert_eq!(calls[0].state, OutsideCallState::Succeeded);
        assert_eq!(calls[0].cost.as_ref().map(|cost| cost.micros), Some(120_000));
        let made = calls[0].outside_id.clone().unwrap();
        assert_eq!(done.result.unwrap()["made"], format!("made as {made}"));
        let events = house.events(id).await;
        assert!(events.iter().any(|kind| kind == "parked"), "{events:?}");
    }
    assert_eq!(house.vendor.orders().made.len(), 2, "started once each");
    assert!(house.vendor.orders().cancelled.is_empty());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_wakes_a_parked_job_before_its_time() {
    let house = Fixture::new().await;
    let running = house.start();
    let id = house.submit("signalled").await;
    let parked = house.until_state(id, JobState::Parked).await;
    let looks = house.vendor.orders().looks;
    house.database.jobs().signal(id, &Journal::silent(), house.clock.now()).await.unwrap();
    house
        .until(id, "looked at because it was signalled", |job| {
            job.generation > parked.generation && job.state == JobState::Parked
        })
        .await;
    assert!(house.vendor.orders().looks > looks);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_a_parked_job_and_calls_the_work_off() {
    let house = Fixture::new().await;
    let running = house.start();
    let id = house.submit("cancelled").await;
    house.until_state(id, JobState::Parked).await;
    let asked = Instant::now();
    house.database.jobs_of(&house.user).request_cancel(id, &Journal::silent(), house.clock.now()).await.unwrap();
    house.until_state(id, JobState::Cancelled).await;
    println!("cancelled after {} ms", asked.elapsed().as_millis());
    let call = &house.database.outside_calls().of_job(id).await.unwrap()[0];
    let settled = || async { house.database.outside_calls().of_job(id).await.unwrap()[0].state };
    while settled().await != OutsideCallState::Cancelled {
        assert!(asked.elapsed() < support::PATIENCE, "the vendor still works on it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(house.vendor.orders().cancelled, [call.outside_id.clone().unwrap()]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_was_lost_is_found_and_adopted() {
    let house = Fixture::new().await;
    house.vendor.orders().loses_answer = true;
    let running = house.start();
    let id = house.submit("lost answer").await;
    house.until_state(id, JobState::Parked).await;
    house.clock.advance(TimeDelta::seconds(10));
    house.until(id, "found", |job| job.generation >= 2 && job.state == JobState::Parked).await;
    house.clock.advance(Vendor::WORKS);
    house.until_state(id, JobState::Completed).await;
    assert_eq!(house.vendor.orders().made.len(), 1, "it was ordered twice");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_never_arrived_is_made_again_once_that_is_certain() {
    let house = Fixture::new().await;
    house.vendor.orders().loses_order = true;
    let running = house.start();
    let id = house.submit("lost order").await;
    house.until_state(id, JobState::Parked).await;
    house.clock.advance(TimeDelta::seconds(10));
    house.until(id, "looked for", |job| job.generation >= 2 && job.state == JobState::Parked).await;
    assert_eq!(house.vendor.orders().made.len(), 0, "it may still be on its way");
    house.clock.advance(TimeDelta::seconds(30));
    house.until(id, "made again", |job| job.generation >= 3 && job.state == JobState::Parked).await;
    let calls = house.database.outside_calls().of_job(id).await.unwrap();
    let states: Vec<_> = calls.iter().map(|call| call.state).collect();
    assert_eq!(states, [OutsideCallState::NeverArrived, OutsideCallState::Open]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_fails_the_job_with_the_kinds_own_word_and_can_be_tried_again() {
    let house = Fixture::new().await;
    house.vendor.orders().refuses = true;
    let running = house.start();
    let id = house.submit("refused").await;
    let failed = house.until_state(id, JobState::Failed).await;
    assert_eq!(failed.failure.map(|failure| failure.code), Some(FailureCode::ProviderRejected));
    let events = house.database.jobs().events_after(id, 0, 1000).await.unwrap();
    assert_eq!(events.last().unwrap().data["errorType"], "VENDOR_ERROR");

    house.vendor.orders().refuses = false;
    let limits = domain::quota::QuotaLimits::UNLIMITED;
    let now = house.clock.now();
    house.database.jobs_of(&house.user).retry(id, limits, &Journal::silent(), now).await.unwrap();
    house.until_state(id, JobState::Parked).await;
    let stages = house.database.stages().list(id).await.unwrap();
    let prepared = stages.iter().find(|stage| stage.name == "prepare").unwrap();
    assert_eq!(prepared.attempt, 1, "what was finished is not done again");
    house.clock.advance(Vendor::WORKS);
    house.until_state(id, JobState::Completed).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_has_a_deadline_of_its_own_also_while_it_is_parked() {
    let house = Fixture::new().await;
    let running = house.start();
    let id = house.submit("late").await;
    let parked = house.until_state(id, JobState::Parked).await;
    let deadline = SPEC.limits.deadline.unwrap();
    assert_eq!((parked.deadline_at.unwrap() - parked.started_at.unwrap()).to_std().unwrap(), deadline);
    house.clock.advance(TimeDelta::from_std(deadline).unwrap());
    let expired = house.until_state(id, JobState::Expired).await;
    assert!(expired.failure.unwrap().message.ends_with("Ask for less."));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_stage_is_reused_for_the_same_owner_unless_a_job_opts_out() {
    let house = Fixture::new().await;
    let running = house.start();
    let mut made = Vec::new();
    for (words, reuse) in [("same", true), ("same", true), ("same", false), ("other", true)] {
        let id = house.submit_as(words, reuse).await;
        house.until_state(id, JobState::Parked).await;
        house.clock.advance(Vendor::WORKS);
        house.until_state(id, JobState::Completed).await;
        let stages = house.database.stages().list(id).await.unwrap();
        let prepared = stages.into_iter().find(|stage| stage.name == "prepare").unwrap();
        made.push(prepared.checkpoint.unwrap().objects.unwrap()["order.json"].key.clone());
        let events = house.database.jobs().events_after(id, 0, 1000).await.unwrap();
        let reused = events.iter().filter(|event| event.data["reused"] == true).count();
        assert_eq!(reused, usize::from(made.len() == 2), "job {}", made.len());
    }
    assert!(made[1].starts_with("stage-results/"), "{made:?}");
    assert!([0, 2, 3].iter().all(|n| made[*n].starts_with("jobs/")), "{made:?}");
    running.stop().await;
}
