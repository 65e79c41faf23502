//! What is the same for every kind of job: listing, reading, following, stopping, trying again, rating, and fetching
//! what it made.

pub mod cancel;
pub mod feedback;
pub mod list;
pub mod present;
pub mod read;
pub mod retry;
pub mod wire;

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodyStream, SizedStream},
    http::{StatusCode, header},
    web,
};
use blob_store::{BlobError, ByteRange, ObjectKey};
use domain::{ArtifactRole, JobId, JobState, KindName, UserId};
use futures_util::{StreamExt, stream};
use persistence::{Artifact, Job};
use serde::Deserialize;
use utoipa::IntoParams;

use service_runtime::error_chain;

use crate::{
    app_state::{AppState, job_id},
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
    let body = with_keepalive(Box::pin(frames), state.settings.http.event_keepalive).map(move |frame| {
        let _open = &gauge;
        Ok::<_, actix_web::Error>(frame)
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        // nginx would hold events back.
        .insert_header(("x-accel-buffering", "no"))
        .body(BodyStream::new(Box::pin(body))))
}

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

/// Which file of a result.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ResultQuery {
    /// One of the roles under `artifacts` of the job, such as `audio_wav`; the kind's main file when absent.
    pub role: Option<String>,
}

/// Fetch a file of a finished job. Answers ranges, and 304 to a matching `If-None-Match`.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/result", tag = "jobs",
    params(("id" = String, Path, description = "The job's id"), ResultQuery),
    responses(
        (status = 200, description = "The file", content_type = "audio/mpeg"),
        (status = 206, description = "The part that `Range` asked for"),
        (status = 304, description = "You have it already"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The job has no result", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The files are deleted", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The file has no such part"),
    )
)]
pub async fn result(
    request: HttpRequest,
    id: web::Path<String>,
    query: web::Query<ResultQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (_, job) = own_job(&request, &id, &state).await?;
    let role = query.role.as_deref().map(ArtifactRole::parse).transpose();
    let role = role.map_err(|error| ApiError::InvalidField { field: "role", detail: error.to_string() })?;
    let artifact = artifact_of(&state, &job, role).await?;
    let etag = format!("\"{}\"", artifact.sha256);
    if header_text(&request, header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(|tag| same_tag(tag, &etag)))
    {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish());
    }
    let range = wanted_range(&request, &etag);
    serve(&state, &artifact, range, etag).await
}

/// The file of a role, or the kind's main one. A role that this version does not know is served all the same when the
/// job has it.
async fn artifact_of(state: &AppState, job: &Job, role: Option<ArtifactRole>) -> Result<Artifact, ApiError> {
    if job.state != JobState::Completed {
        let detail = if job.state.is_final() { "it ended without a result" } else { "its result is not there yet" };
        return Err(ApiError::JobState { state: job.state, detail });
    }
    if job.files_deleted_at.is_some() {
        return Err(ApiError::Gone);
    }
    let spec = state.spec(job.kind.as_str());
    let mut artifacts = state.database.artifacts().of_job(job.id).await?;
    let Some(role) = role.or_else(|| spec.map(|spec| spec.default_role.clone())) else {
        // Of a kind that only a newer version knows: which file is its main one is not known here.
        let detail = format!("say which file: {}", words(artifacts.iter().map(|artifact| &artifact.role)));
        return Err(ApiError::InvalidField { field: "role", detail });
    };
    if let Some(at) = artifacts.iter().position(|artifact| artifact.role == role) {
        return Ok(artifacts.swap_remove(at));
    }
    match spec {
        Some(spec) if spec.artifact(&role).is_none() => {
            let detail = format!("expected one of {}", words(spec.artifacts.iter().map(|artifact| &artifact.role)));
            Err(ApiError::InvalidField { field: "role", detail })
        }
        _ => Err(ApiError::NotFound),
    }
}

fn words<'a>(roles: impl Iterator<Item = &'a ArtifactRole>) -> String {
    roles.map(ArtifactRole::as_str).collect::<Vec<_>>().join(", ")
}

