//! Work that somebody outside does for ten minutes of the clock's time: asked for once, found again, held by nobody.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::{FailureClass, FailureCode, JobState};
use persistence::OutsideCallState;

use crate::harness::{Harness, PATIENCE, SPEC, Vendor};

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_outside_through_a_restart_hold_no_slot_and_are_paid_for_once() {
    let harness = Harness::new().await;
    let first = harness.start();
    let (one, two) = (harness.submit("one").await, harness.submit("two").await);
    // The kind has one slot: two jobs that wait outside at once prove that neither holds it.
    for id in [one, two] {
        let parked = harness.until_state(id, JobState::Parked).await;
        assert_eq!((parked.lease_owner, parked.lease_until, parked.attempt), (None, None, 1));
        assert_eq!(parked.state.seed_status(), "processing", "older clients know no other word");
        assert_eq!(parked.waits_for.as_deref(), Some("vendor works on it"));
    }

    harness.clock.advance(TimeDelta::minutes(4));
    harness.until(one, "looked at again", |job| job.generation >= 2 && job.state == JobState::Parked).await;
    first.stop().await;
    harness.clock.advance(TimeDelta::minutes(3));
    let second = harness.start();
    harness.until(one, "looked at after the restart", |job| job.generation >= 3 && job.state == JobState::Parked).await;
    harness.clock.advance(TimeDelta::minutes(4));

    for id in [one, two] {
        let done = harness.until_state(id, JobState::Completed).await;
        assert_eq!((done.crashes, done.attempt), (0, 1), "waiting is no crash and no attempt");
        let calls = harness.calls(id).await;
        assert_eq!(calls.len(), 1, "asked once");
        assert_eq!(calls[0].state, OutsideCallState::Succeeded);
        assert_eq!(calls[0].cost.as_ref().map(|cost| cost.micros), Some(120_000));
        let made = calls[0].outside_id.clone().unwrap();
        assert_eq!(done.result.unwrap()["made"], format!("made as {made}"));
        let events = harness.events(id).await;
        assert!(events.iter().any(|kind| kind == "parked"), "{events:?}");
    }
    assert_eq!(harness.vendor.orders().made.len(), 2, "started once each");
    assert!(harness.vendor.orders().cancelled.is_empty());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_wakes_a_parked_job_before_its_time() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.submit("signalled").await;
    let parked = harness.until_state(id, JobState::Parked).await;
    let looks = harness.vendor.orders().looks;
    harness.signal(id).await;
    harness
        .until(id, "looked at because it was signalled", |job| {
            job.generation > parked.generation && job.state == JobState::Parked
        })
        .await;
    assert!(harness.vendor.orders().looks > looks);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_a_parked_job_and_calls_the_work_off() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.submit("cancelled").await;
    harness.until_state(id, JobState::Parked).await;
    let asked = Instant::now();
    harness.request_cancel(id).await;
    harness.until_state(id, JobState::Cancelled).await;
    println!("cancelled after {} ms", asked.elapsed().as_millis());
    let call = &harness.calls(id).await[0];
    let settled = || async { harness.calls(id).await[0].state };
    while settled().await != OutsideCallState::Cancelled {
        assert!(asked.elapsed() < PATIENCE, "the vendor still works on it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(harness.vendor.orders().cancelled, [call.outside_id.clone().unwrap()]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_was_lost_is_found_and_adopted() {
    let harness = Harness::new().await;
    harness.vendor.orders().loses_answer = true;
    let running = harness.start();
    let id = harness.submit("lost answer").await;
    harness.until_state(id, JobState::Parked).await;
    harness.clock.advance(TimeDelta::seconds(10));
    harness.until(id, "found", |job| job.generation >= 2 && job.state == JobState::Parked).await;
    harness.clock.advance(Vendor::WORKS);
    harness.until_state(id, JobState::Completed).await;
    assert_eq!(harness.vendor.orders().made.len(), 1, "it was ordered twice");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_never_arrived_is_made_again_once_that_is_certain() {
    let harness = Harness::new().await;
    harness.vendor.orders().loses_order = true;
    let running = harness.start();
    let id = harness.submit("lost order").await;
    harness.until_state(id, JobState::Parked).await;
    harness.clock.advance(TimeDelta::seconds(10));
    harness.until(id, "looked for", |job| job.generation >= 2 && job.state == JobState::Parked).await;
    assert_eq!(harness.vendor.orders().made.len(), 0, "it may still be on its way");
    harness.clock.advance(TimeDelta::seconds(30));
    harness.until(id, "made again", |job| job.generation >= 3 && job.state == JobState::Parked).await;
    let calls = harness.calls(id).await;
    let states: Vec<_> = calls.iter().map(|call| call.state).collect();
    assert_eq!(states, [OutsideCallState::NeverArrived, OutsideCallState::Open]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_shows_up_late_is_found_and_not_made_again() {
    for never_shows in [false, true] {
        let harness = Harness::new().await;
        {
            let mut orders = harness.vendor.orders();
            (orders.loses_answer, orders.hides_orders, orders.certain_after_seconds) = (true, true, 300);
        }
        let running = harness.start();
        let id = harness.submit("shows up late").await;
        let mut generation = harness.until_state(id, JobState::Parked).await.generation;
        // Long after others would be certain.
        for seconds in [35, 65, 120] {
            harness.clock.advance(TimeDelta::seconds(seconds));
            let looked = |job: &persistence::Job| job.generation > generation && job.state == JobState::Parked;
            generation = harness.until(id, "looked for", looked).await.generation;
            assert_eq!(harness.vendor.orders().creations, 1, "nobody is certain yet");
            assert_eq!(harness.call_states(id).await, [OutsideCallState::Intended]);
        }
        harness.vendor.orders().hides_orders = never_shows;
        harness.clock.advance(TimeDelta::seconds(90));
        let settled = |job: &persistence::Job| job.generation > generation && job.state == JobState::Parked;
        harness.until(id, "settled", settled).await;
        let expected = match never_shows {
            false => vec![OutsideCallState::Open],
            true => vec![OutsideCallState::NeverArrived, OutsideCallState::Open],
        };
        assert_eq!(harness.call_states(id).await, expected);
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_fails_the_job_with_the_kinds_own_word_and_can_be_tried_again() {
    let harness = Harness::new().await;
    harness.vendor.orders().refuses = Some(FailureClass::Caller);
    let running = harness.start();
    let id = harness.submit("refused").await;
    let failed = harness.until_state(id, JobState::Failed).await;
    assert_eq!(failed.failure.map(|failure| failure.code), Some(FailureCode::ProviderRejected));
    let events = harness.log(id).await;
    assert_eq!(events.last().unwrap().data["errorType"], "VENDOR_ERROR");

    harness.vendor.orders().refuses = None;
    harness.retry(id).await;
    harness.until_state(id, JobState::Parked).await;
    let stages = harness.database.stages().list(id).await.unwrap();
    let prepared = stages.iter().find(|stage| stage.name == "prepare").unwrap();
    assert_eq!(prepared.attempt, 1, "what was finished is not done again");
    harness.clock.advance(Vendor::WORKS);
    harness.until_state(id, JobState::Completed).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_has_a_deadline_of_its_own_also_while_it_is_parked() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.submit("late").await;
    let parked = harness.until_state(id, JobState::Parked).await;
    let deadline = SPEC.limits.deadline.unwrap();
    assert_eq!((parked.deadline_at.unwrap() - parked.started_at.unwrap()).to_std().unwrap(), deadline);
    harness.clock.advance(TimeDelta::from_std(deadline).unwrap());
    let expired = harness.until_state(id, JobState::Expired).await;
    assert!(expired.failure.unwrap().message.ends_with("Ask for less."));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_stage_is_reused_for_the_same_owner_unless_a_job_opts_out() {
    let harness = Harness::new().await;
    let running = harness.start();
    let mut made = Vec::new();
    for (words, reuse) in [("same", true), ("same", true), ("same", false), ("other", true)] {
        let id = harness.submit_as(words, reuse).await;
        harness.until_state(id, JobState::Parked).await;
        harness.clock.advance(Vendor::WORKS);
        harness.until_state(id, JobState::Completed).await;
        let stages = harness.database.stages().list(id).await.unwrap();
        let prepared = stages.into_iter().find(|stage| stage.name == "prepare").unwrap();
        made.push(prepared.checkpoint.unwrap().objects.unwrap()["order.json"].key.clone());
        let events = harness.log(id).await;
        let reused = events.iter().filter(|event| event.data["reused"] == true).count();
        assert_eq!(reused, usize::from(made.len() == 2), "job {}", made.len());
    }
    assert!(made[1].starts_with("stage-results/"), "{made:?}");
    assert!([0, 2, 3].iter().all(|n| made[*n].starts_with("jobs/")), "{made:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_that_a_look_shows_is_told_once() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.submit("progress").await;
    let mut seen = harness.until_state(id, JobState::Parked).await;
    assert_eq!(seen.progress.percent(), 10);
    // Halves and quarters of the vendor's ten minutes, of the stage's 10 to 90 %; the second look at each has no news.
    for (percent, advance) in [(50, 300), (50, 0), (70, 150), (70, 0)] {
        harness.clock.advance(TimeDelta::seconds(advance));
        let before = (seen, harness.log(id).await);
        harness.signal(id).await;
        seen = harness
            .until(id, "looked at", |job| job.generation > before.0.generation && job.state == JobState::Parked)
            .await;
        assert_eq!(seen.progress.percent(), percent);
        let log = harness.log(id).await;
        if advance == 0 {
            assert_eq!(log, before.1, "no news, and something was told");
        } else {
            let told = log.last().unwrap();
            assert_eq!((told.kind.as_str(), &told.data["progress"]), ("parked", &percent.into()));
            assert_eq!(told.data["stage"], "order");
        }
    }
    running.stop().await;
}
