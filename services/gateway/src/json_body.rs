//! JSON bodies, read behind the check of who asks: a stranger's body is not waited for.

use std::{pin::pin, time::Duration};

use actix_web::{HttpRequest, http::header, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::{content_coding, problem::ApiError};

/// No JSON that most routes take is larger.
const MAX_BYTES: usize = 64 * 1024;
/// A body that is not there by then holds a connection for nothing.
const READ_TIME: Duration = Duration::from_secs(20);

/// The body, if it is sent as JSON and is what the route takes.
pub async fn read<T: DeserializeOwned>(request: &HttpRequest, payload: web::Payload) -> Result<T, ApiError> {
    read_up_to(request, payload, MAX_BYTES).await
}

/// The same for a route that takes longer ones.
pub async fn read_up_to<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    max_bytes: usize,
) -> Result<T, ApiError> {
    if !is_json(request) {
        return Err(ApiError::UnsupportedMediaType { detail: "Send JSON as application/json.".to_owned() });
    }
    parse(&bytes(request, payload, max_bytes).await?)
}

/// The same, whatever its type is said to be; `None` when there is no body.
pub async fn read_optional<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Option<T>, ApiError> {
    match bytes(request, payload, MAX_BYTES).await? {
        body if body.is_empty() => Ok(None),
        body => parse(&body).map(Some),
    }
}

/// `application/json`, or a type that is JSON underneath.
pub fn is_json(request: &HttpRequest) -> bool {
    let told = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::InvalidBody { detail: format!("The body cannot be read: {error}.") })
}

/// A body of any type, of so many bytes at most.
pub async fn bytes(request: &HttpRequest, payload: web::Payload, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut payload = pin!(content_coding::decoded(request.headers(), payload));
    let reading = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk
                .map_err(|error| ApiError::InvalidBody { detail: format!("The body cannot be read: {error}.") })?;
            body.extend_from_slice(&chunk);
            if body.len() > most {
                return Err(ApiError::InvalidBody { detail: format!("The body is longer than {most} bytes.") });
            }
        }
        Ok(body)
    };
    tokio::time::timeout(READ_TIME, reading).await.unwrap_or(Err(ApiError::TooSlow))
}
