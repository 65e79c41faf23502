//! What a stage is to the platform: a name, its inputs by reference, and an output that becomes a checkpoint, or the
//! need to wait for something outside.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use blob_store::BlobStore;
use domain::{Failure, FailureClass, FailureCode, JobId, KindSpec, MessageId, StageName, Tried, quality::QualityGate};
use messaging::{Body, Bus, Envelope};
use persistence::{Database, Input, WorkObject};
use providers::{Capabilities, OutsideService, Parking, ProgressSink, ProviderName, Stop};
use resilience::{Clock, ids::random10};
use serde::de::DeserializeOwned;
use serde_json::Value;
use telemetry::{Metrics, trace};

use crate::{late_calls::LateCalls, spending_rules::SpendingRules};

/// What every stage may use.
#[derive(Clone)]
pub struct StageTools {
    pub database: Database,
    pub blobs: Arc<dyn BlobStore>,
    pub bus: Arc<dyn Bus>,
    pub capabilities: Capabilities,
    pub gate: QualityGate,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    pub spending: Arc<SpendingRules>,
    /// What is asked of vendors by this process.
    pub late: LateCalls,
}

impl StageTools {
    /// A message about a job, in its trace.
    pub fn message(&self, job: &StageJob, body: impl Into<Body>) -> Envelope {
        let now = self.clock.now();
        contracts::envelope(body, MessageId::new(now, random10()), now)
            .about(job.id, job.generation)
            .traced(trace::outgoing().traceparent())
    }
}

/// The part of a job that stages read.
#[derive(Clone, Debug)]
pub struct StageJob {
    pub id: JobId,
    pub spec: &'static KindSpec,
    pub generation: u64,
    /// The request of the job's kind, as stored.
    pub request: Value,
    pub inputs: Vec<Input>,
}

impl StageJob {
    /// The first input of a role.
    pub fn input(&self, role: &str) -> Result<&Input, Failure> {
        let what = self.spec.input(role).map_or("an input", |spec| spec.what);
        self.inputs.iter().find(|input| input.role == role).ok_or_else(|| {
            Failure::new(FailureClass::Config, FailureCode::Internal, format!("the job does not have {what}"))
        })
    }
}

/// A finished stage, as later stages see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedStage {
    pub provider: Option<String>,
    pub seconds: f64,
    pub detail: Value,
    /// Who was asked, or passed over, before.
    pub tried: Vec<Tried>,
    /// `None` on checkpoints of versions that kept no list of objects.
    pub objects: Option<BTreeMap<String, WorkObject>>,
}

/// Everything one run of a stage gets.
pub struct StageRun<'a> {
    pub job: &'a StageJob,
    pub stage: StageName,
    /// Finished stages by name.
    pub done: &'a BTreeMap<String, FinishedStage>,
    /// Whom the kind waits for.
    pub outside: &'a [Arc<dyn OutsideService>],
    pub tools: &'a StageTools,
    /// Fraction of this stage, 0–1.
    pub progress: ProgressSink,
    /// What is left of the job's time.
    pub remaining: Duration,
    /// What this run has written, by name.
    pub(crate) written: Mutex<BTreeMap<String, WorkObject>>,
}

/// What a stage leaves behind, beside the objects that it wrote. `detail` is small and is kept in the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageOutput {
    pub provider: Option<String>,
    pub detail: Value,
}

/// How a run of a stage ended well.
#[derive(Clone, Debug, PartialEq)]
pub enum StageOutcome {
    Done(StageOutput),
    /// Run the stage again later; until then nobody holds the job.
    Parked(Parking),
}

impl StageOutcome {
    pub fn done(provider: Option<String>, detail: Value) -> Result<Self, Stop> {
        Ok(Self::Done(StageOutput { provider, detail }))
    }
}

/// On what terms a stage's output may be taken from an earlier job.
#[derive(Clone, Debug, PartialEq)]
pub struct ReuseKey {
    /// Everything that the output follows from: the objects that are read (their hashes), the parts of the request that
    /// matter, the version of the provider. Equal inputs, equal output.
    pub inputs: Value,
    /// Who must have made it, when that is not always the same: what a fallback made is not kept.
    pub provider: Option<ProviderName>,
}

/// Runs one stage of one kind of job. Runs may be cut off at any await and repeated: they write working objects and
/// outside calls, and change nothing else.
#[async_trait]
pub trait Stage: Send + Sync {
    fn name(&self) -> StageName;

    /// Whether a job has this stage at all, by its request and by what its finished stages (by name) have made; one that has not
    /// goes past it in silence. The last stage of a kind is every job's.
    fn applies_to(&self, _request: &Value, _done: &BTreeMap<String, FinishedStage>) -> bool {
        true
    }

    /// On what terms the output may be taken from an earlier job of the same owner; `None` when it must not.
    async fn reuse_key(&self, _run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        Ok(None)
    }

    /// # Errors
    /// Why it made nothing; that it waits for a provider is no failure.
    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop>;
}

impl StageRun<'_> {
    /// The job's request as the kind's own type.
    pub fn request<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.job.request.clone()).map_err(|error| unreadable("the request", &error))
    }

    pub fn report_progress(&self, fraction: f64) {
        (self.progress)(fraction);
    }

    /// What this run has written so far.
    pub fn written(&self) -> BTreeMap<String, WorkObject> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stored document that this version cannot read.
pub(crate) fn unreadable(what: &str, error: &serde_json::Error) -> Failure {
    Failure::new(FailureClass::Config, FailureCode::Internal, format!("{what} cannot be read: {error}"))
}
