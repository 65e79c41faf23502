//! The orchestrator: owns every accepted job until its end. Claims what is due under a lease, runs the stages of the
//! job's kind with a checkpoint after each, decides about failures, and sweeps up after crashes.
//!
//! The rows are the truth; messages only wake it. Knows no HTTP status and no file format.

// Both panic when their reader has gone; `service_runtime::console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod attempt;
mod bounded_json;
mod breakers;
mod call_off;
mod commands;
mod context;
mod daily;
mod damaged;
mod dispatcher;
mod ended_jobs;
mod endings;
mod ingest;
mod journals;
mod kinds;
mod late_calls;
mod lease;
mod local_models;
mod made_calls;
mod model_checks;
mod model_looks;
mod outside;
mod reconciler;
mod repeated;
mod reuse;
mod rules;
mod spending_rules;
mod stage;
mod stage_calls;
mod work_objects;

use std::{fs::File, sync::Arc};

use anyhow::Context as _;
use async_trait::async_trait;
use domain::KindSpec;
use messaging::Queue;
use models::ModelsFolder;
use providers::{Capabilities, SongComposer, Terms, Trainer, watch_setup};
use resilience::RateLimiter;
use service_runtime::{CancellationToken, Deps, Service, error_chain};
use settings::Settings;
use tokio::sync::Notify;

use breakers::BreakerReporter;
use commands::JobCommands;
use context::Context;
use dispatcher::{Dispatcher, RunningJobs, Slots};
use ended_jobs::CallOffs;
use journals::Journals;
use kinds::Registry;
use late_calls::LateCalls;
use rules::{JobRules, LeaseTimes};
use spending_rules::SpendingRules;

pub use kinds::Kind;
pub use outside::{Asked, ask};
pub use providers::{Arrival, CallError, OutsideProgress, OutsideService, Parking, Stop};
pub use stage::{FinishedStage, ReuseKey, Stage, StageJob, StageOutcome, StageOutput, StageRun, StageTools};

/// Take-overs after which a job counts as what kills its workers.
const MAX_CRASHES: u32 = 5;
/// Commands are handled in no time; more in hand would only be more to hand back.
const COMMAND_PREFETCH: u16 = 16;

/// The service.
#[derive(Default)]
pub struct Orchestrator {
    kinds: Vec<Kind>,
    composers: Vec<Composer>,
    trainers: Vec<(&'static str, Arc<dyn Trainer>)>,
    outside: Vec<Arc<dyn OutsideService>>,
}

/// A provider of songs from outside of the settings.
struct Composer {
    name: &'static str,
    version: String,
    provider: Arc<dyn SongComposer>,
}

impl Orchestrator {
    /// Runs jobs of one more kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Has songs composed by one more provider, for a build with vendors of its own. It is asked before those of the settings;
    /// `version` changes whenever it would make something else of the same sentence.
    #[must_use]
    pub fn with_composer(
        mut self,
        name: &'static str,
        version: impl Into<String>,
        provider: Arc<dyn SongComposer>,
    ) -> Self {
        self.composers.push(Composer { name, version: version.into(), provider });
        self
    }

    /// Waits for the work of one more service, whoever asks for it, and calls it off.
    #[must_use]
    pub fn waiting_for(mut self, service: Arc<dyn OutsideService>) -> Self {
        self.outside.push(service);
        self
    }

    /// Has models trained by one more provider, for a build with vendors of its own. It is asked after those of the settings.
    #[must_use]
    pub fn with_trainer(mut self, name: &'static str, trainer: Arc<dyn Trainer>) -> Self {
        self.trainers.push((name, trainer));
        self
    }
}

#[async_trait]
impl Service for Orchestrator {
    fn name(&self) -> &'static str {
        "orchestrator"
    }

