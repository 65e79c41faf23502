//! Accepting a recording and a prompt. Everything before the one transaction at the end can be thrown away; what a
//! crash leaves is found by storage's sweep.

use std::{collections::HashMap, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use chrono::TimeDelta;
use contracts::{Payload, ValidationRequest, v1};
use domain::{
    JobId, JobKind, SongOptions, Tier, UploadId,
    audio::{FindingCode, Verdict},
    feed::{FeedData, FeedKind},
    options::InvalidOption,
    prompt::Prompt,
    quota::{self, QuotaExceeded, QuotaLimits, QuotaUsage},
    request::{Label, MelodyToVocalsRequest},
};
use messaging::{MessagingError, Queue};
use persistence::{Begin, IdempotencyKey, IdempotentAnswer, Job, Journal, KeyClaim, NewEvent, NewJob, Submission};
use resilience::ids::random10;
use serde_json::Value;
use sha2::{Digest, Sha256};
use telemetry::trace;

use super::{
    present,
    wire::{ConvertForm, Converted},
};
use service_runtime::error_chain;

use crate::{
    auth::Caller,
    problem::{ApiError, Problem},
    state::{House, VERDICT_DEADLINE},
    upload::{self, Destination, Form, Recording},
};

const ROUTE: &str = "melody-vocals/convert";
/// Answers are kept for repeats this long.
const IDEMPOTENCY_KEEP: TimeDelta = TimeDelta::hours(24);
/// Longest that a request works between its upload and its answer.
const IDEMPOTENCY_HOLD: TimeDelta = TimeDelta::minutes(2);
/// 53 bits: every reader of JSON keeps them exact.
const MAX_SEED: u64 = (1 << 53) - 1;
/// How long an upload waits for a free slot.
const SLOT_WAIT: Duration = Duration::from_secs(10);

/// Submit a melody: a recording and a prompt become a job. The answer comes when the recording has been checked.
#[utoipa::path(
    post, path = "/api/v1/melody-vocals/convert", tag = "melody-vocals",
    request_body(content = ConvertForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, description = "1–255 characters; a repeat gives the same job")),
    responses(
        (status = 202, description = "Accepted", body = Converted),
        (status = 400, description = "A field, its words or the recording is refused", body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The first request with this key still runs", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not an accepted format", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Quota used up, or too many uploads at once", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A part of the house is away", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn convert(
    request: HttpRequest,
    body: web::Payload,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    let caller = gateway.caller(&request).await?;
    let key = idempotency_key(&request, &caller)?;
    let form = upload::form(&request, body)?;
    if key.is_none() {
        // Nobody should send 50 MB to be told this. A repeat with a key is answered as before, whatever the quota is.
        if let Err(error) = refuse_over_quota(&gateway, &caller).await {
            upload::drain(form).await;
            return Err(error);
        }
    }
    let slot = tokio::time::timeout(SLOT_WAIT, gateway.uploads.acquire()).await;
    let _slot = slot.map_err(|_| ApiError::TooManyRequests { retry_after: SLOT_WAIT })?;

    let now = gateway.clock.now();
    let upload = UploadId::new(now, random10());
    let object_key = blob_store::ObjectKey::upload(upload);
    // The row comes first: whatever happens from here on, the object can be found.
    gateway.database.uploads().create(upload, &caller.user, object_key.as_str(), now).await?;
    let limit_bytes = gateway.settings.audio_limits(caller.tier).max_size_bytes;
    let texts: Vec<&'static str> = text_fields().collect();
    let destination = Destination { blobs: &*gateway.blobs, upload, limit_bytes, texts: &texts };
    let outcome = match upload::receive(form, destination).await {
        Ok(form) => accept(&gateway, &caller, upload, form, key).await,
        Err(error) => Err(error),
    };
    gateway.metrics.upload(outcome.as_ref().err().map_or("accepted", ApiError::code));
    match outcome {
        Ok(Outcome::New(response)) => Ok(response),
        Ok(Outcome::Replayed(response)) => {
            forget(&gateway, upload).await;
            Ok(response)
        }
        Err(error) => {
            forget(&gateway, upload).await;
            Err(error)
        }
    }
}

enum Outcome {
    New(HttpResponse),
    /// The upload of this repeat is not needed.
    Replayed(HttpResponse),
}

/// Leaves nothing of a request that made no job. What fails here is found by the sweep. A commit whose answer was lost
/// may have made a job all the same: its recording stays.
async fn forget(gateway: &House, upload: UploadId) {
    match gateway.database.uploads().get(upload).await {
        Ok(Some(row)) if row.job_id.is_none() => {}
        Ok(_) => return,
        Err(error) => {
            tracing::warn!(error = error_chain(&error), "upload left to the sweep");
            return;
        }
    }
    upload::discard(&*gateway.blobs, &blob_store::ObjectKey::upload(upload)).await;
    if let Err(error) = gateway.database.uploads().delete(upload).await {
        tracing::warn!(error = %error_chain(&error), "upload row left to the sweep");
    }
}

fn idempotency_key(request: &HttpRequest, caller: &Caller) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| ApiError::InvalidField {
        field: "Idempotency-Key",
        detail: "expected 1 to 255 printable ASCII characters".to_owned(),
    })?;
    Ok(Some(IdempotencyKey { user: caller.user.clone(), key: key.to_owned(), route: ROUTE.to_owned() }))
}

