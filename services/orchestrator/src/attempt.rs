//! One attempt at a job: its stages in order, from the first one without a checkpoint.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Failure, FailureClass, FailureCode, JobEvent, JobState, Progress, feed::FeedKind, kind::StageSpec};
use persistence::{Applied, Authority, Database, Job, Patch, PersistenceError, Reported, StageStart};
use serde_json::Value;
use sha2::{Digest, Sha256};
use telemetry::Metrics;
use tokio::sync::Notify;

use crate::{
    notices::Notices,
    stage::{Checkpoint, InputObject, JobCard, StageOutput, StageRun, StageTools},
    stages,
};

/// Everything an attempt works with.
#[derive(Clone)]
pub struct Bench {
    pub database: Database,
    pub tools: StageTools,
    pub notices: Notices,
    pub metrics: Metrics,
    /// Wakes the outbox relay of this process after a change that left messages.
    pub outbox: Arc<Notify>,
}

/// How far an attempt is and how far its followers have been told, shared with whoever tells them.
#[derive(Clone, Default)]
pub struct Gauge(Arc<GaugeState>);

#[derive(Default)]
struct GaugeState {
    reached: AtomicU8,
    told: AtomicU8,
}

impl Gauge {
    fn reach(&self, progress: Progress) {
        self.0.reached.fetch_max(progress.percent(), Ordering::Relaxed);
    }

    /// Followers know of this much.
    pub fn told(&self, progress: Progress) {
        self.0.told.fetch_max(progress.percent(), Ordering::Relaxed);
    }

    /// How far the attempt is, when followers do not know yet.
    pub fn news(&self) -> Option<Progress> {
        let reached = self.0.reached.load(Ordering::Relaxed);
        (reached > self.0.told.load(Ordering::Relaxed)).then_some(Progress::new(reached))
    }
}

/// Why an attempt ended without a result.
#[derive(Debug)]
pub enum Ended {
    /// A stage failed.
    Failed { stage: &'static StageSpec, failure: Failure },
    /// Somebody else has the job, or it has ended already: nothing may be written any more.
    Lost,
    /// The rows cannot be reached; the lease will run out and the job comes back.
    Rows(PersistenceError),
}

impl From<PersistenceError> for Ended {
    fn from(error: PersistenceError) -> Self {
        Self::Rows(error)
    }
}

/// Runs the stages that have no checkpoint yet; returns the last stage's detail, which is the job's result.
pub async fn run(bench: &Bench, job: &Job, gauge: &Gauge, ends_at: Instant) -> Result<Value, Ended> {
    let stages = job.kind.spec().stages;
    let first = stages.first().ok_or(Ended::Lost)?;
    let card = card(job).map_err(|failure| Ended::Failed { stage: first, failure })?;
    let mut done = finished_stages(bench, job).await?;
    let mut inputs = InputsHash::new(job);
    let mut result = Value::Null;
    for (index, stage) in stages.iter().enumerate() {
        let is_last = index + 1 == stages.len();
        if let Some(checkpoint) = done.get(stage.name.as_str()) {
            result = checkpoint.detail.clone();
            inputs.add(stage, &result);
            if is_last {
                // Whoever held the job before died between its last checkpoint and its completion.
                enter_storing(bench, job, stage).await?;
            }
            continue;
        }
        let checkpoint = run_stage(bench, job, &card, stage, is_last, &done, gauge, ends_at, &inputs).await?;
        result = checkpoint.detail.clone();
        inputs.add(stage, &result);
        done.insert(stage.name.to_string(), checkpoint);
    }
    Ok(result)
}

async fn finished_stages(bench: &Bench, job: &Job) -> Result<BTreeMap<String, Checkpoint>, Ended> {
    let rows = bench.database.stages().list(job.id).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.name.clone(), checkpoint_of(row)?))).collect())
}

