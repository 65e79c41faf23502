//! The sweep without input: reads what is true and acts on it. Everything that a message, a timer or a crashed holder
//! should have brought about happens here at the latest.

use std::{sync::Arc, time::Duration};

use domain::{JobEvent, JobId, JobState};
use persistence::{Applied, Authority, Job, Patch, PersistenceError};
use service_runtime::error_chain;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::Bench,
    hold::{JobRules, overtime},
};

/// Jobs that one sweep handles of each sort; the next sweep goes on.
const BATCH: u64 = 100;

/// Sweeps until shutdown.
pub async fn run(bench: Bench, rules: Arc<JobRules>, wake: Arc<Notify>, every: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = sweep(&bench, &rules, &wake).await {
            tracing::warn!(error = %error_chain(&error), "sweep broken off, the next one goes on");
        }
    }
}

async fn sweep(bench: &Bench, rules: &JobRules, wake: &Notify) -> Result<(), PersistenceError> {
    let jobs = bench.database.jobs();
    let now = bench.tools.clock.now();

    let overdue = jobs.overdue(now, BATCH).await?;
    bench.metrics.reconciled("overdue", overdue.len() as u64);
    for job in &overdue {
        settle(bench, rules, job, JobEvent::DeadlinePassed).await?;
    }
    let cancelled = jobs.cancel_pending(now, BATCH).await?;
    bench.metrics.reconciled("cancel_pending", cancelled.len() as u64);
    for job in &cancelled {
        settle_cancel(bench, rules, job).await?;
    }
    let stats = jobs.stats(None, now).await?;
    for state in JobState::ALL {
        bench.metrics.jobs_in_state(state.as_str(), stats.by_state.get(&state).copied().unwrap_or_default());
    }
    // Due retries and lapsed leases are found by claiming.
    wake.notify_one();

    bench.database.idempotency().prune(now).await?;
    Ok(())
}

/// Ends a cancelled job that nobody holds; one that is held sees the wish by itself.
pub async fn cancel_if_nobody_holds(bench: &Bench, rules: &JobRules, id: JobId) -> Result<(), PersistenceError> {
    let Some(job) = bench.database.jobs().get(id).await? else { return Ok(()) };
    let now = bench.tools.clock.now();
    let held = job.lease_until.is_some_and(|until| until > now);
    if job.cancel_requested_at.is_some() && !job.state.is_final() && !held {
        settle_cancel(bench, rules, &job).await?;
    }
    Ok(())
}

async fn settle_cancel(bench: &Bench, rules: &JobRules, job: &Job) -> Result<(), PersistenceError> {
    if job.state == JobState::Queued {
        return settle(bench, rules, job, JobEvent::CancelRequested).await;
    }
    // Its holder died: say so, then confirm in its place.
    let as_read = Authority::AsRead { version: job.version };
    let journal = bench.notices.plain(domain::feed::FeedKind::Cancelling);
    let now = bench.tools.clock.now();
    let moved = bench
        .database
        .jobs()
        .apply(job.id, as_read, JobEvent::CancelRequested, &Patch::default(), &journal, now)
        .await?;
    match moved {
        Applied::Moved(job) => settle(bench, rules, &job, JobEvent::CancelConfirmed).await,
        Applied::Duplicate(JobState::Cancelling) => settle(bench, rules, job, JobEvent::CancelConfirmed).await,
        _ => Ok(()),
    }
}

/// Brings a job to its end on what was read of it; whoever changed it since was first.
async fn settle(bench: &Bench, rules: &JobRules, job: &Job, event: JobEvent) -> Result<(), PersistenceError> {
    let now = bench.tools.clock.now();
    let failure = (event == JobEvent::DeadlinePassed).then(overtime);
    let patch = Patch {
        failure: failure.clone(),
        files_expire_at: rules.retention.files_expire_at(JobState::Cancelled, now),
        ..Patch::default()
    };
    let journal = bench.notices.ended(failure.as_ref());
    let as_read = Authority::AsRead { version: job.version };
    if let Applied::Moved(after) = bench.database.jobs().apply(job.id, as_read, event, &patch, &journal, now).await? {
        bench.outbox.notify_one();
        let took = (now - after.created_at).to_std().unwrap_or_default();
        bench.metrics.job_finished(after.kind.as_str(), after.state.as_str(), took);
        tracing::info!(job_id = %after.id, state = %after.state, "job ended by the reconciler");
    }
    Ok(())
}
