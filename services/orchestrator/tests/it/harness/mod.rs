//! An orchestrator at work on SQLite and a folder, by a clock that tests turn, with a kind of job of the tests' own and a
//! vendor who does its work.

mod deletions;
mod kind;
pub mod log;
mod school;
mod storage;
mod vendor;

use std::{
    path::PathBuf,
    sync::{Arc, MutexGuard},
    time::{Duration, Instant},
};

use blob_store::BlobStore;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::v1;
use deletions::Deletions;
use domain::{JobId, JobState, KindName, MessageId, Tier, UserId, quota::QuotaLimits};
use messaging::Body;
use orchestrator::Orchestrator;
use persistence::{
    CancelOutcome, Database, Job, Journal, LoggedEvent, NewJob, OutsideCall, OutsideCallState, RetryOutcome, Submission,
};
use resilience::{Clock, ManualClock, ids::random10};
use serde_json::{Value, json};
use service_runtime::{CancellationToken, Exit};
use settings::{LoadOptions, ObjectStore, Settings};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

pub use kind::{ORDER, PREPARE, SPEC};
pub use school::School;
pub use storage::Storage;
pub use vendor::{Gate, Orders, Vendor};

/// Longest that anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// No sweep and no poll of the rows comes to help: what happens was told by a message, or found at the start.
pub const ONLY_MESSAGES: [(&str, &str); 2] = [("jobs.reconcile_ms", "3600000"), ("jobs.cancel_poll_ms", "1000")];

/// Everything but the orchestrator, which tests start and stop.
pub struct Harness {
    pub settings: Settings,
    pub database: Database,
    pub clock: Arc<ManualClock>,
    pub vendor: Arc<Vendor>,
    /// Does the work of jobs whose words begin with its name.
    pub other: Arc<Vendor>,
    pub user: UserId,
    pub deletions: Deletions,
    /// Takes results in.
    pub storage: Storage,
    /// Trains models, and makes music with them.
    pub school: Arc<School>,
    folder: TempDir,
}

/// A running orchestrator, with threads of its own.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<Exit>,
    /// Taken when it ends.
    runtime: Option<Runtime>,
}

impl Running {
    pub async fn stop(mut self) {
        self.stop.cancel();
        assert_eq!((&mut self.task).await.unwrap(), Exit::Stopped);
    }

    /// As if its process had died: nothing is handed back, and nothing of it goes on.
    pub async fn kill(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(|| runtime.shutdown_timeout(PATIENCE)).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Harness {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[(&'static str, &'static str)]) -> Self {
        service_runtime::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let options = LoadOptions::default()
            .with("data_dir", folder.path().display().to_string())
            .with("http.health_port", "0")
            .with("jobs.rate_per_minute", "6000")
            .with("jobs.cancel_poll_ms", "50")
            .with("jobs.reconcile_ms", "50");
        let options = more.iter().fold(options, |options, (key, value)| options.with(key, *value));
        let settings = Settings::load(&options).unwrap();
        let database = Database::connect(settings.database.url.expose(), 4).await.unwrap();
        database.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::new(Utc::now()));
        let vendor = Arc::new(Vendor::new("vendor", clock.clone()));
        let other = Arc::new(Vendor::new("other", clock.clone()));
        let school = Arc::new(School::new(clock.clone()));
        let (user, deletions, storage) = (UserId::local(), Deletions::default(), Storage::default());
        Self { settings, database, clock, vendor, other, user, deletions, storage, school, folder }
    }

