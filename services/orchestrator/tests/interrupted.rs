//! What an orchestrator finds when the one before it died at the worst moments.

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::{JobId, JobState, Tier, UserId, kinds::melody_vocals, quota::QuotaLimits};
use orchestrator::Orchestrator;
use persistence::{Checkpoint, Claim, ClaimableKind, Database, Job, Journal, NewInput, NewJob, StageStart, Submission};
use serde_json::json;
use service_runtime::{CancellationToken, Exit};
use settings::{LoadOptions, Settings};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    settings: Settings,
    database: Database,
    _folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = LoadOptions::default()
            .with("data_dir", folder.path().display().to_string())
            .with("http.health_port", "0")
            .with("jobs.reconcile_ms", "100");
        let settings = Settings::load(&options).unwrap();
        let database = Database::connect(settings.database.url.expose(), 2).await.unwrap();
        database.migrate().await.unwrap();
        Self { settings, database, _folder: folder }
    }

    /// A job that somebody claimed and whose lease has run out.
    async fn abandoned_job(&self) -> Job {
        self.job_held_for(TimeDelta::seconds(-1)).await
    }

    /// A job that somebody claimed who will not be heard of again.
    async fn job_held_for(&self, lease: TimeDelta) -> Job {
        let user = UserId::local();
        let now = Utc::now().trunc_subsecs(6);
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
        let jobs = self.database.jobs_of(&user);
        let submitted = jobs.submit(&new, QuotaLimits::UNLIMITED, None, &Journal::silent(), now).await.unwrap();
        assert!(matches!(submitted, Submission::Accepted { .. }));
        let kinds = [ClaimableKind::of(&melody_vocals::SPEC, Some(now + TimeDelta::minutes(5)))];
        let claim = Claim { owner: "the one that died", lease_until: now + lease, kinds: &kinds, may_start: true };
        self.database.jobs().claim_due(claim, &Journal::silent(), now).await.unwrap().expect("it is due").job
    }

    async fn finish_every_stage(&self, job: &Job, now: DateTime<Utc>) {
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

    async fn event_kinds(&self, id: JobId) -> Vec<String> {
        let events = self.database.jobs().events_after(id, 0, 100).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    /// Runs an orchestrator until the job has ended.
    async fn run_until_ended(&self, id: JobId) -> Job {
        let stop = CancellationToken::new();
        let running = tokio::spawn(service_runtime::run_until(
            "orchestrator",
            self.settings.clone(),
            vec![Box::new(Orchestrator::default())],
            stop.clone(),
        ));
        let started = Instant::now();
        let job = loop {
            let job = self.database.jobs().get(id).await.unwrap().expect("the job has a row");
            if job.state.is_final() {
                break job;
            }
            assert!(started.elapsed() < PATIENCE, "still {} after {PATIENCE:?}", job.state);
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        stop.cancel();
        assert_eq!(running.await.unwrap(), Exit::Stopped);
        job
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_interrupted_between_its_last_checkpoint_and_its_completion_completes() {
    let house = House::new().await;
    let job = house.abandoned_job().await;
    house.finish_every_stage(&job, Utc::now()).await;

    let ended = house.run_until_ended(job.id).await;

    assert_eq!(ended.state, JobState::Completed, "{:?}", ended.failure);
    assert_eq!((ended.progress.percent(), ended.crashes), (100, 1));
    assert_eq!(ended.result.unwrap()["stage"], "finalization");
    let stages = house.database.stages().list(job.id).await.unwrap();
    assert!(stages.iter().all(|stage| stage.attempt == 1), "no stage ran again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_cancel_outlives_the_orchestrator_that_should_have_seen_it() {
    let house = House::new().await;
    let job = house.abandoned_job().await;
    let user = UserId::local();
    house.database.jobs_of(&user).request_cancel(job.id, &Journal::silent(), Utc::now()).await.unwrap();

    let ended = house.run_until_ended(job.id).await;

    assert_eq!(ended.state, JobState::Cancelled);
    let events = house.database.jobs().events_after(job.id, 0, 100).await.unwrap();
    assert_eq!(events.last().map(|event| event.kind.as_str()), Some("cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_are_told_that_a_job_waits_for_a_lease_and_that_it_is_taken_over() {
    let mut house = House::new().await;
    // The lock of another process: leases found at the start are left alone.
    let lock = std::fs::File::create(house.settings.data_dir.join("orchestrator.lock")).unwrap();
    lock.lock().unwrap();
    house.settings.jobs.lease = Duration::from_secs(7200);
    let job = house.job_held_for(TimeDelta::hours(1)).await;
    house.finish_every_stage(&job, Utc::now()).await;

    let ending = async {
        let started = Instant::now();
        while house.event_kinds(job.id).await.is_empty() {
            assert!(started.elapsed() < PATIENCE, "no event after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let events = house.database.jobs().events_after(job.id, 0, 100).await.unwrap();
        let until: DateTime<Utc> = events[0].data["retryAt"].as_str().unwrap().parse().unwrap();
        assert_eq!((events[0].kind.as_str(), Some(until)), ("stalled", job.lease_until));
        house.database.jobs().end_leases(Utc::now()).await.unwrap();
    };
    let (ended, ()) = tokio::join!(house.run_until_ended(job.id), ending);

    assert_eq!((ended.state, ended.crashes), (JobState::Completed, 1));
    let kinds = house.event_kinds(job.id).await;
    assert_eq!(kinds.first_chunk(), Some(&["stalled".to_owned(), "resumed".to_owned()]), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "stalled").count(), 1, "it is said once: {kinds:?}");
}
