//! Around every request: who may come at all, and what is told of the answer.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web,
};

use crate::{app_state::AppState, problem::ApiError, starts};

/// The service's name in metrics.
const SERVICE: &str = "gateway";

/// Middleware: trace, metrics, log line, and the headers that every answer carries.
pub async fn observe(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = service_runtime::observe(SERVICE, &state.metrics, request, next).await?;
    if let Some(error) = response.response().error().and_then(|error| error.as_error::<ApiError>()) {
        state.metrics.problem(error.code());
    }
    starts::tell(&mut response);
    // A result is never to be guessed into a page.
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Ok(response)
}
