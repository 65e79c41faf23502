//! What is the same for every kind of job: following it and fetching what it made.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodyStream, SizedStream},
    http::{Method, StatusCode, header},
    web,
};
use blob_store::{BlobError, ByteRange, ObjectKey};
use domain::{ArtifactRole, JobId, JobState, UserId};
use futures_util::{StreamExt, stream};
use persistence::{Artifact, Job};
use serde::Deserialize;
use utoipa::IntoParams;

use service_runtime::error_chain;

use crate::{
    conditions::{self, Decision},
    follow::{self, EventBody},
    problem::{ApiError, Problem},
    state::{House, job_id},
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
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &gateway).await?;
    let after = last_event_id(&request);
    // To anything else a browser's EventSource comes back for ever (HTML, section 9.2.3).
    if job.state.is_final() && follow::nothing_behind(&gateway.database, &user, job.id, after).await? {
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
    let events = follow::follow(gateway.database.clone(), &gateway.news, user, job.id, after, gateway.shutdown.clone());
    let gauge = gateway.metrics.event_stream("sse");
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
    let body = with_keepalive(Box::pin(frames), gateway.settings.http.event_keepalive).map(move |frame| {
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
    gateway: web::Data<House>,
) -> Result<HttpResponse, actix_web::Error> {
    let (user, job) = own_job(&request, &id, &gateway).await?;
    let after = last_event_id(&request);
    let upgrades = header_text(&request, header::UPGRADE).is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    if !upgrades || request.method() != Method::GET {
        let detail = "expected a WebSocket handshake; without one follow the job at /events".to_owned();
        return Err(ApiError::InvalidField { field: "Upgrade", detail }.into());
    }
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let events = follow::follow(gateway.database.clone(), &gateway.news, user, job.id, after, gateway.shutdown.clone());
    let gauge = gateway.metrics.event_stream("ws");
    let keepalive = gateway.settings.http.event_keepalive;
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
    /// audio_mp3 (when absent), audio_wav, lyrics, melody_midi, melody_svg, report or waveform.
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
        (status = 412, description = "`If-Match` names another version", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The files are deleted", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The file has no such part"),
    )
)]
pub async fn result(
    request: HttpRequest,
    id: web::Path<String>,
    query: web::Query<ResultQuery>,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    let (_, job) = own_job(&request, &id, &gateway).await?;
    let role = match &query.role {
        Some(word) => word.parse().map_err(|error: domain::artifact::UnknownArtifactRole| ApiError::InvalidField {
            field: "role",
            detail: error.to_string(),
        })?,
        None => ArtifactRole::AudioMp3,
    };
    let artifact = artifact_of(&gateway, &job, role).await?;
    let etag = format!("\"{}\"", artifact.sha256);
    match conditions::decide(request.method(), request.headers(), &etag) {
        Decision::Unmodified => Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .insert_header((header::CACHE_CONTROL, RESULT_CACHING))
            .finish()),
        Decision::OtherVersion => Err(ApiError::PreconditionFailed),
        Decision::Serve(range) => serve(&gateway, &artifact, range, etag, request.method() == Method::HEAD).await,
    }
}

/// A result never changes, and is one user's.
const RESULT_CACHING: &str = "private, max-age=3600, immutable";

async fn artifact_of(gateway: &House, job: &Job, role: ArtifactRole) -> Result<Artifact, ApiError> {
    if job.state != JobState::Completed {
        let detail = if job.state.is_final() { "it ended without a result" } else { "its result is not there yet" };
        return Err(ApiError::JobState { state: job.state, detail });
    }
    if job.files_deleted_at.is_some() {
        return Err(ApiError::Gone);
    }
    let artifacts = gateway.database.artifacts().of_job(job.id).await?;
    artifacts.into_iter().find(|artifact| artifact.role == role).ok_or(ApiError::NotFound)
}

async fn serve(
    gateway: &House,
    artifact: &Artifact,
    range: Option<ByteRange>,
    etag: String,
    head_only: bool,
) -> Result<HttpResponse, ApiError> {
    let key: ObjectKey = artifact.object_key.parse().map_err(|_| ApiError::Internal)?;
    let object = match gateway.blobs.get(&key, range).await {
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
    response
        .content_type(artifact.media_type.as_str())
        .insert_header((header::ETAG, etag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, RESULT_CACHING))
        .insert_header((header::CONTENT_DISPOSITION, disposition(&artifact.file_name)));
    Ok(if head_only {
        // The length alone: the file would be read from the store for nothing.
        response.body(SizedStream::new(object.span.length, stream::empty::<Result<_, actix_web::Error>>()))
    } else {
        response.body(SizedStream::new(object.span.length, object.body))
    })
}

/// A download under its own name, in ASCII for old clients and in UTF-8 for the others (RFC 6266).
fn disposition(file_name: &str) -> String {
    let ascii: String =
        file_name.chars().map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' }).collect();
    let encoded: String = url::form_urlencoded::byte_serialize(file_name.as_bytes()).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", encoded.replace('+', "%20"))
}

fn header_text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// The caller's own job, or 404 whoever else's it is.
pub async fn own_job(request: &HttpRequest, id: &str, gateway: &House) -> Result<(UserId, Job), ApiError> {
    let caller = gateway.caller(request).await?;
    let id: JobId = job_id(id)?;
    let job = gateway.database.jobs_of(&caller.user).get(id).await?.ok_or(ApiError::NotFound)?;
    Ok((caller.user, job))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let header = disposition("Nächte \"am\"\r\nMeer.mp3");
        assert!(header.starts_with("attachment; filename=\"N_chte _am___Meer.mp3\"; filename*=UTF-8''N%C3%A4chte%20"));
        assert!(!header.contains(['\r', '\n']));
    }
}
