//! One attempt at a job: its stages in order, from the first one without a checkpoint.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Failure, JobEvent, JobState, Progress, StageSpec, feed::FeedKind};
use persistence::{Applied, Authority, Checkpoint, Claimed, Job, Patch, PersistenceError, Reported, StageStart};
use providers::{Parking, ProviderName, Stop};
use serde_json::Value;

use crate::{
    context::Context,
    kinds::Kind,
    reuse,
    stage::{FinishedStage, ReuseKey, Stage, StageJob, StageOutcome, StageOutput, StageRun},
};

/// How far an attempt is and how far its followers have been told, shared with whoever tells them.
#[derive(Clone, Default)]
pub struct ProgressGauge(Arc<GaugeState>);

#[derive(Default)]
struct GaugeState {
    reached: AtomicU8,
    reported: AtomicU8,
}

impl ProgressGauge {
    fn reach(&self, progress: Progress) {
        self.0.reached.fetch_max(progress.percent(), Ordering::Relaxed);
    }

    /// Followers know of this much.
    pub fn reported(&self, progress: Progress) {
        self.0.reported.fetch_max(progress.percent(), Ordering::Relaxed);
    }

    /// How far the attempt is, when followers do not know yet.
    pub fn news(&self) -> Option<Progress> {
        let reached = self.0.reached.load(Ordering::Relaxed);
        (reached > self.0.reported.load(Ordering::Relaxed)).then_some(Progress::new(reached))
    }
}

/// How an attempt ended without a result.
#[derive(Debug)]
pub enum Ended {
    /// A stage failed.
    Failed { stage: &'static StageSpec, failure: Failure },
    /// A stage waits for something outside.
    Parked { stage: &'static StageSpec, parking: Parking },
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
pub async fn run(
    context: &Context,
    kind: &Kind,
    claimed: &Claimed,
    gauge: &ProgressGauge,
    ends_at: Instant,
) -> Result<Value, Ended> {
    let job = &claimed.job;
    // Followers know of the stage that it was parked in.
    let parked_in = job.stage.as_deref().filter(|_| claimed.from == JobState::Parked);
    let stage_job = StageJob {
        id: job.id,
        spec: kind.spec,
        generation: job.generation,
        request: job.params.clone(),
        inputs: context.tools.database.jobs().inputs(job.id).await?,
    };
    let mut attempt =
        Attempt { context, kind, job, parked_in, stage_job, gauge, ends_at, done: finished(context, job).await? };
    let mut result = Value::Null;
    for (index, stage) in kind.spec.stages.iter().enumerate() {
        let is_last = index + 1 == kind.spec.stages.len();
        let applies = |runner: &dyn Stage| runner.applies_to(&job.params, &attempt.done);
        if !is_last && kind.stage(stage.name).is_some_and(|runner| !applies(runner)) {
            continue;
        }
        if let Some(finished) = attempt.done.get(stage.name.as_str()) {
            result = finished.detail.clone();
            if is_last {
                // Whoever held the job before died between its last checkpoint and its completion.
                attempt.enter_storing(stage).await?;
            }
            continue;
        }
        let finished = attempt.run_stage(stage, is_last).await?;
        result = finished.detail.clone();
        attempt.done.insert(stage.name.to_string(), finished);
    }
    Ok(result)
}

async fn finished(context: &Context, job: &Job) -> Result<BTreeMap<String, FinishedStage>, Ended> {
    let rows = context.tools.database.stages().list(job.id).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.name.clone(), finished_stage(row)?))).collect())
}

/// A finished stage as later stages see it; `None` when it is not finished.
fn finished_stage(row: persistence::Stage) -> Option<FinishedStage> {
    let took = row.finished_at.map(|finished| finished - row.started_at);
    let seconds = took.and_then(|took| took.num_microseconds()).unwrap_or_default() as f64 / 1e6;
    let Checkpoint { provider, output, objects, inputs_hash: _ } = row.checkpoint?;
    Some(FinishedStage { provider, seconds, detail: output.unwrap_or_default(), tried: row.tried, objects })
}

/// Attempts are counted for each stage: the row's count is about the stage that it names.
pub fn attempt_at(job: &Job, stage: &StageSpec) -> u32 {
    if job.stage.as_deref() == Some(stage.name.as_str()) { job.attempt.max(1) } else { 1 }
}

/// One attempt at a job.
struct Attempt<'a> {
    context: &'a Context,
    kind: &'a Kind,
    job: &'a Job,
    parked_in: Option<&'a str>,
    stage_job: StageJob,
    gauge: &'a ProgressGauge,
    ends_at: Instant,
    /// Finished stages by name.
    done: BTreeMap<String, FinishedStage>,
}