    /// Starts an orchestrator that knows the sample kind.
    pub fn start(&self) -> Running {
        let orchestrator = Orchestrator::default()
            .with_kind(kind::kind(self.vendor.clone(), self.other.clone()))
            .with_trainer(School::NAME, self.school.clone())
            .with_composer(School::NAME, "1", self.school.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stop = CancellationToken::new();
        let task = runtime.spawn(service_runtime::run_until_with(
            self.clock.clone(),
            "orchestrator",
            self.settings.clone(),
            vec![Box::new(orchestrator), Box::new(self.deletions.clone()), Box::new(self.storage.clone())],
            stop.clone(),
        ));
        Running { stop, task, runtime: Some(runtime) }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub async fn submit(&self, words: &str) -> JobId {
        self.submit_as(words, true).await
    }

    pub async fn submit_as(&self, words: &str, reuse: bool) -> JobId {
        self.submit_new(NewJob { reuse, ..self.new_job(SPEC.name.clone(), json!({ "words": words })) }).await
    }

    /// A job of any kind.
    pub async fn submit_job(&self, kind: KindName, params: Value, deadline_at: Option<DateTime<Utc>>) -> JobId {
        self.submit_new(NewJob { deadline_at, ..self.new_job(kind, params) }).await
    }

    pub fn new_job(&self, kind: KindName, params: Value) -> NewJob {
        let now = self.now();
        NewJob {
            id: JobId::new(now, random10()),
            kind,
            tier: Tier::Free,
            params,
            inputs: Vec::new(),
            reuse: true,
            due_at: now,
            deadline_at: None,
            traceparent: None,
        }
    }

    pub async fn submit_new(&self, new: NewJob) -> JobId {
        let now = self.now();
        let ready = self.telling(v1::JobReady { job_id: new.id.to_string() });
        let jobs = self.database.jobs_of(&self.user);
        let submitted = jobs.submit(&new, QuotaLimits::UNLIMITED, None, &ready, now).await.unwrap();
        assert!(matches!(submitted, Submission::Accepted { .. }));
        new.id
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.database.jobs().get(id).await.unwrap().expect("the job has a row")
    }

    /// The job as soon as it is as wanted.
    pub async fn until(&self, id: JobId, what: &str, is_wanted: impl Fn(&Job) -> bool) -> Job {
        let started = Instant::now();
        loop {
            let job = self.job(id).await;
            if is_wanted(&job) {
                return job;
            }
            assert!(started.elapsed() < PATIENCE, "never {what}: {} {:?}", job.state, job.failure);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn until_state(&self, id: JobId, state: JobState) -> Job {
        self.until(id, state.as_str(), |job| job.state == state).await
    }

    /// The job as soon as it is in a state, with the clock running: what waits for a moment comes to it.
    pub async fn with_time(&self, id: JobId, state: JobState) -> Job {
        let started = Instant::now();
        loop {
            let job = self.job(id).await;
            if job.state == state {
                return job;
            }
            assert!(!job.state.is_final(), "{} {:?}", job.state, job.failure);
            assert!(started.elapsed() < PATIENCE, "never {state}: {} {:?}", job.state, job.failure);
            // Only while nobody holds the job: its lease runs by the same clock.
            if matches!(job.state, JobState::Queued | JobState::Parked) && job.due_at > self.clock.now() {
                // The orchestrator looks for due jobs by real seconds: one look, after the vendor is done.
                let work = if job.state == JobState::Parked { Vendor::WORKS } else { TimeDelta::zero() };
                self.clock.advance(work.max(job.due_at - self.clock.now()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The files below the data folder whose paths hold `part` and end with `name`.
    pub fn objects(&self, part: &str, name: &str) -> Vec<PathBuf> {
        let (mut folders, mut found) = (vec![self.folder.path().to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_str().is_some_and(|path| path.contains(part)) && path.ends_with(name) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// The objects of the deployment.
    pub fn blobs(&self) -> Arc<dyn BlobStore> {
        let ObjectStore::Folder { path } = &self.settings.objects.store else { panic!("the objects lie in a folder") };
        blob_store::folder(path).unwrap()
    }

    /// The events of a job so far.
    pub async fn log(&self, id: JobId) -> Vec<LoggedEvent> {
        self.database.jobs().events_after(id, 0, 1000).await.unwrap()
    }

    /// Their kinds.
    pub async fn events(&self, id: JobId) -> Vec<String> {
        self.log(id).await.into_iter().map(|event| event.kind).collect()
    }

    /// A journal that carries a message about a job.
    pub fn telling(&self, body: impl Into<Body> + Clone + Send + Sync + 'static) -> Journal<'static> {
        let now = self.clock.now();
        Journal::silent().messages(move |job: &Job| {
            let envelope =
                contracts::envelope(body.clone(), MessageId::new(now, random10()), now).about(job.id, job.generation);
            service_runtime::outgoing(&envelope).into_iter().collect()
        })
    }

    /// The owner's request to stop a job, which no message tells of.
    pub async fn request_cancel(&self, id: JobId) {
        self.store_cancel(id, &Journal::silent()).await;
    }

    /// The owner's request to stop a job, and the message that tells of it.
    pub async fn request_cancel_and_tell(&self, id: JobId) {
        self.store_cancel(id, &self.telling(v1::CancelJob { job_id: id.to_string() })).await;
    }

    async fn store_cancel(&self, id: JobId, journal: &Journal<'_>) {
        let stored = self.database.jobs_of(&self.user).request_cancel(id, journal, self.clock.now()).await.unwrap();
        assert!(matches!(stored, CancelOutcome::Requested(_)), "{stored:?}");
    }

    /// The owner's request to try a job again, and the message that tells of it.
    pub async fn retry(&self, id: JobId) {
        let ready = self.telling(v1::JobReady { job_id: id.to_string() });
        let jobs = self.database.jobs_of(&self.user);
        let stored = jobs.retry(id, QuotaLimits::UNLIMITED, &ready, self.clock.now()).await.unwrap();
        assert!(matches!(stored, RetryOutcome::Requeued { .. }), "{stored:?}");
    }

    /// What was asked for outside for a job, oldest first.
    pub async fn calls(&self, id: JobId) -> Vec<OutsideCall> {
        self.database.outside_calls().of_job(id).await.unwrap()
    }

    pub async fn call_states(&self, id: JobId) -> Vec<OutsideCallState> {
        self.calls(id).await.into_iter().map(|call| call.state).collect()
    }

    /// Waits until the calls of a job are in these states.
    pub async fn until_calls_are(&self, id: JobId, wanted: &[OutsideCallState]) {
        let started = Instant::now();
        loop {
            let states = self.call_states(id).await;
            if states == wanted {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "never {wanted:?}: {states:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The only call of a job as soon as it is as wanted.
    pub async fn until_call(&self, id: JobId, what: &str, is_wanted: impl Fn(&OutsideCall) -> bool) -> OutsideCall {
        let started = Instant::now();
        loop {
            let call = <[OutsideCall; 1]>::try_from(self.calls(id).await).unwrap();
            if is_wanted(&call[0]) {
                return call.into_iter().next().unwrap();
            }
            assert!(started.elapsed() < PATIENCE, "never {what}: {call:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until storage was told of so many deletions.
    pub async fn until_published(&self, deletions: usize) {
        let started = Instant::now();
        while self.deletions.published().len() < deletions {
            assert!(started.elapsed() < PATIENCE, "only {:?}", self.deletions.published());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Something outside has happened that a job may wait for.
    pub async fn signal(&self, id: JobId) {
        self.database.jobs().signal(id, &Journal::silent(), self.clock.now()).await.unwrap();
    }

    /// Waits until the vendor was asked for something.
    pub async fn until_vendor(&self, what: &str, is_wanted: impl Fn(&Orders) -> bool) {
        let started = Instant::now();
        let is_there = |orders: MutexGuard<'_, Orders>| is_wanted(&orders);
        while !is_there(self.vendor.orders()) {
            assert!(started.elapsed() < PATIENCE, "never {what}: {:?}", self.vendor.orders());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
