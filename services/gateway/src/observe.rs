//! Around every request: a trace, a log line with status and time, metrics, and the headers that every answer carries.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web,
};
use telemetry::{TraceContext, trace};

use crate::{problem::ApiError, state::House};

/// The service's name in metrics.
const SERVICE: &str = "gateway";
const TRACEPARENT: &str = "traceparent";

/// Middleware: joins the caller's trace or starts one, and tells of the outcome.
pub async fn observe(
    gateway: web::Data<House>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let context = request
        .headers()
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| TraceContext::parse(value).ok())
        .map_or_else(TraceContext::new_root, |parent| parent.child());
    let method = request.method().clone();
    let span = trace::span_for(&context, "request");
    span.record("method", method.as_str());
    let in_flight = gateway.metrics.http_in_flight(SERVICE);

    let answered = trace::within_span(context, span.clone(), next.call(request)).await;
    drop(in_flight);
    let mut response = match answered {
        Ok(response) => response,
        Err(error) => {
            // Extractors and payload limits answer here; without this they would be neither counted nor logged.
            let status = error.as_response_error().status_code();
            gateway.metrics.http_request(SERVICE, "(rejected)", method.as_str(), status.as_u16(), started.elapsed());
            return Err(error);
        }
    };
    // The pattern, not the path: ids must not become labels.
    let route = response.request().match_pattern().unwrap_or_else(|| "(none)".to_owned());
    let status = response.status();
    gateway.metrics.http_request(SERVICE, &route, method.as_str(), status.as_u16(), started.elapsed());
    if let Some(error) = response.response().error().and_then(|error| error.as_error::<ApiError>()) {
        gateway.metrics.problem(error.code());
    }
    let took_ms = started.elapsed().as_millis() as u64;
    span.record("route", route.as_str());
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::warn!(status = status.as_u16(), took_ms, "request failed");
    } else {
        tracing::debug!(status = status.as_u16(), took_ms, "request answered");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&context.trace_id()) {
        headers.insert(HeaderName::from_static("x-trace-id"), value);
    }
    // A result is never to be guessed into a page.
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Ok(response)
}
