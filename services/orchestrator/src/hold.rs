//! Holding a job: heartbeats, progress reports, and the watch for whatever ends the hold, beside the attempt itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Failure, FailureClass, FailureCode, JobEvent, JobState,
    feed::FeedKind,
    kind::StageSpec,
    retry::{RetryDecision, RetryPolicy},
};
use persistence::{Applied, Authority, Held, Job, Patch, PersistenceError};
use serde_json::Value;
use service_runtime::error_chain;
use tokio::{sync::Notify, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::attempt::{self, Bench, Ended, Gauge};

/// The times that rule a hold.
#[derive(Clone, Copy, Debug)]
pub struct HoldTimes {
    /// How long a lease stands without a heartbeat.
    pub lease: Duration,
    pub heartbeat: Duration,
    /// How often the wish to cancel is looked for when no message told of it.
    pub cancel_poll: Duration,
    /// The job's total time, from its first claim.
    pub deadline: Duration,
}

/// How a job's life is ruled.
#[derive(Clone, Debug)]
pub struct JobRules {
    pub times: HoldTimes,
    pub retry: RetryPolicy,
    pub retention: domain::retention::RetentionPolicy,
    /// Take-overs after which a job counts as what kills its workers.
    pub max_crashes: u32,
}

/// Why a hold ended before its attempt.
enum Stop {
    Cancel,
    Lost,
    DeadlinePassed,
    ShuttingDown,
}

/// Works on a claimed job until it ends, waits again, or is lost.
pub async fn hold(bench: &Bench, rules: &JobRules, job: Job, wake: Arc<Notify>, shutdown: CancellationToken) {
    let held = bench.metrics.lease_held();
    let outcome = hold_inner(bench, rules, &job, &wake, &shutdown).await;
    drop(held);
    if let Err(error) = outcome {
        // Nothing could be written: the lease runs out and the job comes back.
        tracing::error!(error = %error_chain(&error), "job left to its lease");
    }
}

async fn hold_inner(
    bench: &Bench,
    rules: &JobRules,
    job: &Job,
    wake: &Notify,
    shutdown: &CancellationToken,
) -> Result<(), PersistenceError> {
    if job.crashes > rules.max_crashes {
        let failure = Failure::new(
            FailureClass::Config,
            FailureCode::TooManyCrashes,
            "The job was interrupted too often and was stopped. Try again; if it stays, tell the operator the job's id.",
        );
        return fail(bench, rules, job, &failure).await;
    }
    let gauge = Gauge::default();
    let ends_at = Instant::now() + remaining(bench, job);
    let stop = {
        let attempt = attempt::run(bench, job, &gauge, ends_at);
        tokio::pin!(attempt);
        tokio::select! {
            // A result that is there counts, even when a cancel arrives in the same moment.
            biased;
            ended = &mut attempt => {
                return match ended {
                    Ok(result) => complete(bench, rules, job, result).await,
                    Err(Ended::Failed { stage, failure }) => {
                        tracing::warn!(stage = %stage.name, class = %failure.class, code = %failure.code, "stage failed");
                        after_failure(bench, rules, job, stage, failure).await
                    }
                    Err(Ended::Lost) => {
                        bench.metrics.lease_lost();
                        Ok(())
                    }
                    Err(Ended::Rows(error)) => Err(error),
                };
            }
            stop = watch(bench, rules, job, &gauge, wake, shutdown, ends_at) => stop,
        }
        // The attempt is dropped here: provider calls are cut off at their next await.
    };
    match stop {
        Stop::Cancel => cancel(bench, rules, job).await,
        Stop::DeadlinePassed => expire(bench, rules, job).await,
        Stop::ShuttingDown => {
            let journal = bench.notices.ready();
            bench.database.jobs().release(job.id, job.generation, &journal, bench.tools.clock.now()).await?;
            bench.outbox.notify_one();
            tracing::info!("job handed back");
            Ok(())
        }
        Stop::Lost => {
            bench.metrics.lease_lost();
            tracing::warn!("lease lost, work dropped");
            Ok(())
        }
    }
}

fn remaining(bench: &Bench, job: &Job) -> Duration {
    job.deadline_at
        .map_or(Duration::MAX / 4, |at| (at - bench.tools.clock.now()).to_std().unwrap_or_default())
        // Instants far away overflow on some platforms.
        .min(Duration::from_secs(86_400))
}

/// Keeps the lease, tells of progress, and returns when the attempt must stop.
async fn watch(
    bench: &Bench,
    rules: &JobRules,
    job: &Job,
    gauge: &Gauge,
    wake: &Notify,
    shutdown: &CancellationToken,
    ends_at: Instant,
) -> Stop {
    let mut heartbeat = tokio::time::interval(rules.times.heartbeat);
    let mut poll = tokio::time::interval(rules.times.cancel_poll);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    gauge.told(job.progress);
    loop {
        let looked = tokio::select! {
            () = shutdown.cancelled() => return Stop::ShuttingDown,
            () = tokio::time::sleep_until(ends_at.into()) => return Stop::DeadlinePassed,
            _ = heartbeat.tick() => {
                let until = bench.tools.clock.now() + rules.times.lease;
                bench.database.jobs().heartbeat(job.id, job.generation, until).await
            }
            () = wake.notified() => bench.database.jobs().check_lease(job.id, job.generation).await,
            _ = poll.tick() => {
                if let Err(error) = tell_progress(bench, job, gauge).await {
                    tracing::warn!(error = %error_chain(&error), "progress not written");
                }
                bench.database.jobs().check_lease(job.id, job.generation).await
            }
        };
        match looked {
            Ok(Held::Yes { cancel_requested: false }) => {}
            Ok(Held::Yes { cancel_requested: true }) => return Stop::Cancel,
            Ok(Held::Lost) => return Stop::Lost,
            // The next look may succeed; until then the lease decides.
            Err(error) => tracing::warn!(error = %error_chain(&error), "lease not looked at"),
        }
    }
}

async fn tell_progress(bench: &Bench, job: &Job, gauge: &Gauge) -> Result<(), PersistenceError> {
    let Some(now_at) = gauge.news() else { return Ok(()) };
    let journal = bench.notices.event(FeedKind::Progress, |job, mut data| {
        if let Some(stage) = job.stage.and_then(|name| job.kind.spec().stage(name.as_str())) {
            data = data.stage(stage);
        }
        data
    });
    let patch = Patch { progress: Some(now_at), ..Patch::default() };
    let holder = Authority::Holder { generation: job.generation };
    bench.database.jobs().report(job.id, holder, &patch, &journal, bench.tools.clock.now()).await?;
    gauge.told(now_at);
    bench.outbox.notify_one();
    Ok(())
}

async fn complete(bench: &Bench, rules: &JobRules, job: &Job, result: Value) -> Result<(), PersistenceError> {
    let now = bench.tools.clock.now();
    let patch = Patch {
        result: Some(result),
        files_expire_at: rules.retention.files_expire_at(JobState::Completed, now),
        ..Patch::default()
    };
    end(bench, job, JobEvent::Completed, patch, None).await
}

async fn fail(bench: &Bench, rules: &JobRules, job: &Job, failure: &Failure) -> Result<(), PersistenceError> {
    let now = bench.tools.clock.now();
    let patch = Patch {
        failure: Some(failure.clone()),
        files_expire_at: rules.retention.files_expire_at(JobState::Failed, now),
        ..Patch::default()
    };
    bench.metrics.job_failed(job.kind.as_str(), failure.code.as_str());
    end(bench, job, JobEvent::Failed, patch, Some(failure)).await
}

/// Decides between another attempt and the end.
async fn after_failure(
    bench: &Bench,
    rules: &JobRules,
    job: &Job,
    stage: &StageSpec,
    failure: Failure,
) -> Result<(), PersistenceError> {
    let attempt = attempt::attempt_at(job, stage);
    match rules.retry.decide(&failure, attempt, resilience::ids::dice()) {
        RetryDecision::GiveUp => fail(bench, rules, job, &failure).await,
        RetryDecision::Again { after, counts } => {
            let now = bench.tools.clock.now();
            let due_at = now + after;
            if job.deadline_at.is_some_and(|deadline| due_at >= deadline) {
                return fail(bench, rules, job, &failure).await;
            }
            bench.metrics.stage_retry(job.kind.as_str(), stage.name.as_str(), failure.class.as_str());
            let next = if counts { attempt + 1 } else { attempt };
            let told = failure.clone();
            let journal = bench.notices.waiting(move |mut data| {
                data.attempt = Some(next);
                data.retry_at = Some(due_at);
                data.failure(&told)
            });
            let patch = Patch {
                attempt: Some(next),
                due_at: Some(due_at),
                failure: Some(failure),
                files_expire_at: rules.retention.files_expire_at(JobState::Cancelled, now),
                ..Patch::default()
            };
            let holder = Authority::Holder { generation: job.generation };
            let applied =
                bench.database.jobs().apply(job.id, holder, JobEvent::RetryScheduled, &patch, &journal, now).await?;
            if let Applied::Moved(job) = applied {
                bench.outbox.notify_one();
                tracing::info!(state = %job.state, wait_ms = after.as_millis() as u64, attempt = next, "attempt over");
            }
            Ok(())
        }
    }
}

/// The owner's wish, seen by the holder: first said, then done.
async fn cancel(bench: &Bench, rules: &JobRules, job: &Job) -> Result<(), PersistenceError> {
    let now = bench.tools.clock.now();
    let holder = Authority::Holder { generation: job.generation };
    let journal = bench.notices.plain(FeedKind::Cancelling);
    bench.database.jobs().apply(job.id, holder, JobEvent::CancelRequested, &Patch::default(), &journal, now).await?;
    let patch =
        Patch { files_expire_at: rules.retention.files_expire_at(JobState::Cancelled, now), ..Patch::default() };
    end(bench, job, JobEvent::CancelConfirmed, patch, None).await
}

async fn expire(bench: &Bench, rules: &JobRules, job: &Job) -> Result<(), PersistenceError> {
    let failure = overtime();
    let now = bench.tools.clock.now();
    let patch = Patch {
        failure: Some(failure.clone()),
        files_expire_at: rules.retention.files_expire_at(JobState::Expired, now),
        ..Patch::default()
    };
    end(bench, job, JobEvent::DeadlinePassed, patch, Some(&failure)).await
}

/// Why a job expires.
pub fn overtime() -> Failure {
    Failure::new(
        FailureClass::Transient,
        FailureCode::StageTimeout,
        "The job took longer than it may and was stopped. Try again, or send a shorter recording.",
    )
}

async fn end(
    bench: &Bench,
    job: &Job,
    event: JobEvent,
    patch: Patch,
    failure: Option<&Failure>,
) -> Result<(), PersistenceError> {
    let now = bench.tools.clock.now();
    let journal = bench.notices.ended(failure);
    let holder = Authority::Holder { generation: job.generation };
    match bench.database.jobs().apply(job.id, holder, event, &patch, &journal, now).await? {
        Applied::Moved(after) => {
            bench.outbox.notify_one();
            let took = (now - after.created_at).to_std().unwrap_or_default();
            bench.metrics.job_finished(after.kind.as_str(), after.state.as_str(), took);
            tracing::info!(state = %after.state, took_ms = took.as_millis() as u64, "job ended");
        }
        Applied::Duplicate(state) | Applied::Stale(state) if state.is_final() => {
            tracing::info!(%state, "job had ended another way");
        }
        // Somebody else has claimed it since: theirs is the word.
        Applied::Duplicate(state) | Applied::Stale(state) => {
            bench.metrics.lease_lost();
            tracing::warn!(%state, ?event, "job was not ours to end any more");
        }
        Applied::Impossible(state) => tracing::error!(%state, ?event, "event cannot happen to a job in this state"),
        Applied::Missing => tracing::error!("job has no row"),
    }
    Ok(())
}