/// A finished stage as later stages see it; `None` when it is not finished.
fn checkpoint_of(row: persistence::Stage) -> Option<Checkpoint> {
    let persistence::Checkpoint { provider, output, .. } = row.checkpoint?;
    let took = row.finished_at.map(|finished| finished - row.started_at);
    let seconds = took.and_then(|took| took.num_microseconds()).unwrap_or_default() as f64 / 1e6;
    Some(Checkpoint { provider, seconds, detail: output.unwrap_or_default() })
}

#[allow(clippy::too_many_arguments, reason = "one call; a struct would only rename the list")]
async fn run_stage(
    bench: &Bench,
    job: &Job,
    card: &JobCard,
    stage: &'static StageSpec,
    is_last: bool,
    done: &BTreeMap<String, Checkpoint>,
    gauge: &Gauge,
    ends_at: Instant,
    inputs: &InputsHash,
) -> Result<Checkpoint, Ended> {
    if let Some(checkpoint) = begin(bench, job, stage, is_last).await? {
        return Ok(checkpoint);
    }
    gauge.told(stage.progress.start());
    let started = Instant::now();
    let progress = {
        let gauge = gauge.clone();
        let span = stage.progress;
        Arc::new(move |fraction: f64| gauge.reach(span.at(fraction)))
    };
    let outcome = match stages::runner(job.kind, stage.name) {
        Some(runner) => {
            let remaining = ends_at.saturating_duration_since(Instant::now());
            runner.run(&StageRun { job: card, done, tools: &bench.tools, progress, remaining }).await
        }
        None => Err(Failure::new(
            FailureClass::Config,
            FailureCode::Internal,
            format!("this version cannot run the stage {}", stage.name),
        )),
    };
    let took = started.elapsed();
    bench.metrics.stage(job.kind.as_str(), stage.name.as_str(), if outcome.is_ok() { "ok" } else { "failed" }, took);
    match outcome {
        Ok(output) => {
            let checkpoint = finish(bench, job, stage, inputs, output, took).await?;
            gauge.told(stage.progress.end());
            Ok(checkpoint)
        }
        Err(failure) => {
            let now = bench.tools.clock.now();
            bench.database.stages().fail(job.id, job.generation, stage.name, &failure, now).await?;
            Err(Ended::Failed { stage, failure })
        }
    }
}

/// Says that a stage starts. The last one stores the result: from there on a job is `storing`. Gives the checkpoint
/// when the stage turns out to be finished already.
async fn begin(
    bench: &Bench,
    job: &Job,
    stage: &'static StageSpec,
    is_last: bool,
) -> Result<Option<Checkpoint>, Ended> {
    let now = bench.tools.clock.now();
    if is_last {
        enter_storing(bench, job, stage).await?;
    } else {
        let patch = Patch { progress: Some(stage.progress.start()), stage: Some(stage.name), ..Patch::default() };
        let journal = bench.notices.of_stage(FeedKind::StageStarted, stage);
        let holder = Authority::Holder { generation: job.generation };
        held(bench.database.jobs().report(job.id, holder, &patch, &journal, now).await?)?;
    }
    let attempt = attempt_at(job, stage);
    match bench.database.stages().start(job.id, job.generation, stage.name, attempt, now).await? {
        StageStart::Started => {}
        StageStart::AlreadyDone(row) => return Ok(checkpoint_of(*row)),
        StageStart::Lost => return Err(Ended::Lost),
    }
    bench.outbox.notify_one();
    tracing::info!(stage = %stage.name, "stage started");
    Ok(None)
}

/// The move without which a job cannot complete: a claim always begins in `running`.
async fn enter_storing(bench: &Bench, job: &Job, stage: &'static StageSpec) -> Result<(), Ended> {
    let now = bench.tools.clock.now();
    let patch = Patch { progress: Some(stage.progress.start()), stage: Some(stage.name), ..Patch::default() };
    let journal = bench.notices.of_stage(FeedKind::StageStarted, stage);
    let holder = Authority::Holder { generation: job.generation };
    match bench.database.jobs().apply(job.id, holder, JobEvent::StoringStarted, &patch, &journal, now).await? {
        Applied::Moved(_) | Applied::Duplicate(JobState::Storing) => Ok(()),
        _ => Err(Ended::Lost),
    }
}

