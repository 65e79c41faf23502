//! Hands a result to storage, which verifies it, makes the renditions and keeps them. For the last stage of any kind.

use std::time::Duration;

use contracts::{IncomingFile, IngestPlan, IngestRequest, IngestedResult, Payload, StoredObject, v1};
use domain::{ArtifactRole, Failure, FailureClass, FailureCode};
use messaging::{MessagingError, Queue};
use persistence::WorkObject;

use crate::stage::StageRun;

/// Renditions of five minutes take some seconds; a storage service that is starting may take more.
const DEADLINE: Duration = Duration::from_secs(60);
/// Name of the working object that says what is to be taken in.
const PLAN: &str = "ingest.json";

impl StageRun<'_> {
    /// The working object `name` as a file of the result.
    ///
    /// # Errors
    /// When it is not there, or the kind's table has no such role.
    pub async fn result_file(&self, role: &ArtifactRole, name: &str) -> Result<IncomingFile, Failure> {
        let spec = self.job.spec.artifact(role).ok_or_else(|| {
            Failure::new(FailureClass::Config, FailureCode::Internal, format!("the kind has no artifact {role}"))
        })?;
        let WorkObject { key, sha256, size_bytes } = self.object(name).await?;
        Ok(IncomingFile {
            role: role.clone(),
            object_key: key,
            sha256,
            size_bytes,
            media_type: spec.media_type.to_owned(),
            file_name: name.to_owned(),
        })
    }

    /// The working object `name` as the sound that storage makes the renditions of.
    pub async fn result_audio(&self, name: &str) -> Result<StoredObject, Failure> {
        self.stored_object(name).await
    }

    async fn stored_object(&self, name: &str) -> Result<StoredObject, Failure> {
        let WorkObject { key, sha256, size_bytes } = self.object(name).await?;
        Ok(StoredObject { object_key: key, sha256, size_bytes })
    }

    /// Has storage take a result in.
    pub async fn ingest(&self, plan: IngestPlan) -> Result<IngestedResult, Failure> {
        self.put_json(PLAN, &plan).await?;
        let plan_object = Some(self.stored_object(PLAN).await?);
        let request = IngestRequest { job_id: self.job.id, plan, plan_object };
        let message = self.tools.message(self.job, v1::IngestResult::from(request));
        let asked = self.tools.bus.request(Queue::StorageRequests, message, DEADLINE.min(self.remaining)).await;
        let answer = match asked {
            Ok(answer) => answer,
            // Storage may have found an object gone or altered.
            Err(fault @ MessagingError::Fault { retryable: false, .. }) => {
                return Err(self.reopen_damaged().await.unwrap_or_else(|| of_bus(fault)));
            }
            Err(error) => return Err(of_bus(error)),
        };
        let ingested = v1::ResultIngested::open(answer).map_err(|_| unintelligible())?;
        ingested.try_into().map_err(|_| unintelligible())
    }
}

fn unintelligible() -> Failure {
    let message = "storage answered with something that this version does not know";
    Failure::new(FailureClass::Transient, FailureCode::Storage, message)
}

fn of_bus(error: MessagingError) -> Failure {
    match error {
        MessagingError::Fault { message, retryable, .. } => {
            let class = if retryable { FailureClass::Transient } else { FailureClass::Config };
            Failure::new(class, FailureCode::Storage, message)
        }
        other => {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("storage did not answer: {other}"))
        }
    }
}
