//! The sweep without input: reads what is true and acts on it. Everything that a message, a timer or a crashed holder
//! should have brought about happens here at the latest.

use std::{sync::Arc, time::Duration};

use domain::{JobEvent, JobState, feed::FeedKind};
use persistence::{Authority, ClaimableKind, Patch, PersistenceError, Reported};
use service_runtime::error_chain;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{context::Context, daily::DailyReport, endings, local_models::LocalModelReport};

/// Jobs that one sweep handles of each sort; the next sweep goes on.
const BATCH: u64 = 100;

/// Sweeps until shutdown.
pub async fn run(context: Context, wake: Arc<Notify>, every: Duration, shutdown: CancellationToken) {
    let (mut daily, mut local_models) = (DailyReport::default(), LocalModelReport::default());
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        // Due retries, due parked jobs and lapsed leases are found by claiming.
        wake.notify_one();
        sweep(&context, &mut daily, &mut local_models).await;
    }
}

/// One step that fails does not keep the others from their work.
async fn sweep(context: &Context, daily: &mut DailyReport, local_models: &mut LocalModelReport) {
    let steps = [
        ("overdue", overdue(context).await),
        ("cancel_pending", cancel_pending(context).await),
        ("stalled", stalled(context).await),
        ("figures", figures(context).await),
        ("idempotency_keys", prune(context).await),
        ("daily_figures", daily.catch_up(context).await),
        ("local_models", local_models.catch_up(context).await),
        ("held_names", held_names(context).await),
    ];
    for (step, done) in steps {
        if let Err(error) = done {
            tracing::warn!(step, error = %error_chain(&error), "sweep broken off, the next one goes on");
        }
    }
}

async fn overdue(context: &Context) -> Result<(), PersistenceError> {
    let kinds: Vec<ClaimableKind> = context.kinds.specs().map(|spec| ClaimableKind::of(spec, None)).collect();
    let overdue = context.tools.database.jobs().overdue(&kinds, context.tools.clock.now(), BATCH).await?;
    context.metrics.reconciled("overdue", overdue.len() as u64);
    for job in &overdue {
        endings::settle(context, job, JobEvent::DeadlinePassed).await?;
    }
    Ok(())
}

async fn cancel_pending(context: &Context) -> Result<(), PersistenceError> {
    let cancelled = context.tools.database.jobs().cancel_pending(context.tools.clock.now(), BATCH).await?;
    context.metrics.reconciled("cancel_pending", cancelled.len() as u64);
    for job in &cancelled {
        endings::settle_cancel(context, job).await?;
    }
    Ok(())
}

/// Tells followers of a job whose holder is not heard of that it waits for that lease to run out, before somebody else
/// may take it over.
async fn stalled(context: &Context) -> Result<(), PersistenceError> {
    let (jobs, now) = (context.tools.database.jobs(), context.tools.clock.now());
    let lease_ends_before = now + context.rules.times.lease_left_when_silent();
    let stalled = jobs.silent(lease_ends_before, FeedKind::Stalled.as_str(), BATCH).await?;
    context.metrics.reconciled("stalled", stalled.len() as u64);
    for job in stalled {
        let journal = context.journals.event(FeedKind::Stalled, |job, mut data| {
            data.retry_at = job.lease_until;
            data
        });
        // Whoever changed it since has told followers something newer.
        let as_read = Authority::AsRead { version: job.version };
        if let Reported::Written(_) = jobs.report(job.id, as_read, &Patch::default(), &journal, now).await? {
            context.outbox.notify_one();
            tracing::warn!(job_id = %job.id, lease_owner = job.lease_owner, "the holder of a job is silent");
        }
    }
    Ok(())
}

async fn figures(context: &Context) -> Result<(), PersistenceError> {
    let jobs = context.tools.database.jobs();
    let stats = jobs.stats(None, context.tools.clock.now()).await?;
    for state in JobState::ALL {
        context.metrics.jobs_in_state(state.as_str(), stats.by_state.get(&state).copied().unwrap_or_default());
    }
    let set_aside = jobs.set_aside(context.kinds.specs()).await?;
    context.metrics.jobs_set_aside(set_aside);
    Ok(())
}

/// A training that came to nothing holds no name.
async fn held_names(context: &Context) -> Result<(), PersistenceError> {
    let ended = context.tools.database.models().end_trainings(BATCH, context.tools.clock.now()).await?;
    for model in ended {
        tracing::info!(%model, "the training of a model came to nothing");
    }
    Ok(())
}

async fn prune(context: &Context) -> Result<(), PersistenceError> {
    context.tools.database.idempotency().prune(context.tools.clock.now()).await.map(|_| ())
}