/// Attempts are counted for each stage: the row's count is about the stage that failed last.
pub fn attempt_at(job: &Job, stage: &StageSpec) -> u32 {
    if job.stage == Some(stage.name) { job.attempt.max(1) } else { 1 }
}

/// Makes the stage's output a checkpoint, then says so. A crash in between only delays the saying.
async fn finish(
    bench: &Bench,
    job: &Job,
    stage: &'static StageSpec,
    inputs: &InputsHash,
    output: StageOutput,
    took: Duration,
) -> Result<Checkpoint, Ended> {
    let now = bench.tools.clock.now();
    let StageOutput { provider, object, detail } = output;
    let (key, stored) = object.unzip();
    let checkpoint = persistence::Checkpoint {
        inputs_hash: inputs.digest(stage),
        output_key: key.map(|key| key.to_string()),
        output_sha256: stored.map(|stored| stored.sha256),
        output: Some(detail.clone()),
        provider: provider.clone(),
    };
    if !bench.database.stages().finish(job.id, job.generation, stage.name, &checkpoint, now).await? {
        return Err(Ended::Lost);
    }
    let seconds = took.as_secs_f64();
    let by = provider.clone();
    let journal = bench.notices.event(FeedKind::StageFinished, move |_, mut data| {
        data.provider = by.clone();
        data.seconds = Some(seconds);
        data.stage(stage)
    });
    let patch = Patch { progress: Some(stage.progress.end()), ..Patch::default() };
    let holder = Authority::Holder { generation: job.generation };
    // Completion brings 100 by itself: a follower must not see it before the result is there.
    let patch = if stage.progress.end() == Progress::DONE { Patch::default() } else { patch };
    held(bench.database.jobs().report(job.id, holder, &patch, &journal, now).await?)?;
    bench.outbox.notify_one();
    tracing::info!(stage = %stage.name, took_ms = took.as_millis() as u64, "stage finished");
    Ok(Checkpoint { provider, seconds, detail })
}

fn held(reported: Reported) -> Result<(), Ended> {
    match reported {
        Reported::Written(_) => Ok(()),
        Reported::Lost(_) | Reported::Missing => Err(Ended::Lost),
    }
}

/// The part of a job that stages read.
fn card(job: &Job) -> Result<JobCard, Failure> {
    let broken =
        |what: &str| Failure::new(FailureClass::Config, FailureCode::Internal, format!("the job has no {what}"));
    let verdict: Option<domain::audio::Verdict> =
        job.verdict.clone().and_then(|verdict| serde_json::from_value(verdict).ok());
    let size_bytes =
        verdict.as_ref().and_then(|verdict| verdict.facts.as_ref()).map(|facts| facts.size_bytes).unwrap_or_default();
    let key = job.input_key.as_deref().ok_or_else(|| broken("recording"))?;
    Ok(JobCard {
        id: job.id,
        kind: job.kind,
        generation: job.generation,
        request: job.params.clone(),
        input: InputObject {
            key: key.parse().map_err(|_| broken("usable object key"))?,
            size_bytes,
            sha256: job.input_sha256.clone().unwrap_or_default(),
        },
        verdict,
    })
}

/// What a stage's output follows from: the recording, the request, and what the stages before it said.
struct InputsHash(Sha256);

impl InputsHash {
    fn new(job: &Job) -> Self {
        let mut hash = Sha256::new();
        hash.update(job.kind.as_str());
        hash.update(job.input_sha256.as_deref().unwrap_or_default());
        hash.update(job.params.to_string());
        Self(hash)
    }

    fn add(&mut self, stage: &StageSpec, detail: &Value) {
        self.0.update(stage.name.as_str());
        self.0.update(detail.to_string());
    }

    fn digest(&self, stage: &StageSpec) -> String {
        let mut hash = self.0.clone();
        hash.update(stage.name.as_str());
        hex::encode(hash.finalize())
    }
}