    fn kinds(&self) -> Vec<&'static KindSpec> {
        self.kinds.iter().map(|kind| kind.spec).collect()
    }

    /// Works until shutdown; then hands back what it holds.
    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let settings = deps.settings.clone();
        let (call_offs, ended_jobs) = ended_jobs::channel();
        let mut context = context(&deps, Registry::new(self.kinds)?, call_offs, shutdown.clone())?;
        for Composer { name, version, provider } in self.composers {
            context.tools.capabilities.compositions.put_first(name, Terms::of_own(version), provider);
        }
        context.tools.capabilities.outside.extend(self.outside);
        for (name, trainer) in self.trainers {
            context.tools.capabilities.push_trainer(name, Terms::of_own(name), trainer);
        }
        let (running, wake) = (RunningJobs::default(), Arc::new(Notify::new()));
        let _lock = take_back_leases(&context, &settings).await?;

        let commands = JobCommands { context: context.clone(), running: running.clone(), wake: wake.clone() };
        let consumer = context.tools.bus.consume(Queue::OrchestratorJobs, COMMAND_PREFETCH, Arc::new(commands)).await?;
        let sweeps = reconciler::run(context.clone(), wake.clone(), settings.jobs.reconcile, shutdown.clone());
        let reporter = BreakerReporter::of(&deps)?;
        let checks = context.tools.capabilities.checks.clone();
        let tasks = [
            tokio::spawn(watch_setup(
                checks,
                deps.breakers.clone(),
                deps.metrics.clone(),
                shutdown.clone().cancelled_owned(),
            )),
            tokio::spawn(model_checks::run(context.clone(), settings.jobs.reconcile, shutdown.clone())),
            tokio::spawn(sweeps),
            tokio::spawn(call_off::run(context.clone(), ended_jobs, settings.jobs.reconcile, shutdown.clone())),
            tokio::spawn(breakers::report(reporter.clone(), shutdown.clone())),
            tokio::spawn(breakers::reset_on_request(reporter, shutdown.clone())),
        ];
        let dispatcher = Dispatcher {
            slots: Slots::new(settings.jobs.concurrency, &context),
            context,
            running,
            wake,
            rate: RateLimiter::per_minute(settings.jobs.rate_per_minute),
            poll: settings.jobs.reconcile,
            instance: deps.instance.clone(),
        };
        deps.ready();
        dispatcher.run(shutdown).await;
        if let Err(error) = consumer.drain(settings.http.drain).await {
            tracing::warn!(error = error_chain(&error), "consumer not drained");
        }
        for task in tasks {
            task.await?;
        }
        Ok(())
    }
}

fn context(deps: &Deps, kinds: Registry, call_offs: CallOffs, shutdown: CancellationToken) -> anyhow::Result<Context> {
    let settings = &deps.settings;
    let journals = Journals::new(deps.clock.clone(), kinds.specs());
    Ok(Context {
        kinds,
        tools: StageTools {
            database: deps.database()?,
            blobs: deps.objects()?,
            bus: deps.bus()?,
            capabilities: Capabilities::new(settings, &deps.breakers, &deps.metrics)?,
            gate: settings.quality_gate().clone(),
            clock: deps.clock.clone(),
            metrics: deps.metrics.clone(),
            spending: Arc::new(SpendingRules::of(settings)),
            late: late_calls(settings, shutdown),
        },
        rules: Arc::new(rules(settings)),
        journals,
        metrics: deps.metrics.clone(),
        keep_results: settings.retention.stage_results,
        call_offs,
        outbox: deps.outbox.clone(),
        models: ModelsFolder::new(&settings.engine.models_dir),
    })
}

fn late_calls(settings: &Settings, shutdown: CancellationToken) -> LateCalls {
    let timeouts = settings.vendors.iter().map(|vendor| (vendor.name.clone(), vendor.timeout)).collect();
    LateCalls::new(settings.providers.late_timeout, (timeouts, settings.providers.call_timeout), shutdown)
}

/// In the embedded mode one process alone holds leases, and a lock on the data folder says that it is this one: what its
/// predecessor held need not wait until the leases run out. Elsewhere others hold some, too. The lock lasts as long as
/// the file that is returned.
async fn take_back_leases(context: &Context, settings: &Settings) -> anyhow::Result<Option<File>> {
    const LOCK: &str = "orchestrator.lock";
    if settings.mode != settings::Mode::Embedded {
        return Ok(None);
    }
    let path = settings.data_dir.join(LOCK);
    let lock = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    if lock.try_lock().is_err() {
        tracing::warn!(path = %path.display(), "another process works in this data folder; its jobs are left to it");
        return Ok(None);
    }
    context.tools.late.alone();
    let ended = context.tools.database.jobs().end_leases(context.tools.clock.now()).await;
    let ended = ended.context("leases of the process before this one cannot be ended")?;
    if ended > 0 {
        tracing::info!(jobs = ended, "jobs that the process before this one held are taken up again");
    }
    Ok(Some(lock))
}

fn rules(settings: &Settings) -> JobRules {
    let jobs = &settings.jobs;
    let times = LeaseTimes { lease: jobs.lease, heartbeat: jobs.heartbeat, cancel_poll: jobs.cancel_poll };
    JobRules::new(times, jobs.deadline, jobs.retry_policy(), settings.retention_policy(), MAX_CRASHES)
}
