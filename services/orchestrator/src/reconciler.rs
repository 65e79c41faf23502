//! The sweep without input: reads what is true and acts on it. Everything that a message, a timer or a crashed holder
//! should have brought about happens here at the latest.

use std::{sync::Arc, time::Duration};

use domain::{JobEvent, JobId, JobState, feed::FeedKind};
use persistence::{Applied, Authority, Job, Patch, PersistenceError, Reported};
use service_runtime::error_chain;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{context::Context, lease::overtime, outside};

/// Jobs that one sweep handles of each sort; the next sweep goes on.
const BATCH: u64 = 100;

/// Sweeps until shutdown.
pub async fn run(context: Context, wake: Arc<Notify>, every: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        // Due retries, due parked jobs and lapsed leases are found by claiming.
        wake.notify_one();
        sweep(&context).await;
    }
}

/// One step that fails does not keep the others from their work.
async fn sweep(context: &Context) {
    let steps = [
        ("overdue", overdue(context).await),
        ("cancel_pending", cancel_pending(context).await),
        ("stalled", stalled(context).await),
        ("abandoned_calls", outside::call_off_abandoned(context).await),
        ("figures", figures(context).await),
        ("idempotency_keys", prune(context).await),
    ];
    for (step, done) in steps {
        if let Err(error) = done {
            tracing::warn!(step, error = %error_chain(&error), "sweep broken off, the next one goes on");
        }
    }
}

async fn overdue(context: &Context) -> Result<(), PersistenceError> {
    let overdue = context.tools.database.jobs().overdue(context.tools.clock.now(), BATCH).await?;
    context.metrics.reconciled("overdue", overdue.len() as u64);
    for job in &overdue {
        settle(context, job, JobEvent::DeadlinePassed).await?;
    }
    Ok(())
}

async fn cancel_pending(context: &Context) -> Result<(), PersistenceError> {
    let cancelled = context.tools.database.jobs().cancel_pending(context.tools.clock.now(), BATCH).await?;
    context.metrics.reconciled("cancel_pending", cancelled.len() as u64);
    for job in &cancelled {
        settle_cancel(context, job).await?;
    }
    Ok(())
}

/// Tells followers of a job whose holder is not heard of that it waits for that lease to run out, before somebody else
/// may take it over.
async fn stalled(context: &Context) -> Result<(), PersistenceError> {
    let (jobs, now) = (context.tools.database.jobs(), context.tools.clock.now());
    let lease_ends_before = now + context.rules.times.lease_left_when_silent();
    let stalled = jobs.silent(lease_ends_before, FeedKind::Stalled.as_str(), BATCH, now).await?;
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
    let set_aside = jobs.set_aside(context.kinds.specs().map(|kind| kind.name.as_str())).await?;
    context.metrics.jobs_set_aside(set_aside);
    Ok(())
}

async fn prune(context: &Context) -> Result<(), PersistenceError> {
    context.tools.database.idempotency().prune(context.tools.clock.now()).await.map(|_| ())
}

/// Ends a cancelled job that nobody holds; one that is held sees the request by itself.
pub async fn cancel_if_nobody_holds(context: &Context, id: JobId) -> Result<(), PersistenceError> {
    let Some(job) = context.tools.database.jobs().get(id).await? else { return Ok(()) };
    let now = context.tools.clock.now();
    let held = job.lease_until.is_some_and(|until| until > now);
    if job.cancel_requested_at.is_some() && !job.state.is_final() && !held {
        settle_cancel(context, &job).await?;
    }
    Ok(())
}

async fn settle_cancel(context: &Context, job: &Job) -> Result<(), PersistenceError> {
    if matches!(job.state, JobState::Queued | JobState::Parked) {
        return settle(context, job, JobEvent::CancelRequested).await;
    }
    // Its holder died: say so, then confirm in its place.
    let as_read = Authority::AsRead { version: job.version };
    let journal = context.journals.plain(FeedKind::Cancelling);
    let (jobs, now) = (context.tools.database.jobs(), context.tools.clock.now());
    match jobs.apply(job.id, as_read, JobEvent::CancelRequested, &Patch::default(), &journal, now).await? {
        Applied::Moved(job) => settle(context, &job, JobEvent::CancelConfirmed).await,
        Applied::Duplicate(JobState::Cancelling) => settle(context, job, JobEvent::CancelConfirmed).await,
        _ => Ok(()),
    }
}

/// Brings a job to its end on what was read of it; whoever changed it since was first.
async fn settle(context: &Context, job: &Job, event: JobEvent) -> Result<(), PersistenceError> {
    let now = context.tools.clock.now();
    let spec = context.kinds.get(&job.kind).map(|kind| kind.spec);
    let failure = (event == JobEvent::DeadlinePassed).then(|| overtime(spec));
    let patch = Patch {
        failure: failure.clone(),
        files_expire_at: context.rules.retention.files_expire_at(JobState::Cancelled, now),
        ..Patch::default()
    };
    let told = failure.as_ref().map(|failure| {
        let word = spec.map_or(domain::kind::UNKNOWN_ERROR, |spec| spec.error_word(failure.code, job.stage.as_deref()));
        (failure, word)
    });
    let journal = context.journals.ended(told);
    let as_read = Authority::AsRead { version: job.version };
    let moved = context.tools.database.jobs().apply(job.id, as_read, event, &patch, &journal, now).await?;
    if let Applied::Moved(after) = moved {
        context.outbox.notify_one();
        let took = (now - after.created_at).to_std().unwrap_or_default();
        if let Some(spec) = spec {
            context.metrics.job_finished(spec.name.as_str(), after.state.as_str(), took);
        }
        tracing::info!(job_id = %after.id, state = %after.state, "job ended by the reconciler");
        outside::call_off_calls_of(context, after.id).await?;
    }
    Ok(())
}
