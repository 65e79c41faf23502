//! What an orchestrator finds when the one before it died at the worst moments.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{JobId, JobState, Tier, kinds::melody_vocals, quota::QuotaLimits};
use persistence::{
    Checkpoint, Claim, ClaimableKind, Job, Journal, NewInput, NewJob, OutsideCallState, StageStart, Submission,
};
use resilience::Clock;
use serde_json::json;

use crate::harness::{Gate, Harness, PATIENCE, Vendor};

impl Harness {
    /// A job that somebody claimed and whose lease has run out.
    async fn abandoned_job(&self) -> Job {
        self.job_held_for(TimeDelta::seconds(-1)).await
    }

    /// A job that somebody claimed who will not be heard of again.
    async fn job_held_for(&self, lease: TimeDelta) -> Job {
        let now = self.clock.now();
        let new = NewJob {
            id: JobId::new(now, [5; 10]),
            kind: melody_vocals::NAME,
            tier: Tier::Free,
            params: json!({ "prompt": "a song about coming home", "genre": null, "mood": null, "seed": 1 }),
            inputs: vec![NewInput {
                role: melody_vocals::AUDIO.to_owned(),
                upload_id: None,
                object_key: "uploads/018f6b1e-7c2a-7000-8000-000000000000".to_owned(),
                sha256: String::new(),
                size_bytes: 0,
                file_name: None,
                verdict: None,
            }],
            reuse: true,
            due_at: now,
            deadline_at: None,
            traceparent: None,
        };
        let jobs = self.database.jobs_of(&self.user);
        let submitted = jobs.submit(&new, QuotaLimits::UNLIMITED, None, &Journal::silent(), now).await.unwrap();
        assert!(matches!(submitted, Submission::Accepted { .. }));
        let kinds = [ClaimableKind::of(&melody_vocals::SPEC, Some(now + TimeDelta::minutes(5)))];
        let claim = Claim { owner: "the one that died", lease_until: now + lease, kinds: &kinds, may_start: true };
        self.database.jobs().claim_due(claim, &Journal::silent(), now).await.unwrap().expect("it is due").job
    }

    async fn finish_every_stage(&self, job: &Job) {
        let now = self.clock.now();
        for stage in melody_vocals::SPEC.stages {
            let stages = self.database.stages();
            let started = stages.start(job.id, job.generation, stage.name, 1, now).await.unwrap();
            assert!(matches!(started, StageStart::Started));
            let checkpoint = Checkpoint {
                inputs_hash: "equal".to_owned(),
                objects: None,
                output: Some(json!({ "title": "Home", "stage": stage.name.as_str() })),
                provider: None,
            };
            assert!(stages.finish(job.id, job.generation, stage.name, &checkpoint, now).await.unwrap());
        }
    }

    /// Runs an orchestrator until the job has ended.
    async fn run_until_ended(&self, id: JobId) -> Job {
        let running = self.start();
        let job = self.until(id, "over", |job| job.state.is_final()).await;
        running.stop().await;
        job
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_interrupted_between_its_last_checkpoint_and_its_completion_completes() {
    let harness = Harness::new().await;
    let job = harness.abandoned_job().await;
    harness.finish_every_stage(&job).await;

    let ended = harness.run_until_ended(job.id).await;

    assert_eq!(ended.state, JobState::Completed, "{:?}", ended.failure);
    assert_eq!((ended.progress.percent(), ended.crashes), (100, 1));
    assert_eq!(ended.result.unwrap()["stage"], "finalization");
    let stages = harness.database.stages().list(job.id).await.unwrap();
    assert!(stages.iter().all(|stage| stage.attempt == 1), "no stage ran again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_cancel_outlives_the_orchestrator_that_should_have_seen_it() {
    let harness = Harness::new().await;
    let job = harness.abandoned_job().await;
    harness.request_cancel(job.id).await;

    let ended = harness.run_until_ended(job.id).await;

    assert_eq!(ended.state, JobState::Cancelled);
    let events = harness.log(job.id).await;
    assert_eq!(events.last().map(|event| event.kind.as_str()), Some("cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_are_told_that_a_job_waits_for_a_lease_and_that_it_is_taken_over() {
    let mut harness = Harness::new().await;
    // The lock of another process: leases found at the start are left alone.
    let lock = std::fs::File::create(harness.settings.data_dir.join("orchestrator.lock")).unwrap();
    lock.lock().unwrap();
    harness.settings.jobs.lease = Duration::from_secs(7200);
    let job = harness.job_held_for(TimeDelta::hours(1)).await;
    harness.finish_every_stage(&job).await;

    let ending = async {
        let started = Instant::now();
        while harness.events(job.id).await.is_empty() {
            assert!(started.elapsed() < PATIENCE, "no event after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let events = harness.log(job.id).await;
        let until: DateTime<Utc> = events[0].data["retryAt"].as_str().unwrap().parse().unwrap();
        assert_eq!((events[0].kind.as_str(), Some(until)), ("stalled", job.lease_until));
        harness.database.jobs().end_leases(harness.clock.now()).await.unwrap();
    };
    let (ended, ()) = tokio::join!(harness.run_until_ended(job.id), ending);

    assert_eq!((ended.state, ended.crashes), (JobState::Completed, 1));
    let kinds = harness.events(job.id).await;
    assert_eq!(kinds.first_chunk(), Some(&["stalled".to_owned(), "resumed".to_owned()]), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "stalled").count(), 1, "it is said once: {kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_died_with_its_orchestrator_is_found_and_adopted() {
    let harness = Harness::new().await;
    harness.vendor.orders().holds_answers = Some(Gate::closed());
    let first = harness.start();
    let id = harness.submit("interrupted").await;
    harness.until_vendor("asked", |orders| orders.made.len() == 1).await;
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Intended]);
    first.kill().await;
    let left = harness.job(id).await;
    assert_eq!((left.state, left.generation), (JobState::Running, 1), "nothing was handed back");

    harness.vendor.orders().holds_answers = None;
    let second = harness.start();
    let parked = harness.until_state(id, JobState::Parked).await;
    assert_eq!(parked.crashes, 1);
    let calls = harness.calls(id).await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((calls[0].state, calls[0].outside_id.as_deref()), (OutsideCallState::Open, Some("v-1")));

    harness.clock.advance(Vendor::WORKS);
    let done = harness.until_state(id, JobState::Completed).await;
    assert_eq!(done.result.unwrap()["made"], "made as v-1");
    {
        let orders = harness.vendor.orders();
        assert_eq!((orders.creations, orders.made.len()), (1, 1), "it was ordered twice");
        assert!(orders.cancelled.is_empty(), "{:?}", orders.cancelled);
    }
    second.stop().await;
}
