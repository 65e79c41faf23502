//! Taking work: wakes up on a message or after a while, claims what is due as far as slots and rate allow, and holds
//! each job in a task of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{JobId, feed::FeedKind};
use messaging::{Body, Envelope, Handler, Outcome};
use persistence::{Claim, Job, PersistenceError};
use resilience::{Bulkhead, RateLimiter};
use service_runtime::error_chain;
use telemetry::{TraceContext, trace};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::Bench,
    hold::{self, JobRules},
    reconcile,
};

/// Jobs that this instance holds, so that a message can wake the right one.
#[derive(Clone, Default)]
pub struct Holds(Arc<Mutex<HashMap<JobId, Arc<Notify>>>>);

impl Holds {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, job: JobId) -> Hold {
        let wake = Arc::new(Notify::new());
        self.lock().insert(job, wake.clone());
        Hold { holds: self.clone(), job, wake }
    }

    /// Whether this instance holds the job; its holder looks at it at once.
    fn wake(&self, job: JobId) -> bool {
        self.lock().get(&job).map(|wake| wake.notify_one()).is_some()
    }
}

/// One entry of [`Holds`], removed when dropped, also when the holder panics.
struct Hold {
    holds: Holds,
    job: JobId,
    wake: Arc<Notify>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holds = self.holds.lock();
        // The same job may have been claimed again by this instance already.
        if holds.get(&self.job).is_some_and(|wake| Arc::ptr_eq(wake, &self.wake)) {
            holds.remove(&self.job);
        }
    }
}

/// Claims jobs and has them held.
pub struct Dispatcher {
    pub bench: Bench,
    pub rules: Arc<JobRules>,
    pub holds: Holds,
    pub wake: Arc<Notify>,
    pub slots: Bulkhead,
    pub rate: RateLimiter,
    /// How long to sleep when nothing wakes us.
    pub poll: Duration,
    /// Name of this instance, for people.
    pub instance: String,
}

impl Dispatcher {
    /// Until shutdown; then hands back what is held, and waits for the holders to have done so.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut holders = JoinSet::new();
        let mut may_start = false;
        while !shutdown.is_cancelled() {
            while let Some(ended) = holders.try_join_next() {
                log_panic(ended);
            }
            let slot = tokio::select! {
                slot = self.slots.acquire() => slot,
                () = shutdown.cancelled() => break,
            };
            // A permission that found no job is kept for the next one.
            if !may_start {
                tokio::select! {
                    () = self.rate.acquire() => may_start = true,
                    () = shutdown.cancelled() => break,
                }
            }
            match self.claim().await {
                Ok(Some(job)) => {
                    may_start = false;
                    let task = self.holder(job, shutdown.clone());
                    holders.spawn(async move {
                        let _slot = slot;
                        task.await;
                    });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(error = %error_chain(&error), "no job could be claimed"),
            }
            drop(slot);
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(self.poll) => {}
                () = shutdown.cancelled() => break,
            }
        }
        while let Some(ended) = holders.join_next().await {
            log_panic(ended);
        }
    }

    async fn claim(&self) -> Result<Option<Job>, PersistenceError> {
        let now = self.bench.tools.clock.now();
        let claim = Claim {
            owner: &self.instance,
            lease_until: now + self.rules.times.lease,
            deadline_at: Some(now + self.rules.times.deadline),
        };
        let journal = self.bench.notices.event(FeedKind::Started, |job, mut data| {
            data.attempt = Some(job.attempt.max(1));
            data
        });
        self.bench.database.jobs().claim_due(claim, &journal, now).await
    }

    /// Holds one job, in the trace of the request that made it.
    fn holder(&self, job: Job, shutdown: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (bench, rules, entry) = (self.bench.clone(), self.rules.clone(), self.holds.enter(job.id));
        let context = job
            .traceparent
            .as_deref()
            .and_then(|parent| TraceContext::parse(parent).ok())
            .map_or_else(TraceContext::new_root, |parent| parent.child());
        let span = trace::span_for(&context, "job");
        span.record("job_id", tracing::field::display(job.id));
        span.record("kind", job.kind.as_str());
        trace::within_span(context, span, async move {
            tracing::info!(generation = job.generation, attempt = job.attempt.max(1), "job claimed");
            hold::hold(&bench, &rules, job, entry.wake.clone(), shutdown).await;
        })
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "holder of a job panicked; the job is left to its lease");
    }
}

/// What the bus tells an orchestrator: only ever a reason to look at the rows.
pub struct Wakes {
    pub bench: Bench,
    pub rules: Arc<JobRules>,
    pub holds: Holds,
    pub wake: Arc<Notify>,
}

#[async_trait]
impl Handler for Wakes {
    async fn handle(&self, message: Envelope) -> Outcome {
        match message.body {
            Some(Body::JobReady(_)) => {
                self.wake.notify_one();
                Outcome::Done
            }
            Some(Body::CancelJob(cancel)) => match cancel.job() {
                Ok(job) if self.holds.wake(job) => Outcome::Done,
                Ok(job) => match reconcile::cancel_if_nobody_holds(&self.bench, &self.rules, job).await {
                    Ok(()) => Outcome::Done,
                    Err(error) => {
                        tracing::warn!(error = %error_chain(&error), "cancellation not carried out yet");
                        Outcome::Retry
                    }
                },
                Err(error) => Outcome::Dead(error.to_string()),
            },
            _ => Outcome::Dead("not for an orchestrator".to_owned()),
        }
    }
}