async fn serve(
    state: &AppState,
    artifact: &Artifact,
    range: Option<ByteRange>,
    etag: String,
) -> Result<HttpResponse, ApiError> {
    let key: ObjectKey = artifact.object_key.parse().map_err(|_| ApiError::Internal)?;
    let object = match state.blobs.get(&key, range).await {
        Ok(object) => object,
        Err(BlobError::InvalidRange { .. }) => {
            return Ok(HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE)
                .insert_header((header::CONTENT_RANGE, format!("bytes */{}", artifact.size_bytes)))
                .finish());
        }
        Err(BlobError::NotFound { .. }) => return Err(ApiError::Gone),
        Err(error) => {
            tracing::error!(error = %error_chain(&error), "result not opened");
            return Err(ApiError::Unavailable { what: "The object store" });
        }
    };
    let mut response = if range.is_some() {
        let last = object.span.offset + object.span.length.max(1) - 1;
        let mut partial = HttpResponse::PartialContent();
        partial.insert_header((
            header::CONTENT_RANGE,
            format!("bytes {}-{last}/{}", object.span.offset, object.size_bytes),
        ));
        partial
    } else {
        HttpResponse::Ok()
    };
    Ok(response
        .content_type(artifact.media_type.as_str())
        .insert_header((header::ETAG, etag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, "private, max-age=3600, immutable"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(&artifact.file_name)))
        .body(SizedStream::new(object.span.length, object.body)))
}

/// A download under its own name, in ASCII for old clients and in UTF-8 for the others (RFC 6266).
fn disposition(file_name: &str) -> String {
    let ascii: String =
        file_name.chars().map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' }).collect();
    let encoded: String = url::form_urlencoded::byte_serialize(file_name.as_bytes()).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", encoded.replace('+', "%20"))
}

/// The part that is asked for. What cannot be understood, or more than one part, reads as the whole (RFC 9110 allows
/// it), and so does a range of another version of the file.
fn wanted_range(request: &HttpRequest, etag: &str) -> Option<ByteRange> {
    if header_text(request, header::IF_RANGE).is_some_and(|tag| !same_tag(tag, etag)) {
        return None;
    }
    parse_range(header_text(request, header::RANGE)?)
}

fn parse_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", count) => Some(ByteRange::Last { count: count.parse().ok()? }),
        (first, "") => Some(ByteRange::From { first: first.parse().ok()? }),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(ByteRange::FromTo { first, last })
        }
    }
}

fn same_tag(tag: &str, etag: &str) -> bool {
    let tag = tag.trim();
    tag == "*" || tag.trim_start_matches("W/") == etag
}

fn header_text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// The caller's own job, or 404 whoever else's it is.
pub async fn own_job(request: &HttpRequest, id: &str, state: &AppState) -> Result<(UserId, Job), ApiError> {
    let caller = state.caller(request).await?;
    let id: JobId = job_id(id)?;
    let job = state.database.jobs_of(&caller.user).get(id).await?.ok_or(ApiError::NotFound)?;
    Ok((caller.user, job))
}

/// The same for an older API: a job of another kind is none of its jobs.
pub async fn own_job_of(
    request: &HttpRequest,
    id: &str,
    kind: &KindName,
    state: &AppState,
) -> Result<(UserId, Job), ApiError> {
    let (user, job) = own_job(request, id, state).await?;
    if job.kind == *kind { Ok((user, job)) } else { Err(ApiError::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(parse_range("bytes=0-99"), Some(ByteRange::FromTo { first: 0, last: 99 }));
        assert_eq!(parse_range("bytes=100-"), Some(ByteRange::From { first: 100 }));
        assert_eq!(parse_range("bytes=-5"), Some(ByteRange::Last { count: 5 }));
        for whole in ["bytes=5-1", "bytes=a-b", "bytes=0-1,4-5", "items=0-1", "bytes=", "bytes=-"] {
            assert_eq!(parse_range(whole), None, "{whole}");
        }
    }

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let header = disposition("Nächte \"am\"\r\nMeer.mp3");
        assert!(header.starts_with("attachment; filename=\"N_chte _am___Meer.mp3\"; filename*=UTF-8''N%C3%A4chte%20"));
        assert!(!header.contains(['\r', '\n']));
    }

    #[test]
    fn tags_compare_weakly() {
        assert!(same_tag(" W/\"abc\"", "\"abc\"") && same_tag("*", "\"abc\"") && !same_tag("\"abd\"", "\"abc\""));
    }
}
