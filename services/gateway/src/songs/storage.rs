//! What the catalogue asks of storage.

use std::time::Duration;

use contracts::{Body, Payload};
use messaging::{MessagingError, Queue};
use service_runtime::error_chain;

use crate::{app_state::AppState, problem::ApiError};

/// The answer of a storage service, in time.
pub async fn ask<P: Payload>(state: &AppState, request: impl Into<Body>, deadline: Duration) -> Result<P, ApiError> {
    let answer = state.bus.request(Queue::StorageSongs, state.message(request), deadline).await;
    let answer = answer.map_err(|error| match error {
        MessagingError::Fault { ref code, .. } if code == "song_missing" => ApiError::NotFound,
        error => {
            tracing::warn!(error = %error_chain(&error), "the catalogue was not changed");
            match error {
                MessagingError::Fault { retryable: false, .. } => ApiError::Internal,
                _ => ApiError::Unavailable { what: "The catalogue" },
            }
        }
    })?;
    P::open(answer).map_err(|error| {
        tracing::error!(%error, "storage's answer cannot be read");
        ApiError::Internal
    })
}
