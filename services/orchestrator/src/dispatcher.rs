//! Taking work: wakes up on a message or after a while, claims what is due as far as slots and rate allow, and works on
//! each job in a task of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{JobId, JobState};
use persistence::{Claim, ClaimableKind, Claimed, PersistenceError};
use resilience::{Bulkhead, Permit, RateLimiter};
use service_runtime::error_chain;
use telemetry::{TraceContext, trace};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{context::Context, lease};

/// Jobs that this instance works on, so that a message can wake the right one.
#[derive(Clone, Default)]
pub struct RunningJobs(Arc<Mutex<HashMap<JobId, Arc<Notify>>>>);

impl RunningJobs {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, job: JobId) -> RunningJob {
        let wake = Arc::new(Notify::new());
        self.lock().insert(job, wake.clone());
        RunningJob { all: self.clone(), job, wake }
    }

    /// Whether this instance holds the job; its holder looks at it at once.
    pub fn wake(&self, job: JobId) -> bool {
        self.lock().get(&job).map(|wake| wake.notify_one()).is_some()
    }
}

/// One entry of [`RunningJobs`], removed when dropped, also when its worker panics.
struct RunningJob {
    all: RunningJobs,
    job: JobId,
    wake: Arc<Notify>,
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        // The same job may have been claimed again by this instance already.
        if all.get(&self.job).is_some_and(|wake| Arc::ptr_eq(wake, &self.wake)) {
            all.remove(&self.job);
        }
    }
}

/// Claims jobs and has them worked on.
pub struct Dispatcher {
    pub context: Context,
    pub running: RunningJobs,
    pub wake: Arc<Notify>,
    pub slots: Slots,
    pub rate: RateLimiter,
    /// How long to sleep when nothing wakes us.
    pub poll: Duration,
    /// Name of this instance, for people.
    pub instance: String,
}

/// How many jobs are worked on at once: in all, and of each kind that has a limit of its own.
pub struct Slots {
    all: Bulkhead,
    of_kind: HashMap<&'static str, Bulkhead>,
}

impl Slots {
    pub fn new(all: usize, context: &Context) -> Self {
        let limited = |spec: &'static domain::KindSpec| Some((spec.name.as_str(), spec.limits.slots?));
        let of_kind = context.kinds.specs().filter_map(limited);
        Self {
            all: Bulkhead::new("jobs", all),
            of_kind: of_kind.map(|(kind, slots)| (kind, Bulkhead::new(kind, slots))).collect(),
        }
    }

    fn is_free(&self, kind: &str) -> bool {
        self.of_kind.get(kind).is_none_or(|slots| slots.in_use() < slots.slots())
    }

    /// A slot of the kind's own, where it has a limit. Only the dispatcher takes them, and it has asked before.
    fn take(&self, kind: &str) -> Option<Permit> {
        self.of_kind.get(kind).and_then(Bulkhead::try_acquire)
    }
}

impl Dispatcher {
    /// Until shutdown; then hands back what is held, and waits for the workers to have done so.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut workers = JoinSet::new();
        let mut may_start = false;
        while !shutdown.is_cancelled() {
            while let Some(ended) = workers.try_join_next() {
                log_panic(ended);
            }
            let slot = tokio::select! {
                slot = self.slots.all.acquire() => slot,
                () = shutdown.cancelled() => break,
            };
            // A permission that found no job is kept for the next one. Without one, jobs that were begun already go on.
            let next_start = if may_start { None } else { self.rate.try_acquire().err() };
            may_start = next_start.is_none();
            match self.claim(may_start).await {
                Ok(Some(claimed)) => {
                    may_start &= claimed.from != JobState::Queued;
                    let of_kind = self.slots.take(claimed.job.kind.as_str());
                    let (task, wake) = (self.worker(claimed, shutdown.clone()), self.wake.clone());
                    workers.spawn(async move {
                        task.await;
                        drop((slot, of_kind));
                        // Jobs of this kind may have waited for its slot.
                        wake.notify_one();
                    });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(error = %error_chain(&error), "no job could be claimed"),
            }
            drop(slot);
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(next_start.map_or(self.poll, |wait| wait.min(self.poll))) => {}
                () = shutdown.cancelled() => break,
            }
        }
        while let Some(ended) = workers.join_next().await {
            log_panic(ended);
        }
    }

    async fn claim(&self, may_start: bool) -> Result<Option<Claimed>, PersistenceError> {
        let (context, now) = (&self.context, self.context.tools.clock.now());
        let free = context.kinds.specs().filter(|spec| self.slots.is_free(spec.name.as_str()));
        let kinds: Vec<ClaimableKind> =
            free.map(|spec| ClaimableKind::of(spec, Some(now + context.rules.deadline(spec)))).collect();
        let claim =
            Claim { owner: &self.instance, lease_until: now + context.rules.times.lease, kinds: &kinds, may_start };
        let journal = context.journals.claimed();
        context.tools.database.jobs().claim_due(claim, &journal, now).await
    }

    /// Works on one job, in the trace of the request that made it.
    fn worker(&self, claimed: Claimed, shutdown: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let (context, entry) = (self.context.clone(), self.running.enter(claimed.job.id));
        let job = &claimed.job;
        let trace_context = job
            .traceparent
            .as_deref()
            .and_then(|parent| TraceContext::parse(parent).ok())
            .map_or_else(TraceContext::new_root, |parent| parent.child());
        let span = trace::span_for(&trace_context, "job");
        span.record("job_id", tracing::field::display(job.id));
        span.record("kind", job.kind.as_str());
        trace::within_span(trace_context, span, async move {
            let job = &claimed.job;
            tracing::info!(generation = job.generation, attempt = job.attempt.max(1), from = %claimed.from, "job claimed");
            // Only jobs of known kinds are claimed.
            let Some(kind) = context.kinds.get(&job.kind) else { return };
            lease::work(&context, kind, claimed, entry.wake.clone(), shutdown).await;
        })
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        let error = telemetry::join_error(&error);
        tracing::error!(error, "the worker of a job failed; the job is left to its lease");
    }
}
