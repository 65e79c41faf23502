//! An orchestrator at work on SQLite and a folder, by a clock that tests turn, with a kind of job of the tests' own: no
//! input, three stages, and in the middle a vendor who works for ten minutes.

#![allow(dead_code)] // each suite uses a part

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, JobId, JobState, KindName, KindSpec, StageName, StageSpec, Tier,
    UserId, artifact, kind::KindLimits, progress::ProgressSpan, quota::QuotaLimits,
};
use orchestrator::{
    Asked, CreateError, Kind, Orchestrator, OutsideProgress, OutsideService, ReuseKey, Stage, StageOutcome, StageRun,
    ask,
};
use persistence::{Cost, Database, Job, Journal, NewJob, Submission};
use resilience::{Clock, ManualClock, ids::random10};
use serde_json::{Value, json};
use service_runtime::{CancellationToken, Exit};
use settings::{LoadOptions, Settings};
use tempfile::TempDir;

pub const PATIENCE: Duration = Duration::from_secs(30);

pub const PREPARE: StageName = StageName::new("prepare");
pub const ORDER: StageName = StageName::new("order");
pub const WRAP: StageName = StageName::new("wrap");

/// The table of the kind.
pub static SPEC: KindSpec = KindSpec {
    name: KindName::new("sample"),
    inputs: &[],
    stages: &[
        StageSpec {
            name: PREPARE,
            label: "Preparing",
            progress: ProgressSpan::new(0, 10),
            error_word: "PREPARE_ERROR",
        },
        StageSpec {
            name: ORDER,
            label: "Waiting for the vendor",
            progress: ProgressSpan::new(10, 90),
            error_word: "VENDOR_ERROR",
        },
        StageSpec { name: WRAP, label: "Wrapping", progress: ProgressSpan::new(90, 100), error_word: "WRAP_ERROR" },
    ],
    artifacts: &[artifact::REPORT],
    default_role: ArtifactRole::REPORT,
    limits: KindLimits {
        deadline: Some(Duration::from_secs(3600)),
        slots: Some(1),
        max_attempts: None,
        files_kept: None,
    },
    overtime_advice: "Ask for less.",
    error_words: &[],
};

struct Prepare;

#[async_trait]
impl Stage for Prepare {
    fn name(&self) -> StageName {
        PREPARE
    }

    /// What the request says, and nothing else.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        Ok(Some(ReuseKey { inputs: json!({ "request": run.job.request }), provider: Some("us") }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        run.put_json("order.json", &json!({ "words": run.job.request["words"], "at": run.job.generation })).await?;
        StageOutcome::done(Some("us".to_owned()), json!({ "prepared": true }))
    }
}

struct Order(Arc<Vendor>);

#[async_trait]
impl Stage for Order {
    fn name(&self) -> StageName {
        ORDER
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let order: Value = run.get_json("order.json").await?;
        match ask(run, &*self.0, "order", &order).await? {
            Asked::Parked(parking) => Ok(StageOutcome::Parked(parking)),
            Asked::Answered { value, outside_id } => {
                StageOutcome::done(Some("vendor".to_owned()), json!({ "made": value, "as": outside_id }))
            }
        }
    }
}

struct Wrap;

#[async_trait]
impl Stage for Wrap {
    fn name(&self) -> StageName {
        WRAP
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let made = run.done.get(ORDER.as_str()).map(|order| order.detail["made"].clone()).unwrap_or_default();
        StageOutcome::done(None, json!({ "made": made }))
    }
}

/// A stand-in that works ten minutes of the clock's time on each order, and misbehaves when told to.
#[derive(Debug)]
pub struct Vendor {
    clock: Arc<ManualClock>,
    state: Mutex<Orders>,
}

#[derive(Debug, Default)]
pub struct Orders {
    /// By the vendor's id: the correlation, and when it was ordered.
    pub made: BTreeMap<String, (String, DateTime<Utc>)>,
    pub cancelled: Vec<String>,
    pub looks: u32,
    /// Takes the next order and loses its answer.
    pub loses_answer: bool,
    /// Loses the next order itself.
    pub loses_order: bool,
    pub refuses: bool,
    /// The next looks that fail.
    pub blips: u32,
    /// Never answers an attempt to call work off.
    pub ignores_cancel: bool,
    /// Takes orders only when this is notified.
    pub holds_orders: Option<Arc<tokio::sync::Notify>>,
    /// How long a call may take, in milliseconds; the usual limit when 0.
    pub patience_ms: u64,
}

impl Vendor {
    pub const WORKS: TimeDelta = TimeDelta::minutes(10);

    pub fn orders(&self) -> MutexGuard<'_, Orders> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away() -> Failure {
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "the vendor did not answer")
    }
}

