//! Working on a claimed job: its attempt, beside it the heartbeats that keep the lease, the reports of progress and the
//! watch for whatever ends the work early; and what follows from how it ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use domain::{
    Failure, FailureClass, FailureCode, JobEvent, JobState, Progress, StageSpec, feed::FeedKind, retry::RetryDecision,
};
use persistence::{Applied, Authority, Claimed, Held, Job, Journal, Patch, PersistenceError};
use providers::Parking;
use serde_json::Value;
use service_runtime::error_chain;
use tokio::{sync::Notify, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{self, Ended, ProgressGauge},
    context::Context,
    endings::{self, overtime},
    kinds::Kind,
};

/// Why the work ended before its attempt.
enum Stop {
    Cancel,
    Lost,
    DeadlinePassed,
    ShuttingDown,
}

/// Works on a claimed job until it ends, waits again, or is lost.
pub async fn work(context: &Context, kind: &Kind, claimed: Claimed, wake: Arc<Notify>, shutdown: CancellationToken) {
    let held = context.metrics.lease_held();
    let worker = Worker { context, kind, job: &claimed.job, claimed: &claimed };
    let outcome = worker.work(&wake, &shutdown).await;
    drop(held);
    if let Err(error) = outcome {
        worker.after_error(&error).await;
    }
}

/// Whoever holds the lease of one job.
struct Worker<'a> {
    context: &'a Context,
    kind: &'a Kind,
    job: &'a Job,
    claimed: &'a Claimed,
}

