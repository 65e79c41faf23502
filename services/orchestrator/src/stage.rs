//! What a stage is to the platform: a name, its inputs by reference, and one output that becomes a checkpoint.

use std::{collections::BTreeMap, fs::File, sync::Arc, time::Duration};

use async_trait::async_trait;
use blob_store::{BlobError, BlobStore, ByteStream, ObjectKey, Stored};
use bytes::Bytes;
use domain::{
    Failure, FailureClass, FailureCode, JobId, JobKind, MessageId, StageName, audio::Verdict, quality::QualityGate,
};
use messaging::{Body, Bus, Envelope};
use providers::{Capabilities, ProgressSink};
use resilience::{Clock, ids::random10};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use telemetry::trace;

/// What every stage may use.
#[derive(Clone)]
pub struct StageTools {
    pub blobs: Arc<dyn BlobStore>,
    pub bus: Arc<dyn Bus>,
    pub capabilities: Capabilities,
    pub gate: QualityGate,
    pub clock: Arc<dyn Clock>,
}

impl StageTools {
    /// A message about a job, in its trace.
    pub fn message(&self, job: &JobCard, body: impl Into<Body>) -> Envelope {
        let now = self.clock.now();
        contracts::envelope(body, MessageId::new(now, random10()), now)
            .about(job.id, job.generation)
            .traced(trace::outgoing().traceparent())
    }
}

/// The part of a job that stages read.
#[derive(Clone, Debug)]
pub struct JobCard {
    pub id: JobId,
    pub kind: JobKind,
    pub generation: u64,
    /// The request of the job's kind, as stored.
    pub request: Value,
    pub input: InputObject,
    pub verdict: Option<Verdict>,
}

/// The uploaded recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputObject {
    pub key: ObjectKey,
    pub size_bytes: u64,
    pub sha256: String,
}

/// A finished stage, as later stages see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub provider: Option<String>,
    pub seconds: f64,
    pub detail: Value,
}

/// Five minutes of 44.1 kHz 16-bit mono are 26 MB.
const MAX_WORK_OBJECT_BYTES: usize = 64 * 1024 * 1024;
/// Largest file that a stage hands on: an hour of stereo as WAV, as storage takes it, stays below.
const MAX_FILE_BYTES: u64 = 1024 * 1024 * 1024;

/// Everything one run of a stage gets.
pub struct StageRun<'a> {
    pub job: &'a JobCard,
    /// Finished stages by name.
    pub done: &'a BTreeMap<String, Checkpoint>,
    pub tools: &'a StageTools,
    /// Fraction of this stage, 0–1.
    pub progress: ProgressSink,
    /// What is left of the job's time.
    pub remaining: Duration,
}

/// What a stage leaves behind. Large things go to the object store; `detail` is small and is kept in the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageOutput {
    pub provider: Option<String>,
    /// The main object that it wrote.
    pub object: Option<(ObjectKey, Stored)>,
    pub detail: Value,
}

/// Runs one stage of one kind of job. Runs may be cut off at any await and repeated: they write under fixed keys and
/// change nothing else.
#[async_trait]
pub trait Stage: Send + Sync {
    fn name(&self) -> StageName;
    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure>;
}

impl StageRun<'_> {
    /// The job's request as the kind's own type.
    pub fn request<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.job.request.clone()).map_err(|error| unreadable("the request", &error))
    }

    pub fn work_key(&self, name: &str) -> Result<ObjectKey, Failure> {
        ObjectKey::job_stage(self.job.id, name).map_err(|error| of_blob(&error.into()))
    }

    /// Writes a document under the job's working folder.
    pub async fn put_json<T: Serialize + Sync>(&self, name: &str, value: &T) -> Result<(ObjectKey, Stored), Failure> {
        let bytes = serde_json::to_vec(value).map_err(|error| unreadable(name, &error))?;
        self.put_bytes(name, bytes, "application/json").await
    }

    pub async fn put_bytes(
        &self,
        name: &str,
        bytes: Vec<u8>,
        media_type: &str,
    ) -> Result<(ObjectKey, Stored), Failure> {
        let key = self.work_key(name)?;
        let stored = self.tools.blobs.put_bytes(&key, bytes.into(), media_type).await.map_err(|e| of_blob(&e))?;
        Ok((key, stored))
    }

    /// Writes what a file holds from where it stands.
    pub async fn put_file(&self, name: &str, file: File, media_type: &str) -> Result<(ObjectKey, Stored), Failure> {
        let key = self.work_key(name)?;
        let body = blob_store::file_body(file);
        let stored = self.tools.blobs.put(&key, body, media_type, MAX_FILE_BYTES).await.map_err(|e| of_blob(&e))?;
        Ok((key, stored))
    }

    pub async fn get_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let bytes = self.get_bytes(name).await?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(name, &error))
    }

    /// A working object as a stream.
    pub async fn open(&self, name: &str) -> Result<ByteStream, Failure> {
        let object = self.tools.blobs.get(&self.work_key(name)?, None).await;
        Ok(object.map_err(|error| of_blob(&error))?.body)
    }

    /// Reads a whole working object; they are bounded by the limits on what a job may be made of.
    pub async fn get_bytes(&self, name: &str) -> Result<Bytes, Failure> {
        blob_store::collect(self.open(name).await?, MAX_WORK_OBJECT_BYTES).await.map_err(|error| {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("{name} cannot be read: {error}"))
        })
    }

    pub fn report_progress(&self, fraction: f64) {
        (self.progress)(fraction);
    }
}

/// What an error of the object store means for a job.
pub fn of_blob(error: &BlobError) -> Failure {
    let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
    Failure::new(class, FailureCode::Storage, error.to_string())
}

/// A stored document that this version cannot read.
fn unreadable(what: &str, error: &serde_json::Error) -> Failure {
    Failure::new(FailureClass::Config, FailureCode::Internal, format!("{what} cannot be read: {error}"))
}

/// Runs blocking work off the async threads.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| {
        tracing::error!(error = %panic, "stage panicked");
        Failure::new(FailureClass::Config, FailureCode::Internal, "a stage failed unexpectedly")
    })
}