#[async_trait]
impl OutsideService for Vendor {
    fn provider(&self) -> &'static str {
        "vendor"
    }

    fn answers_within(&self) -> Duration {
        match self.orders().patience_ms {
            0 => Duration::from_secs(10),
            ms => Duration::from_millis(ms),
        }
    }

    async fn create(&self, correlation: &str, _request: &Value) -> Result<String, CreateError> {
        let held = self.orders().holds_orders.clone();
        if let Some(held) = held {
            held.notified().await;
        }
        let mut orders = self.orders();
        if orders.refuses {
            let why = Failure::new(FailureClass::Caller, FailureCode::ProviderRejected, "not like this");
            return Err(CreateError::Refused(why));
        }
        if std::mem::take(&mut orders.loses_order) {
            return Err(CreateError::Unanswered(Self::away()));
        }
        let id = format!("v-{}", orders.made.len() + 1);
        orders.made.insert(id.clone(), (correlation.to_owned(), self.clock.now()));
        if std::mem::take(&mut orders.loses_answer) {
            return Err(CreateError::Unanswered(Self::away()));
        }
        Ok(id)
    }

    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure> {
        let orders = self.orders();
        Ok(orders.made.iter().find(|(_, (known, _))| known == correlation).map(|(id, _)| id.clone()))
    }

    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure> {
        let now = self.clock.now();
        let mut orders = self.orders();
        orders.looks += 1;
        if orders.blips > 0 {
            orders.blips -= 1;
            return Err(Self::away());
        }
        let (_, ordered_at) = orders.made.get(outside_id).cloned().ok_or_else(Self::away)?;
        let worked = now - ordered_at;
        if worked < Self::WORKS {
            let fraction = worked.num_milliseconds() as f64 / Self::WORKS.num_milliseconds() as f64;
            return Ok(OutsideProgress::Working { fraction: Some(fraction), look_again_in: Duration::from_secs(60) });
        }
        let cost = Some(Cost { micros: 120_000, currency: "USD".to_owned() });
        Ok(OutsideProgress::Succeeded { value: json!(format!("made as {outside_id}")), cost })
    }

    async fn cancel(&self, outside_id: &str) -> Result<(), Failure> {
        if self.orders().ignores_cancel {
            std::future::pending::<()>().await;
        }
        self.orders().cancelled.push(outside_id.to_owned());
        Ok(())
    }
}

/// Everything but the orchestrator, which tests start and stop.
pub struct Fixture {
    pub settings: Settings,
    pub database: Database,
    pub clock: Arc<ManualClock>,
    pub vendor: Arc<Vendor>,
    pub user: UserId,
    folder: TempDir,
}

/// A running orchestrator.
pub struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Exit>,
}

impl Running {
    pub async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.task.await.unwrap(), Exit::Stopped);
    }

    /// As if its process had died: nothing is handed back.
    pub fn abort(self) {
        self.task.abort();
    }
}

impl Fixture {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[(&'static str, &'static str)]) -> Self {
        service_runtime::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let options = LoadOptions::default()
            .with("data_dir", folder.path().display().to_string())
            .with("http.health_port", "0")
            .with("jobs.cancel_poll_ms", "50")
            .with("jobs.reconcile_ms", "50");
        let options = more.iter().fold(options, |options, (key, value)| options.with(key, *value));
        let settings = Settings::load(&options).unwrap();
        let database = Database::connect(settings.database.url.expose(), 4).await.unwrap();
        database.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::new(Utc::now()));
        let vendor = Arc::new(Vendor { clock: clock.clone(), state: Mutex::default() });
        Self { settings, database, clock, vendor, user: UserId::local(), folder }
    }

    /// Starts an orchestrator that knows the sample kind.
    pub fn start(&self) -> Running {
        let stages: Vec<Box<dyn Stage>> = vec![Box::new(Prepare), Box::new(Order(self.vendor.clone())), Box::new(Wrap)];
        let kind = Kind::new(&SPEC, stages).waiting_for(self.vendor.clone());
        let stop = CancellationToken::new();
        let task = tokio::spawn(service_runtime::run_until_with(
            self.clock.clone(),
            "orchestrator",
            self.settings.clone(),
            vec![Box::new(Orchestrator::default().with_kind(kind))],
            stop.clone(),
        ));
        Running { stop, task }
    }

    pub async fn submit(&self, words: &str) -> JobId {
        self.submit_as(words, true).await
    }

    pub async fn submit_as(&self, words: &str, reuse: bool) -> JobId {
        let now = self.clock.now();
        let new = NewJob {
            id: JobId::new(now, random10()),
            kind: SPEC.name.clone(),
            tier: Tier::Free,
            params: json!({ "words": words }),
            inputs: Vec::new(),
            reuse,
            due_at: now,
            deadline_at: None,
            traceparent: None,
        };
        let jobs = self.database.jobs_of(&self.user);
        let submitted = jobs.submit(&new, QuotaLimits::UNLIMITED, None, &Journal::silent(), now).await.unwrap();
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

    /// The kinds of events of a job so far.
    pub async fn events(&self, id: JobId) -> Vec<String> {
        let events = self.database.jobs().events_after(id, 0, 1000).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}
