//! From messages to work and back. A failure is an answer here: the requester waits for it and decides about a retry.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::{Body, ContractError, Envelope, IngestRequest, v1};
use domain::ArtifactRole;
use messaging::{Handler, Outcome};
use telemetry::error_chain;

use crate::{error::StorageError, service::StorageService};

/// Requests that somebody waits for.
pub(crate) struct Requests(pub(crate) Arc<StorageService>);

#[async_trait]
impl Handler for Requests {
    async fn handle(&self, message: Envelope) -> Outcome {
        let (generation, body) = (message.generation, message.body);
        let request = match body {
            Some(Body::IngestResult(request)) => request,
            Some(Body::MakeRendition(request)) => return self.answer_rendition(request).await,
            _ => return wrong_queue(),
        };
        match self.ingest(generation, request).await {
            Ok(result) => Outcome::reply(result),
            Err(error) => {
                let retryable = error.is_retryable();
                tracing::warn!(code = error.code(), retryable, error = error_chain(&error), "result not taken in");
                Outcome::fault(error.code(), error.to_string(), retryable)
            }
        }
    }
}

impl Requests {
    async fn answer_rendition(&self, request: v1::MakeRendition) -> Outcome {
        match self.make_rendition(&request).await {
            Ok(()) => {
                let v1::MakeRendition { job_id, role } = request;
                Outcome::reply(v1::RenditionMade { job_id, role })
            }
            Err(error) => {
                let retryable = error.is_retryable();
                tracing::warn!(code = error.code(), retryable, error = error_chain(&error), "rendition not made");
                Outcome::fault(error.code(), error.to_string(), retryable)
            }
        }
    }

    async fn make_rendition(&self, request: &v1::MakeRendition) -> Result<(), StorageError> {
        let role = ArtifactRole::parse(&request.role)
            .map_err(|_| ContractError::UnknownWord { field: "role", word: request.role.clone() })?;
        self.0.make_rendition(request.job()?, &role).await
    }

    async fn ingest(&self, generation: u64, request: v1::IngestResult) -> Result<v1::ResultIngested, StorageError> {
        let request = IngestRequest::try_from(request)?;
        let ingested = self.0.ingest(generation, &request).await?;
        tracing::info!(seconds = ingested.duration_seconds, "result taken in");
        Ok(ingested.into())
    }
}

/// Deletions; nobody waits for them, so they come again until they work.
pub(crate) struct Deletions(pub(crate) Arc<StorageService>);

#[async_trait]
impl Handler for Deletions {
    async fn handle(&self, message: Envelope) -> Outcome {
        let Some(Body::DeleteJobObjects(request)) = message.body else { return wrong_queue() };
        match self.delete(&request).await {
            Ok(objects) => {
                tracing::debug!(objects, "objects of a job deleted");
                Outcome::Done
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(code = error.code(), error = error_chain(&error), "objects of a job not deleted yet");
                Outcome::Retry
            }
            Err(error) => Outcome::Dead(error_chain(&error)),
        }
    }
}

impl Deletions {
    async fn delete(&self, request: &v1::DeleteJobObjects) -> Result<u64, StorageError> {
        self.0.delete_job_objects(request.job()?, request.artifacts_too).await
    }
}

fn wrong_queue() -> Outcome {
    Outcome::Dead("not a message for the storage service".to_owned())
}