async fn refuse_over_quota(gateway: &House, caller: &Caller) -> Result<(), ApiError> {
    let now = gateway.clock.now();
    let usage = gateway.database.jobs_of(&caller.user).quota_usage(now).await?;
    let limits = gateway.settings.quota.limits(caller.tier);
    quota::check(limits, usage, now).map_err(|exceeded| over_quota(gateway, exceeded, limits, usage))
}

fn over_quota(gateway: &House, exceeded: QuotaExceeded, limits: QuotaLimits, usage: QuotaUsage) -> ApiError {
    gateway.metrics.quota_refused(&exceeded.period.to_string());
    let retry_after = (exceeded.resets_at - gateway.clock.now()).to_std().unwrap_or(Duration::from_secs(1));
    ApiError::QuotaExceeded { exceeded, retry_after, quota: present::quota(limits, usage) }
}

/// From a received form to an answer.
async fn accept(
    gateway: &House,
    caller: &Caller,
    upload: UploadId,
    form: Form,
    key: Option<IdempotencyKey>,
) -> Result<Outcome, ApiError> {
    let Form { recording, fields } = form;
    let wish = wish(&fields)?;
    let recording = recording.ok_or_else(|| ApiError::InvalidField {
        field: "audio",
        detail: "send the recording as a file in the part `audio`".to_owned(),
    })?;
    gateway.metrics.upload_bytes(recording.stored.size_bytes);
    gateway.database.uploads().complete(upload, recording.stored.size_bytes, &recording.stored.sha256).await?;
    let claim = match begin(gateway, key, &recording, &fields).await? {
        Ok(claim) => claim,
        Err(replay) => return Ok(Outcome::Replayed(replay)),
    };
    let submitted = submit(gateway, caller, upload, &wish, &recording, claim.as_ref()).await;
    if submitted.is_err()
        && let Some(claim) = &claim
        && let Err(error) = gateway.database.idempotency().abandon(claim).await
    {
        tracing::warn!(error = %error_chain(&error), "idempotency key left to its time limit");
    }
    submitted.map(Outcome::New)
}

/// Takes the idempotency key, or gives the answer that its first request got.
async fn begin(
    gateway: &House,
    key: Option<IdempotencyKey>,
    recording: &Recording,
    fields: &HashMap<String, String>,
) -> Result<Result<Option<KeyClaim>, HttpResponse>, ApiError> {
    let Some(key) = key else { return Ok(Ok(None)) };
    let hash = request_hash(recording, fields);
    let begun = gateway.database.idempotency().begin(&key, &hash, gateway.clock.now(), IDEMPOTENCY_HOLD).await?;
    match begun {
        Begin::Fresh(claim) => Ok(Ok(Some(claim))),
        Begin::InFlight => Err(ApiError::IdempotencyInFlight),
        Begin::Mismatch => Err(ApiError::IdempotencyMismatch),
        Begin::Replay { status, body, .. } => {
            let status = actix_web::http::StatusCode::from_u16(status).map_err(|_| ApiError::Internal)?;
            Ok(Err(HttpResponse::build(status).insert_header(("idempotent-replayed", "true")).json(body)))
        }
    }
}

