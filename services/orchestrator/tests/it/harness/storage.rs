//! A stand-in for storage that takes results in: it keeps what it was given, and nothing of it is checked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use blob_store::BlobStore;
use contracts::{IngestRequest, Payload, v1};
use domain::{ArtifactId, JobId};
use messaging::{Envelope, Handler, Outcome, Queue};
use resilience::ids::random10;
use serde_json::Value;
use service_runtime::{CancellationToken, Deps, Needs, Service};

/// Files by the role under which they came, of one job.
type Files = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Default)]
pub struct Storage {
    taken: Arc<Mutex<BTreeMap<JobId, Files>>>,
}

impl Storage {
    /// What came for a job.
    pub fn files(&self, job: JobId) -> Files {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).get(&job).cloned().unwrap_or_default()
    }

    pub fn report(&self, job: JobId) -> Value {
        serde_json::from_slice(&self.files(job)["report"]).unwrap()
    }
}

struct Taking {
    taken: Arc<Mutex<BTreeMap<JobId, Files>>>,
    objects: Arc<dyn BlobStore>,
}

#[async_trait]
impl Handler for Taking {
    async fn handle(&self, message: Envelope) -> Outcome {
        let request = IngestRequest::try_from(v1::IngestResult::open(message).unwrap()).unwrap();
        let mut files = Files::new();
        let mut artifacts = Vec::new();
        for file in request.plan.files {
            let object = self.objects.get(&file.object_key.parse().unwrap(), None).await.unwrap();
            let content = blob_store::collect(object.body, 64 << 20).await.unwrap();
            artifacts.push(v1::StoredArtifact {
                artifact_id: ArtifactId::new(chrono::Utc::now(), random10()).to_string(),
                role: file.role.to_string(),
                object_key: file.object_key,
                sha256: file.sha256,
                size_bytes: file.size_bytes,
                media_type: file.media_type,
                file_name: file.file_name,
            });
            files.insert(file.role.to_string(), content.to_vec());
        }
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(request.job_id, files);
        let job_id = request.job_id.to_string();
        Outcome::reply(v1::ResultIngested { job_id, artifacts, ..v1::ResultIngested::default() })
    }
}

#[async_trait]
impl Service for Storage {
    fn name(&self) -> &'static str {
        "storage requests"
    }

    fn needs(&self) -> Needs {
        Needs { bus: true, objects: true, ..Needs::NONE }
    }

    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let taking = Taking { taken: self.taken.clone(), objects: deps.objects()? };
        let consumer = deps.bus()?.consume(Queue::StorageRequests, 1, Arc::new(taking)).await?;
        deps.ready();
        shutdown.cancelled().await;
        consumer.drain(deps.settings.http.drain).await?;
        Ok(())
    }
}