impl Attempt<'_> {
    const fn holder(&self) -> Authority {
        Authority::Holder { generation: self.job.generation }
    }

    async fn run_stage(&self, spec: &'static StageSpec, is_last: bool) -> Result<FinishedStage, Ended> {
        if let Some(finished) = self.begin(spec, is_last).await? {
            return Ok(finished);
        }
        self.gauge.reported(self.progress_at_start(spec));
        let started = Instant::now();
        let run = self.stage_run(spec);
        // The registry has made sure that every stage has one.
        let stage = self.kind.stage(spec.name).ok_or(Ended::Lost)?;
        let (outcome, keep_as) = match self.reused(stage, &run).await? {
            Reused::Found(checkpoint) => {
                self.context.metrics.stage(self.kind_name(), spec.name.as_str(), "reused", started.elapsed());
                return self.finish(spec, *checkpoint, started.elapsed(), true).await;
            }
            Reused::None { keep_as } => (outcome(stage.run(&run).await), keep_as),
            Reused::Failed(failure) => (Err(failure), None),
        };
        let took = started.elapsed();
        let word = match &outcome {
            Ok(StageOutcome::Done(_)) => "ok",
            Ok(StageOutcome::Parked(_)) => "parked",
            Err(_) => "failed",
        };
        self.context.metrics.stage(self.kind_name(), spec.name.as_str(), word, took);
        match outcome {
            Ok(StageOutcome::Done(StageOutput { provider, detail })) => {
                let checkpoint = Checkpoint {
                    inputs_hash: keep_as.as_ref().map(|keep_as| keep_as.inputs_hash.clone()).unwrap_or_default(),
                    objects: Some(run.written()),
                    output: Some(detail),
                    provider,
                };
                let finished = self.finish(spec, checkpoint.clone(), took, false).await?;
                if let Some(keep_as) = keep_as.filter(|keep_as| keep_as.is_made_by(checkpoint.provider.as_deref())) {
                    reuse::keep(self.context, self.job, spec.name, &keep_as.inputs_hash, &checkpoint).await;
                }
                Ok(finished)
            }
            Ok(StageOutcome::Parked(parking)) => Err(Ended::Parked { stage: spec, parking }),
            Err(failure) => {
                let now = self.context.tools.clock.now();
                let stages = self.context.tools.database.stages();
                stages.fail(self.job.id, self.job.generation, spec.name, &failure, now).await?;
                Err(Ended::Failed { stage: spec, failure })
            }
        }
    }

    fn kind_name(&self) -> &str {
        self.kind.spec.name.as_str()
    }

    fn stage_run(&self, spec: &'static StageSpec) -> StageRun<'_> {
        let (gauge, span) = (self.gauge.clone(), spec.progress);
        StageRun {
            job: &self.stage_job,
            stage: spec.name,
            done: &self.done,
            outside: &self.kind.outside,
            tools: &self.context.tools,
            progress: Arc::new(move |fraction: f64| gauge.reach(span.at(fraction))),
            remaining: self.ends_at.saturating_duration_since(Instant::now()),
            written: Mutex::default(),
        }
    }

    /// What an earlier job left for a stage with these inputs.
    async fn reused(&self, stage: &dyn Stage, run: &StageRun<'_>) -> Result<Reused, Ended> {
        let key = match stage.reuse_key(run).await {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(Reused::None { keep_as: None }),
            Err(failure) => return Ok(Reused::Failed(failure)),
        };
        let ReuseKey { inputs, provider } = key;
        let inputs_hash = reuse::inputs_hash(self.job, stage.name(), &inputs);
        Ok(match reuse::find(self.context, self.job, &inputs_hash).await? {
            Some(kept) => Reused::Found(Box::new(Checkpoint {
                inputs_hash,
                objects: Some(kept.objects),
                output: Some(kept.detail),
                provider: kept.provider,
            })),
            None => Reused::None { keep_as: Some(KeepAs { inputs_hash, provider }) },
        })
    }

    /// Says that a stage starts. The last one stores the result: from there on a job is `storing`. Gives the result when
    /// the stage turns out to be finished already.
    async fn begin(&self, spec: &'static StageSpec, is_last: bool) -> Result<Option<FinishedStage>, Ended> {
        let (context, job) = (self.context, self.job);
        let now = context.tools.clock.now();
        let attempt = attempt_at(job, spec);
        if is_last {
            self.enter_storing(spec).await?;
        } else if self.parked_in != Some(spec.name.as_str()) {
            let journal = context.journals.of_stage(FeedKind::StageStarted, spec);
            let patch = self.start_patch(spec);
            held(context.tools.database.jobs().report(job.id, self.holder(), &patch, &journal, now).await?)?;
        }
        match context.tools.database.stages().start(job.id, job.generation, spec.name, attempt, now).await? {
            StageStart::Started => {}
            StageStart::AlreadyDone(row) => return Ok(finished_stage(*row)),
            StageStart::Lost => return Err(Ended::Lost),
        }
        context.outbox.notify_one();
        tracing::info!(stage = %spec.name, "stage started");
        Ok(None)
    }

    /// A stage that was parked is as far as it was.
    fn progress_at_start(&self, spec: &StageSpec) -> Progress {
        if self.parked_in == Some(spec.name.as_str()) { self.job.progress } else { spec.progress.start() }
    }

    /// The count of attempts goes with the stage that it is about.
    fn start_patch(&self, spec: &'static StageSpec) -> Patch {
        Patch {
            progress: Some(self.progress_at_start(spec)),
            stage: Some(spec.name),
            attempt: Some(attempt_at(self.job, spec)),
            ..Patch::default()
        }
    }

    /// The move without which a job cannot complete: a claim always begins in `running`.
    async fn enter_storing(&self, spec: &'static StageSpec) -> Result<(), Ended> {
        let (context, job) = (self.context, self.job);
        let now = context.tools.clock.now();
        let (patch, journal) = (self.start_patch(spec), context.journals.of_stage(FeedKind::StageStarted, spec));
        let jobs = context.tools.database.jobs();
        match jobs.apply(job.id, self.holder(), JobEvent::StoringStarted, &patch, &journal, now).await? {
            Applied::Moved(_) | Applied::Duplicate(JobState::Storing) => Ok(()),
            _ => Err(Ended::Lost),
        }
    }

    /// Makes a stage's output a checkpoint, then says so. A crash in between only delays the saying.
    async fn finish(
        &self,
        spec: &'static StageSpec,
        checkpoint: Checkpoint,
        took: Duration,
        is_reused: bool,
    ) -> Result<FinishedStage, Ended> {
        let (context, job) = (self.context, self.job);
        let now = context.tools.clock.now();
        if !context.tools.database.stages().finish(job.id, job.generation, spec.name, &checkpoint, now).await? {
            return Err(Ended::Lost);
        }
        // Of a stage that was parked the whole wait counts, not only its last look.
        let since = match self.parked_in {
            Some(name) if name == spec.name.as_str() => {
                let rows = context.tools.database.stages().list(job.id).await?;
                rows.into_iter().find(|row| row.name == name).map(|row| row.started_at)
            }
            _ => None,
        };
        let took = since.and_then(|since| (now - since).to_std().ok()).unwrap_or(took);
        let (seconds, by) = (took.as_secs_f64(), checkpoint.provider.clone());
        let journal = context.journals.event(FeedKind::StageFinished, move |_, mut data| {
            data.provider = by.clone();
            data.seconds = Some(seconds);
            data.reused = is_reused.then_some(true);
            data.stage(spec)
        });
        let patch = Patch { progress: Some(spec.progress.end()), ..Patch::default() };
        // Completion brings 100 by itself: a follower must not see it before the result is there.
        let patch = if spec.progress.end() == Progress::DONE { Patch::default() } else { patch };
        held(context.tools.database.jobs().report(job.id, self.holder(), &patch, &journal, now).await?)?;
        context.outbox.notify_one();
        self.gauge.reported(spec.progress.end());
        tracing::info!(stage = %spec.name, took_ms = took.as_millis() as u64, is_reused, "stage finished");
        let Checkpoint { provider, output, objects, inputs_hash: _ } = checkpoint;
        // Only a chain has anybody to ask.
        let tried = match &provider {
            Some(_) if !is_reused => context.tools.database.stages().tried(job.id, spec.name).await?,
            _ => Vec::new(),
        };
        Ok(FinishedStage { provider, seconds, detail: output.unwrap_or_default(), tried, objects })
    }
}

/// That a provider works on it is an outcome like any other.
fn outcome(run: Result<StageOutcome, Stop>) -> Result<StageOutcome, Failure> {
    run.or_else(|stop| match stop {
        Stop::Parked(parking) => Ok(StageOutcome::Parked(parking)),
        stop => Err(stop.into_failure()),
    })
}

enum Reused {
    Found(Box<Checkpoint>),
    /// Nothing; what this run makes may be kept.
    None {
        keep_as: Option<KeepAs>,
    },
    Failed(Failure),
}

/// Under which hash something is kept for later jobs, and who must have made it.
struct KeepAs {
    inputs_hash: String,
    provider: Option<ProviderName>,
}

impl KeepAs {
    fn is_made_by(&self, provider: Option<&str>) -> bool {
        self.provider.as_deref().is_none_or(|maker| Some(maker) == provider)
    }
}

fn held(reported: Reported) -> Result<(), Ended> {
    match reported {
        Reported::Written(_) => Ok(()),
        Reported::Lost(_) | Reported::Missing => Err(Ended::Lost),
    }
}