/// Everything that the form says in words.
fn text_fields() -> impl Iterator<Item = &'static str> {
    ["prompt", "genre", "mood", "seed"].into_iter().chain(SongOptions::FIELDS)
}

/// Over everything that makes two requests the same.
fn request_hash(recording: &Recording, fields: &HashMap<String, String>) -> String {
    let mut hash = Sha256::new();
    hash.update(&recording.stored.sha256);
    for name in text_fields() {
        hash.update([0]);
        hash.update(fields.get(name).map(String::as_str).unwrap_or_default());
    }
    hex::encode(hash.finalize())
}

fn wish(fields: &HashMap<String, String>) -> Result<MelodyToVocalsRequest, ApiError> {
    let text =
        |name: &str| -> Option<&str> { fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()) };
    let label = |field: &'static str| {
        let label = text(field).map(Label::new).transpose();
        label.map_err(|error| ApiError::InvalidField { field, detail: error.to_string() })
    };
    let prompt = Prompt::new(text("prompt").unwrap_or_default())
        .map_err(|error| ApiError::InvalidField { field: "prompt", detail: error.to_string() })?;
    let seed = match text("seed") {
        Some(seed) => seed.parse().ok().filter(|seed| *seed <= MAX_SEED).ok_or_else(|| ApiError::InvalidField {
            field: "seed",
            detail: format!("expected a whole number from 0 to {MAX_SEED}"),
        })?,
        None => u64::from_be_bytes(random10()[..8].try_into().unwrap_or_default()) & MAX_SEED,
    };
    let options =
        SongOptions::read(text).map_err(|InvalidOption { field, detail }| ApiError::InvalidField { field, detail })?;
    Ok(MelodyToVocalsRequest { prompt, genre: label("genre")?, mood: label("mood")?, seed, options })
}

/// What the job's first stage would refuse is told at once. Nothing of the text goes into the answer.
fn refuse_listed_words(gateway: &House, wish: &MelodyToVocalsRequest) -> Result<(), ApiError> {
    for (field, text) in wish.texts() {
        let admitted = gateway.words.admit(field, text);
        admitted.map_err(|refusal| ApiError::ContentRejected { field, detail: refusal.to_string() })?;
    }
    Ok(())
}

/// Has the words and the recording judged, then stores the job. The words come after the idempotency key: what was
/// accepted before the lists grew is answered as it was.
async fn submit(
    gateway: &House,
    caller: &Caller,
    upload: UploadId,
    wish: &MelodyToVocalsRequest,
    recording: &Recording,
    claim: Option<&KeyClaim>,
) -> Result<HttpResponse, ApiError> {
    refuse_listed_words(gateway, wish)?;
    let verdict = judged(gateway, caller.tier, recording).await?;
    let now = gateway.clock.now();
    let new = NewJob {
        id: JobId::new(now, random10()),
        kind: JobKind::MelodyToVocals,
        tier: caller.tier,
        params: serde_json::to_value(wish).map_err(|_| ApiError::Internal)?,
        upload_id: Some(upload),
        input_key: Some(recording.key.to_string()),
        input_sha256: Some(recording.stored.sha256.clone()),
        verdict: Some(serde_json::to_value(&verdict).map_err(|_| ApiError::Internal)?),
        due_at: now,
        deadline_at: None,
        traceparent: Some(trace::outgoing().traceparent()),
    };
    let limits = gateway.settings.quota.limits(caller.tier);
    let waiting = gateway.database.jobs().waiting().await?;
    let body = |job: &Job, usage: QuotaUsage| {
        let answer = Converted {
            success: true,
            job_id: job.id.to_string(),
            message: "Conversion job submitted successfully",
            estimated_time: estimated_time(&verdict, waiting),
            quota: present::quota(limits, usage),
            warnings: present::warnings(&verdict),
            findings: present::findings(&verdict),
            status: job.state.seed_status(),
            queue_position: waiting,
            parameters: present::requested(wish),
            links: gateway.links.job(job.id),
        };
        serde_json::to_value(answer).unwrap_or(Value::Null)
    };
    let answer =
        claim.map(|claim| IdempotentAnswer { claim, status: 202, body: &body, expires_at: now + IDEMPOTENCY_KEEP });
    let journal = birth(gateway);
    let jobs = gateway.database.jobs_of(&caller.user);
    match jobs.submit(&new, limits, answer, &journal, now).await? {
        Submission::Accepted { job, usage } => {
            gateway.outbox.notify_one();
            gateway.metrics.job_accepted(job.kind.as_str());
            tracing::info!(job_id = %job.id, kind = %job.kind, "job accepted");
            Ok(HttpResponse::Accepted()
                .insert_header((header::LOCATION, gateway.links.job(job.id).status))
                .json(body(&job, usage)))
        }
        Submission::OverQuota { exceeded, usage } => Err(over_quota(gateway, exceeded, limits, usage)),
        Submission::UploadGone => Err(ApiError::Unavailable { what: "Your upload" }),
        Submission::KeyLost => Err(ApiError::IdempotencyInFlight),
    }
}

