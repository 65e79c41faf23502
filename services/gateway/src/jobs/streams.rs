//! Following a job: Server-Sent Events and WebSocket.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    body::BodyStream,
    http::{Method, header},
    web,
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use service_runtime::error_chain;

use super::own_job;
use crate::{
    app_state::AppState,
    follow::{self, EventBody},
    problem::{ApiError, Problem},
};

/// Follow a job: every event from the start, or behind `Last-Event-ID`, as Server-Sent Events, to the last one.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/events", tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Number of the last event that you have seen"),
    ),
    responses(
        (status = 200, description = "The events", body = EventBody, content_type = "text/event-stream"),
        (status = 204, description = "The job has ended, and you have seen everything"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn events(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &state).await?;
    let after = last_event_id(&request);
    // To anything else a browser's EventSource comes back for ever (HTML, section 9.2.3).
    if job.state.is_final() && follow::nothing_behind(&state.database, &user, job.id, after).await? {
        return Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-cache")).finish());
    }
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        // nginx would hold events back.
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.body(BodyStream::new(stream::empty::<Result<_, actix_web::Error>>())));
    }
    let events = follow::follow(state.database.clone(), &state.news, user, job.id, after, state.shutdown.clone());
    let gauge = state.metrics.event_stream("sse");
    let frames = events.map(|event| match event {
        Ok(event) => Some(sse_frame(&event)),
        Err(error) => {
            tracing::info!(error = %error_chain(&error), "event stream ended early");
            None
        }
    });
    // A stream that breaks off is simply closed: the client comes back with its Last-Event-ID.
    let frames = frames.take_while(|frame| std::future::ready(frame.is_some())).filter_map(std::future::ready);
    let frames = stream::iter([web::Bytes::from_static(RECONNECT)]).chain(frames);
    let body = with_keepalive(Box::pin(frames), state.settings.http.event_keepalive).map(move |frame| {
        let _open = &gauge;
        Ok::<_, actix_web::Error>(frame)
    });
    Ok(response.body(BodyStream::new(Box::pin(body))))
}

/// How soon a browser comes back when the connection breaks, in milliseconds; by itself it would wait for three seconds
/// or more.
const RECONNECT: &[u8] = b"retry: 1000\n\n";

fn sse_frame(event: &EventBody) -> web::Bytes {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.kind).into()
}

/// Puts a comment line into silences, so that proxies keep the connection open.
fn with_keepalive(
    frames: impl stream::Stream<Item = web::Bytes> + Unpin,
    every: Duration,
) -> impl stream::Stream<Item = web::Bytes> {
    stream::unfold(frames, move |mut frames| async move {
        match tokio::time::timeout(every, frames.next()).await {
            Ok(Some(frame)) => Some((frame, frames)),
            Ok(None) => None,
            Err(_silence) => Some((web::Bytes::from_static(b": still here\n\n"), frames)),
        }
    })
}

fn last_event_id(request: &HttpRequest) -> u64 {
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let query = web::Query::<FollowQuery>::from_query(request.query_string()).ok();
    header
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| query.and_then(|query| query.last_event_id))
        .unwrap_or(0)
}

#[derive(Deserialize)]
struct FollowQuery {
    /// Browsers cannot set headers on a WebSocket.
    #[serde(rename = "lastEventId")]
    last_event_id: Option<u64>,
}

/// Follow a job over WebSocket: the same events, a JSON text message each; the server closes after the last one.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/ws", tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id"),
        ("lastEventId" = Option<u64>, Query, description = "Number of the last event that you have seen"),
    ),
    responses(
        (status = 101, description = "The events follow", body = EventBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn ws(
    request: HttpRequest,
    body: web::Payload,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, actix_web::Error> {
    let (user, job) = own_job(&request, &id, &state).await?;
    let after = last_event_id(&request);
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    let upgrades = upgrade.is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    if !upgrades || request.method() != Method::GET {
        let detail = "expected a WebSocket handshake; without one follow the job at /events".to_owned();
        return Err(ApiError::InvalidField { field: "Upgrade", detail }.into());
    }
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let events = follow::follow(state.database.clone(), &state.news, user, job.id, after, state.shutdown.clone());
    let gauge = state.metrics.event_stream("ws");
    let keepalive = state.settings.http.event_keepalive;
    actix_web::rt::spawn(async move {
        speak(session, messages, Box::pin(events), keepalive).await;
        drop(gauge);
    });
    Ok(response)
}

async fn speak(
    mut session: actix_ws::Session,
    mut messages: actix_ws::MessageStream,
    mut events: impl stream::Stream<Item = Result<EventBody, follow::FollowError>> + Unpin,
    keepalive: Duration,
) {
    let mut pings = tokio::time::interval(keepalive);
    let reason = loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => {
                    let text = serde_json::to_string(&event).unwrap_or_default();
                    if session.text(text).await.is_err() {
                        return;
                    }
                }
                Some(Err(error)) => {
                    tracing::info!(error = %error_chain(&error), "event stream ended early");
                    break actix_ws::CloseCode::Restart;
                }
                None => break actix_ws::CloseCode::Normal,
            },
            message = messages.next() => match message {
                Some(Ok(actix_ws::Message::Ping(bytes))) => {
                    if session.pong(&bytes).await.is_err() {
                        return;
                    }
                }
                // Followers have nothing to say; whatever else they send is passed over.
                Some(Ok(actix_ws::Message::Close(_))) | Some(Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            _ = pings.tick() => {
                if session.ping(b"").await.is_err() {
                    return;
                }
            }
        }
    };
    // Whether the other side still hears this makes no difference.
    let _ = session.close(Some(reason.into())).await;
}
