//! Around every HTTP request of a service: a trace, a log line with status and time, metrics.

use std::time::Instant;

use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Version,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
};
use telemetry::{Metrics, TraceContext, trace};

/// The header of the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// Joins the caller's trace or starts one, and tells of the outcome. For `actix_web::middleware::from_fn`.
pub async fn observe<B: MessageBody>(
    service: &'static str,
    metrics: &Metrics,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    let context = request
        .headers()
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| TraceContext::parse(value).ok())
        .map_or_else(TraceContext::new_root, |parent| parent.child());
    let (method, version) = (request.method().clone(), request.version());
    let span = trace::span_for(&context, "request");
    span.record("method", method.as_str());
    let in_flight = metrics.http_in_flight(service);

    let answered = trace::within_span(context, span.clone(), next.call(request)).await;
    drop(in_flight);
    let mut response = match answered {
        Ok(response) => response,
        Err(error) => {
            // Extractors and payload limits answer here; without this they would be neither counted nor logged.
            let status = error.as_response_error().status_code();
            metrics.http_request(service, "(rejected)", method.as_str(), status.as_u16(), started.elapsed());
            return Err(error);
        }
    };
    // The pattern, not the path: ids must not become labels.
    let route = response.request().match_pattern().unwrap_or_else(|| "(none)".to_owned());
    let status = response.status();
    metrics.http_request(service, &route, method.as_str(), status.as_u16(), started.elapsed());
    let took_ms = started.elapsed().as_millis() as u64;
    span.record("route", route.as_str());
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::warn!(status = status.as_u16(), took_ms, "request failed");
    } else {
        tracing::debug!(status = status.as_u16(), took_ms, "request answered");
    }
    if let Ok(value) = HeaderValue::from_str(&context.trace_id()) {
        response.headers_mut().insert(HeaderName::from_static("x-trace-id"), value);
    }
    if version < Version::HTTP_11 {
        end_with_the_connection(&mut response);
    }
    Ok(response)
}

/// A body of unknown length goes out in chunks, which a client of HTTP/1.0 does not know (RFC 9112, section 6.1). For
/// one of those the body ends where the connection does.
fn end_with_the_connection<B: MessageBody>(response: &mut ServiceResponse<B>) {
    if matches!(response.response().body().size(), BodySize::Stream) {
        let head = response.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
}