/// The first event of a job, and the message that wakes an orchestrator.
fn birth(gateway: &House) -> Journal<'_> {
    Journal::silent()
        .events(|job| {
            let data = serde_json::to_value(FeedData::new(job.state, job.progress)).unwrap_or_default();
            vec![NewEvent::new(FeedKind::Accepted.as_str(), data)]
        })
        .messages(|job| {
            let ready = gateway.message_about(job.id, v1::JobReady { job_id: job.id.to_string() });
            service_runtime::outgoing(&ready).into_iter().collect()
        })
}

async fn judged(gateway: &House, tier: Tier, recording: &Recording) -> Result<Verdict, ApiError> {
    const AWAY: ApiError = ApiError::Unavailable { what: "The validator" };
    let request =
        ValidationRequest { object_key: recording.key.to_string(), file_name: recording.file_name.clone(), tier };
    let message = gateway.message(v1::ValidateAudio::from(request));
    let reply = gateway.bus.request(Queue::ValidatorRequests, message, VERDICT_DEADLINE).await.map_err(|error| {
        tracing::warn!(error = %error_chain(&error), "no verdict");
        match error {
            MessagingError::Fault { retryable: false, .. } => ApiError::Internal,
            _ => AWAY,
        }
    })?;
    let verdict = v1::AudioVerdict::open(reply).ok().and_then(|verdict| Verdict::try_from(verdict).ok());
    let verdict = verdict.ok_or_else(|| {
        tracing::error!("verdict cannot be read");
        ApiError::Internal
    })?;
    if verdict.accepted() { Ok(verdict) } else { Err(refusal(verdict)) }
}

/// 413 for what is too large, 415 for what is not an accepted format, 400 for all else that is wrong with a recording.
fn refusal(verdict: Verdict) -> ApiError {
    let errors = || verdict.errors().map(|finding| finding.code);
    let unsupported =
        |code| matches!(code, FindingCode::NotAudio | FindingCode::NoAudioStream | FindingCode::UnsupportedFormat);
    if errors().any(unsupported) {
        return ApiError::UnsupportedAudio { findings: verdict.findings };
    }
    ApiError::AudioRefused { findings: verdict.findings }
}

/// A rough guess: the engine works faster than the melody plays, and jobs that wait come first.
fn estimated_time(verdict: &Verdict, waiting: u64) -> String {
    let seconds = verdict.facts.as_ref().map_or(0.0, |facts| facts.duration_seconds) * 0.5 + 5.0;
    let minutes = (seconds * (waiting + 1) as f64 / 60.0).ceil().max(1.0);
    if minutes <= 3.0 { "1-3 minutes".to_owned() } else { format!("about {minutes:.0} minutes") }
}