impl Worker<'_> {
    const fn holder(&self) -> Authority {
        Authority::Holder { generation: self.job.generation }
    }

    fn now(&self) -> DateTime<Utc> {
        self.context.tools.clock.now()
    }

    async fn work(&self, wake: &Notify, shutdown: &CancellationToken) -> Result<(), PersistenceError> {
        let (context, job) = (self.context, self.job);
        if job.crashes > context.rules.max_crashes {
            let failure = Failure::new(
                FailureClass::Config,
                FailureCode::TooManyCrashes,
                "The job was interrupted too often and was stopped. Try again; if it stays, tell the operator the job's id.",
            );
            return self.fail(None, &failure).await;
        }
        let gauge = ProgressGauge::default();
        let ends_at = Instant::now() + self.remaining();
        let stop = {
            let attempt = attempt::run(context, self.kind, self.claimed, &gauge, ends_at);
            tokio::pin!(attempt);
            tokio::select! {
                // A result that is there counts, even when a cancel arrives in the same moment.
                biased;
                ended = &mut attempt => {
                    return match ended {
                        Ok(result) => self.complete(result).await,
                        Err(Ended::Failed { stage, failure }) => {
                            tracing::warn!(stage = %stage.name, class = %failure.class, code = %failure.code, "stage failed");
                            self.after_failure(stage, failure).await
                        }
                        Err(Ended::Parked { stage, parking }) => self.park(stage, parking, gauge.news()).await,
                        Err(Ended::Lost) => {
                            context.metrics.lease_lost();
                            Ok(())
                        }
                        Err(Ended::Rows(error)) => Err(error),
                    };
                }
                stop = self.watch(&gauge, wake, shutdown, ends_at) => stop,
            }
            // The attempt is dropped here: provider calls are cut off at their next await, those that are paid for when the job's
            // end is told.
        };
        match stop {
            Stop::Cancel => self.cancel().await,
            Stop::DeadlinePassed => self.expire().await,
            Stop::ShuttingDown => self.hand_back().await,
            Stop::Lost => {
                context.metrics.lease_lost();
                tracing::warn!("lease lost, work dropped");
                Ok(())
            }
        }
    }

    async fn hand_back(&self) -> Result<(), PersistenceError> {
        let journal = self.context.journals.ready();
        let jobs = self.context.tools.database.jobs();
        jobs.release(self.job.id, self.job.generation, &journal, self.now()).await?;
        self.context.outbox.notify_one();
        tracing::info!("job handed back");
        Ok(())
    }

    /// Nothing could be written, or a row could not be read.
    async fn after_error(&self, error: &PersistenceError) {
        if error.is_retryable() {
            // The lease runs out and the job comes back.
            tracing::error!(error = %error_chain(error), "job left to its lease");
            return;
        }
        // A newer version wrote what this one cannot read: it is left to one that can, without a crash on its count.
        tracing::error!(error = %error_chain(error), "job handed back: this version cannot read all of it");
        let due_at = self.now() + SET_ASIDE_FOR;
        let patch = Patch { due_at: Some(due_at), is_set_aside: true, ..Patch::default() };
        let journal = self.context.journals.ready();
        let jobs = self.context.tools.database.jobs();
        let handed = jobs.apply(self.job.id, self.holder(), JobEvent::RetryScheduled, &patch, &journal, self.now());
        if let Err(error) = handed.await {
            tracing::error!(error = %error_chain(&error), "job left to its lease");
        }
    }

    fn remaining(&self) -> Duration {
        /// Instants far away overflow on some platforms.
        const FAR: Duration = Duration::from_secs(30 * 86_400);
        let left = self.job.deadline_at.map(|at| (at - self.now()).to_std().unwrap_or_default());
        left.unwrap_or(FAR).min(FAR)
    }

    /// Keeps the lease, tells of progress, and returns when the attempt must stop.
    async fn watch(
        &self,
        gauge: &ProgressGauge,
        wake: &Notify,
        shutdown: &CancellationToken,
        ends_at: Instant,
    ) -> Stop {
        let (times, job) = (self.context.rules.times, self.job);
        let jobs = self.context.tools.database.jobs();
        let mut heartbeat = tokio::time::interval(times.heartbeat);
        let mut poll = tokio::time::interval(times.cancel_poll);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        gauge.reported(job.progress);
        loop {
            let looked = tokio::select! {
                () = shutdown.cancelled() => return Stop::ShuttingDown,
                () = tokio::time::sleep_until(ends_at.into()) => return Stop::DeadlinePassed,
                _ = heartbeat.tick() => {
                    jobs.heartbeat(job.id, job.generation, self.now() + times.lease).await
                }
                () = wake.notified() => jobs.check_lease(job.id, job.generation).await,
                _ = poll.tick() => {
                    if let Err(error) = self.tell_progress(gauge).await {
                        tracing::warn!(error = %error_chain(&error), "progress not written");
                    }
                    jobs.check_lease(job.id, job.generation).await
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

    async fn tell_progress(&self, gauge: &ProgressGauge) -> Result<(), PersistenceError> {
        let Some(now_at) = gauge.news() else { return Ok(()) };
        let spec = self.kind.spec;
        let journal = self.context.journals.event(FeedKind::Progress, move |job, data| {
            match job.stage.as_deref().and_then(|name| spec.stage(name)) {
                Some(stage) => data.stage(stage),
                None => data,
            }
        });
        let patch = Patch { progress: Some(now_at), ..Patch::default() };
        self.context.tools.database.jobs().report(self.job.id, self.holder(), &patch, &journal, self.now()).await?;
        gauge.reported(now_at);
        self.context.outbox.notify_one();
        Ok(())
    }

    /// When the files go, should the job end like this.
    fn files_expire_at(&self, state: JobState, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.context.rules.retention(Some(self.kind.spec)).files_expire_at(state, at)
    }

    async fn complete(&self, result: Value) -> Result<(), PersistenceError> {
        let files_expire_at = self.files_expire_at(JobState::Completed, self.now());
        let patch = Patch { result: Some(result), files_expire_at, ..Patch::default() };
        self.end(JobEvent::Completed, patch, None).await
    }

    async fn fail(&self, stage: Option<&StageSpec>, failure: &Failure) -> Result<(), PersistenceError> {
        self.context.metrics.job_failed(self.kind.spec.name.as_str(), failure.code.as_str());
        let files_expire_at = self.files_expire_at(JobState::Failed, self.now());
        let patch = Patch { failure: Some(failure.clone()), files_expire_at, ..Patch::default() };
        self.end(JobEvent::Failed, patch, Some((failure, stage))).await
    }

    /// Decides between another attempt and the end.
    async fn after_failure(&self, stage: &StageSpec, failure: Failure) -> Result<(), PersistenceError> {
        let (context, job, spec) = (self.context, self.job, self.kind.spec);
        let attempt = attempt::attempt_at(job, stage);
        let decision = context.rules.decide(spec, &failure, attempt, resilience::ids::random_unit());
        let RetryDecision::Again { after, counts } = decision else { return self.fail(Some(stage), &failure).await };
        let now = self.now();
        let due_at = now + after;
        if job.deadline_at.is_some_and(|deadline| due_at >= deadline) {
            return self.fail(Some(stage), &failure).await;
        }
        context.metrics.stage_retry(spec.name.as_str(), stage.name.as_str(), failure.class.as_str());
        let next = if counts { attempt + 1 } else { attempt };
        let (told, word) = (failure.clone(), spec.error_word(failure.code, Some(stage.name.as_str())));
        let journal = context.journals.waiting(FeedKind::RetryScheduled, move |mut data| {
            data.attempt = Some(next);
            data.retry_at = Some(due_at);
            data.failure(&told, word)
        });
        let patch = Patch {
            attempt: Some(next),
            due_at: Some(due_at),
            failure: Some(failure),
            files_expire_at: self.files_expire_at(JobState::Cancelled, now),
            ..Patch::default()
        };
        let jobs = context.tools.database.jobs();
        let applied = jobs.apply(job.id, self.holder(), JobEvent::RetryScheduled, &patch, &journal, now).await?;
        if let Applied::Moved(job) = applied {
            context.outbox.notify_one();
            tracing::info!(state = %job.state, wait_ms = after.as_millis() as u64, attempt = next, "attempt over");
            endings::cancel_if_asked(context, &job).await?;
        }
        Ok(())
    }

    /// Lets go of the job until its stage is due again.
    async fn park(
        &self,
        stage: &'static StageSpec,
        parking: Parking,
        progress: Option<Progress>,
    ) -> Result<(), PersistenceError> {
        let (context, job, now) = (self.context, self.job, self.now());
        let Parking { until, waits_for, is_unanswered: _ } = parking;
        let told = waits_for.clone();
        // Of many looks at the same work only those are news that show progress.
        let was_known = self.claimed.from == JobState::Parked
            && self.claimed.waited_for.as_ref() == Some(&waits_for)
            && job.stage.as_deref() == Some(stage.name.as_str());
        let journal = if was_known && progress.is_none() && job.cancel_requested_at.is_none() {
            Journal::silent()
        } else {
            context.journals.waiting(FeedKind::Parked, move |mut data| {
                data.retry_at = Some(until);
                data.waits_for = Some(told.clone());
                data.stage(stage)
            })
        };
        let patch = Patch {
            due_at: Some(until),
            progress,
            waits_for: Some(waits_for),
            signals_seen: Some(job.signals),
            files_expire_at: self.files_expire_at(JobState::Cancelled, now),
            ..Patch::default()
        };
        let jobs = context.tools.database.jobs();
        match jobs.apply(job.id, self.holder(), JobEvent::Parked, &patch, &journal, now).await? {
            Applied::Moved(after) => {
                context.outbox.notify_one();
                tracing::info!(state = %after.state, stage = %stage.name, "job let go until something outside is done");
                if after.state.is_final() {
                    context.call_offs.of_job(job.id);
                } else {
                    endings::cancel_if_asked(context, &after).await?;
                }
            }
            _ => context.metrics.lease_lost(),
        }
        Ok(())
    }

    /// The owner's cancel request, seen by the holder: first said, then done.
    async fn cancel(&self) -> Result<(), PersistenceError> {
        let now = self.now();
        let journal = self.context.journals.plain(FeedKind::Cancelling);
        let jobs = self.context.tools.database.jobs();
        jobs.apply(self.job.id, self.holder(), JobEvent::CancelRequested, &Patch::default(), &journal, now).await?;
        let files_expire_at = self.files_expire_at(JobState::Cancelled, now);
        let patch = Patch { files_expire_at, ..Patch::default() };
        self.end(JobEvent::CancelConfirmed, patch, None).await
    }

    async fn expire(&self) -> Result<(), PersistenceError> {
        let failure = overtime(Some(self.kind.spec));
        let files_expire_at = self.files_expire_at(JobState::Expired, self.now());
        let patch = Patch { failure: Some(failure.clone()), files_expire_at, ..Patch::default() };
        self.end(JobEvent::DeadlinePassed, patch, Some((&failure, None))).await
    }

    async fn end(
        &self,
        event: JobEvent,
        patch: Patch,
        failure: Option<(&Failure, Option<&StageSpec>)>,
    ) -> Result<(), PersistenceError> {
        let (context, now) = (self.context, self.now());
        let spec = self.kind.spec;
        let told = failure
            .map(|(failure, stage)| (failure, spec.error_word(failure.code, stage.map(|stage| stage.name.as_str()))));
        let journal = context.journals.ended(told);
        match context.tools.database.jobs().apply(self.job.id, self.holder(), event, &patch, &journal, now).await? {
            Applied::Moved(after) => {
                context.outbox.notify_one();
                let took = (now - after.created_at).to_std().unwrap_or_default();
                context.metrics.job_finished(spec.name.as_str(), after.state.as_str(), took);
                tracing::info!(state = %after.state, took_ms = took.as_millis() as u64, "job ended");
                context.call_offs.of_job(after.id);
            }
            Applied::Duplicate(state) | Applied::Stale(state) if state.is_final() => {
                tracing::info!(%state, "job had ended another way");
            }
            // Somebody else has claimed it since: theirs is the word.
            Applied::Duplicate(state) | Applied::Stale(state) => {
                context.metrics.lease_lost();
                tracing::warn!(%state, ?event, "job was not ours to end any more");
            }
            Applied::Impossible(state) => tracing::error!(%state, ?event, "event cannot happen to a job in this state"),
            Applied::Missing => tracing::error!("job has no row"),
        }
        Ok(())
    }
}

/// How long a job is left alone that this version cannot read.
const SET_ASIDE_FOR: Duration = Duration::from_secs(30);
