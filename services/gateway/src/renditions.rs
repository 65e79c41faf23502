//! Songs in formats that nobody had asked for when they were made: storage writes them.

use std::time::Duration;

use contracts::{Payload as _, v1};
use domain::{ArtifactRole, JobId};
use messaging::{MessagingError, Queue};
use service_runtime::error_chain;

use crate::{app_state::AppState, problem::ApiError};

/// Ten minutes of sound take some seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Has a finished song written in the format of a role; once it is, its row is there.
pub async fn make(state: &AppState, job: JobId, role: &ArtifactRole) -> Result<(), ApiError> {
    let request = v1::MakeRendition { job_id: job.to_string(), role: role.to_string() };
    let answer = state.bus.request(Queue::StorageRequests, state.message_about(job, request), DEADLINE).await;
    let answer = answer.map_err(|error| {
        tracing::warn!(error = %error_chain(&error), "a song is not there in another format");
        match error {
            MessagingError::Fault { ref code, .. } if code == "job_over" => ApiError::Gone,
            MessagingError::Fault { retryable: false, .. } => ApiError::Internal,
            _ => ApiError::Unavailable { what: "The storage service" },
        }
    })?;
    v1::RenditionMade::open(answer).map(drop).map_err(|error| {
        tracing::error!(%error, "storage's answer cannot be read");
        ApiError::Internal
    })
}
