//! `POST /train`: looks at what is to be trained with, and says where trainings are done. A training takes hours and outlives
//! a process; this service has no rows to keep one in, and one that ran in its background would be lost with it.

use actix_multipart::Multipart;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use serde::Deserialize;
use url::Url;

use crate::{AppState, recordings, refusal::Refusal, upload};

/// Recordings of one training.
const MAX_RECORDINGS: usize = 20;
const MAX_NAME_CHARS: usize = 50;
const MAX_JSON_BYTES: usize = 16 * 1024;

/// The older service's body: the recordings lie at an address.
#[derive(Deserialize)]
struct TrainingCall {
    instrument_name: String,
    dataset_url: String,
}

pub async fn train(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Refusal> {
    let is_form = request.content_type().eq_ignore_ascii_case("multipart/form-data");
    if is_form {
        check_form(Multipart::new(request.headers(), payload), &state).await?;
    } else {
        check_call(&body(payload).await?)?;
    }
    Err(Refusal::trains_elsewhere(state.training_url.clone()))
}

async fn check_form(form: Multipart, state: &AppState) -> Result<(), Refusal> {
    let limits = &state.pipeline.limits;
    let form = upload::form(form, limits.max_size_bytes, MAX_RECORDINGS).await?;
    let name = form.fields.get("instrument_name").or_else(|| form.fields.get("name"));
    check_name(name.map(String::as_str).unwrap_or_default())?;
    if form.recordings.is_empty() {
        return Err(Refusal::invalid("the form has no recordings: send them in parts named files"));
    }
    for recording in &form.recordings {
        recordings::check(recording, limits).await?;
    }
    Ok(())
}

fn check_call(body: &[u8]) -> Result<(), Refusal> {
    let call: TrainingCall = serde_json::from_slice(body).map_err(|error| {
        Refusal::invalid(format!(
            "expected a form with recordings, or JSON with instrument_name and dataset_url: {error}"
        ))
    })?;
    check_name(&call.instrument_name)?;
    let is_address = Url::parse(&call.dataset_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_address { Ok(()) } else { Err(Refusal::invalid("dataset_url: expected an http or https address")) }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=MAX_NAME_CHARS).contains(&name.len()) && name.chars().all(is_good);
    if fits {
        return Ok(());
    }
    let detail = format!("instrument_name: expected 1 to {MAX_NAME_CHARS} letters, digits, hyphens and underscores");
    Err(Refusal::invalid(detail))
}

async fn body(mut payload: web::Payload) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Refusal::invalid(format!("the body broke off: {error}")))?;
        if body.len() + chunk.len() > MAX_JSON_BYTES {
            return Err(Refusal::body_too_large(MAX_JSON_BYTES));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
