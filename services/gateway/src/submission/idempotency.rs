//! Requests that may be repeated safely: the first one works, its repeats get its answer.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use chrono::TimeDelta;
use persistence::{Begin, IdempotencyKey, KeyClaim};
use sha2::{Digest, Sha256};

use super::answer::answered;
use crate::{
    app_state::AppState, auth::Caller, fields::Fields, links::LinkMaker, problem::ApiError, submit_kind::SubmitKind,
    upload::ReceivedFile,
};

/// Answers are kept for repeats this long.
pub const KEEP: TimeDelta = TimeDelta::hours(24);
/// Longest that a request works between its upload and its answer.
const HOLD: TimeDelta = TimeDelta::minutes(2);

/// The header, which belongs to its user and route.
pub fn key(request: &HttpRequest, caller: &Caller, route: &str) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| ApiError::InvalidField {
        field: "Idempotency-Key",
        detail: "expected 1 to 255 printable ASCII characters".to_owned(),
    })?;
    Ok(Some(IdempotencyKey { user: caller.user.clone(), key: key.to_owned(), route: route.to_owned() }))
}

/// Whether a request with this key has been seen before, so that this one may be its repeat.
pub async fn is_repeat(state: &AppState, key: Option<&IdempotencyKey>) -> Result<bool, ApiError> {
    match key {
        Some(key) => Ok(state.database.idempotency().is_known(key, state.clock.now()).await?),
        None => Ok(false),
    }
}

/// Whose turn it is.
pub enum Begun {
    /// Ours, with the key where there is one.
    Ours(Option<KeyClaim>),
    /// The first request was answered; its answer again.
    Replay(HttpResponse),
}

/// Takes the key, or gives the answer that its first request got.
pub async fn begin(
    state: &AppState,
    links: &LinkMaker,
    key: Option<IdempotencyKey>,
    hash: &str,
) -> Result<Begun, ApiError> {
    let Some(key) = key else { return Ok(Begun::Ours(None)) };
    match state.database.idempotency().begin(&key, hash, state.clock.now(), HOLD).await? {
        Begin::Fresh(claim) => Ok(Begun::Ours(Some(claim))),
        Begin::InFlight => Err(ApiError::IdempotencyInFlight),
        Begin::Mismatch => Err(ApiError::IdempotencyMismatch),
        Begin::Replay { status, body, .. } => {
            let status = StatusCode::from_u16(status).map_err(|_| ApiError::Internal)?;
            Ok(Begun::Replay(answered(status, body, links, true)))
        }
    }
}

/// Over everything that makes two requests the same. What a kind with one role sent to the version before this one has
/// the same hash still.
pub fn request_hash(kind: &dyn SubmitKind, files: &[ReceivedFile], fields: &Fields, reuse: bool) -> String {
    let mut hash = Sha256::new();
    for file in files {
        if kind.spec().inputs.len() > 1 {
            hash.update(file.role);
            hash.update([0]);
        }
        hash.update(&file.stored.sha256);
    }
    for name in kind.fields() {
        hash.update([0]);
        hash.update(fields.canonical(name));
    }
    if !reuse {
        hash.update([0]);
        hash.update(super::REUSE);
    }
    hex::encode(hash.finalize())
}
