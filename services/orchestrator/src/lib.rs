//! The orchestrator: owns every accepted job until its end. Claims what is due under a lease, runs the stages of the
//! job's kind with a checkpoint after each, decides about failures, and sweeps up after crashes.
//!
//! The rows are the truth; messages only wake it. Knows no HTTP status and no file format.

mod attempt;
mod breakers;
mod dispatch;
mod hold;
mod notices;
mod reconcile;
mod stage;
mod stages;

use std::sync::Arc;

use async_trait::async_trait;
use messaging::Queue;
use providers::Capabilities;
use resilience::{Bulkhead, RateLimiter};
use service_runtime::{CancellationToken, Deps, Service, error_chain};
use settings::Settings;
use tokio::sync::Notify;

use attempt::Bench;
use dispatch::{Dispatcher, Holds, Wakes};
use hold::{HoldTimes, JobRules};
use notices::Notices;
use stage::StageTools;

/// Take-overs after which a job counts as what kills its workers.
const MAX_CRASHES: u32 = 5;
/// Wake-ups are handled in no time; more in hand would only be more to hand back.
const WAKE_PREFETCH: u16 = 16;

/// The service.
pub struct Orchestrator;

#[async_trait]
impl Service for Orchestrator {
    fn name(&self) -> &'static str {
        "orchestrator"
    }

    /// Works until shutdown; then hands back what it holds.
    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let settings = deps.settings.clone();
        let bench = bench(&deps)?;
        let rules = Arc::new(rules(&settings));
        let (holds, wake) = (Holds::default(), Arc::new(Notify::new()));

        let wakes = Wakes { bench: bench.clone(), rules: rules.clone(), holds: holds.clone(), wake: wake.clone() };
        let consumer = bench.tools.bus.consume(Queue::OrchestratorJobs, WAKE_PREFETCH, Arc::new(wakes)).await?;
        let sweep =
            reconcile::run(bench.clone(), rules.clone(), wake.clone(), settings.jobs.reconcile, shutdown.clone());
        let sweep = tokio::spawn(sweep);
        let told = breakers::Told::of(&deps)?;
        let reports = tokio::spawn(breakers::report(told.clone(), shutdown.clone()));
        let resets = tokio::spawn(breakers::obey(told, shutdown.clone()));
        let dispatcher = Dispatcher {
            bench,
            rules,
            holds,
            wake,
            slots: Bulkhead::new("jobs", settings.jobs.concurrency),
            rate: RateLimiter::per_minute(settings.jobs.rate_per_minute),
            poll: settings.jobs.reconcile,
            instance: deps.instance.clone(),
        };
        deps.ready();
        dispatcher.run(shutdown).await;
        if let Err(error) = consumer.drain(settings.http.drain).await {
            tracing::warn!(error = error_chain(&error), "consumer not drained");
        }
        for task in [sweep, reports, resets] {
            task.await?;
        }
        Ok(())
    }
}

fn bench(deps: &Deps) -> anyhow::Result<Bench> {
    let capabilities = Capabilities::new(&deps.settings, &deps.breakers, &deps.metrics)?;
    Ok(Bench {
        database: deps.database()?,
        tools: StageTools {
            blobs: deps.objects()?,
            bus: deps.bus()?,
            capabilities,
            gate: deps.settings.quality_gate().clone(),
            clock: deps.clock.clone(),
        },
        notices: Notices::new(deps.clock.clone()),
        metrics: deps.metrics.clone(),
        outbox: deps.outbox.clone(),
    })
}

fn rules(settings: &Settings) -> JobRules {
    let jobs = &settings.jobs;
    JobRules {
        times: HoldTimes {
            lease: jobs.lease,
            heartbeat: jobs.heartbeat,
            cancel_poll: jobs.cancel_poll,
            deadline: jobs.deadline,
        },
        retry: jobs.retry_policy(),
        retention: settings.retention_policy(),
        max_crashes: MAX_CRASHES,
    }
}
