//! `POST /train`: looks at what is to be trained with, and hands it over where trainings are done. A training takes hours and
//! outlives a process; this service has no rows to keep one in, and one that ran in its background would be lost with it.

use actix_multipart::Multipart;
use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::header::{HeaderValue, LOCATION},
    web,
};
use domain::kinds::training::RECORDING;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    AppState, recordings,
    refusal::Refusal,
    training_jobs::{AcceptedTraining, Passed, Trainings},
    upload::{self, Uploaded},
};

/// Recordings of one training.
const MAX_RECORDINGS: usize = 20;
const MAX_NAME_CHARS: usize = 50;
const MAX_JSON_BYTES: usize = 16 * 1024;
/// What the gateway takes beside the name and the recordings, and is for it to judge.
const PASSED_ON: [&str; 7] = ["description", "epochs", "updatesPerEpoch", "base", "dropVocals", "seed", "reuse"];
/// Of what is handed over: nobody believes what it is called.
const ANY_BYTES: &str = "application/octet-stream";

/// The older service's body: the recordings lie at an address.
#[derive(Deserialize)]
struct TrainingCall {
    instrument_name: String,
    dataset_url: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// A training that was understood.
struct Asked {
    instrument_name: String,
    /// For the gateway, by its own names.
    fields: Vec<(&'static str, String)>,
    data: Data,
}

/// What is trained with.
enum Data {
    /// Checked.
    Recordings(Vec<Uploaded>),
    /// Not looked at yet.
    At(Url),
}

impl Asked {
    /// No two models of the gateway differ in upper and lower case alone.
    fn model_name(&self) -> String {
        self.instrument_name.to_ascii_lowercase()
    }
}

/// The older clients' JSON, and where the job is.
#[derive(Serialize)]
struct TrainingAnswer<'a> {
    success: bool,
    message: String,
    status: &'a str,
    instrument_name: &'a str,
    /// What music is asked for of the model with.
    model: &'a str,
    job_id: &'a str,
    job_url: &'a str,
}

pub async fn train(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Refusal> {
    let is_form = request.content_type().eq_ignore_ascii_case("multipart/form-data");
    let asked = if is_form {
        of_form(Multipart::new(request.headers(), payload), &state).await?
    } else {
        of_call(&body(payload).await?)?
    };
    let Trainings::Jobs(jobs) = &state.trainings else {
        return Err(Refusal::trains_elsewhere(state.trainings.url().cloned()));
    };
    let passed = Passed::of(&request, state.admission.has_key())?;
    jobs.admit(&passed).await?;
    let form = fields_of(&asked);
    let accepted = match &asked.data {
        Data::Recordings(recordings) => jobs.submit(with_files(form, recordings)?, &passed).await?,
        Data::At(address) => {
            let fetched = jobs.fetcher.fetch(address).await?;
            let form = with_files(form, std::slice::from_ref(&fetched.file))?;
            jobs.submit(form, &passed).await?
        }
    };
    Ok(answered(&asked, &accepted))
}

fn answered(asked: &Asked, accepted: &AcceptedTraining) -> HttpResponse {
    let model = asked.model_name();
    let AcceptedTraining { job_id, status, job_url, is_replayed } = accepted;
    let mut response = HttpResponse::Accepted();
    if let Ok(location) = HeaderValue::from_str(job_url) {
        response.insert_header((LOCATION, location));
    }
    if *is_replayed {
        response.insert_header(("idempotent-replayed", "true"));
    }
    response.json(TrainingAnswer {
        success: true,
        message: format!("the training of {model} was handed over as job {job_id}"),
        status,
        instrument_name: &asked.instrument_name,
        model: &model,
        job_id,
        job_url,
    })
}

fn fields_of(asked: &Asked) -> outbound::Multipart {
    let named = outbound::Multipart::new().text("name", asked.model_name());
    asked.fields.iter().fold(named, |form, (field, text)| form.text(field, text.clone()))
}

fn with_files(mut form: outbound::Multipart, files: &[Uploaded]) -> Result<outbound::Multipart, Refusal> {
    for (index, Uploaded { audio, file_name }) in files.iter().enumerate() {
        let name = file_name.clone().unwrap_or_else(|| format!("recording-{}", index + 1));
        form = form.file(RECORDING, &name, ANY_BYTES, audio.reopen()?, audio.size_bytes);
    }
    Ok(form)
}

async fn of_form(form: Multipart, state: &AppState) -> Result<Asked, Refusal> {
    let limits = &state.pipeline.limits;
    let upload::Form { recordings, mut fields } = upload::form(form, limits.max_size_bytes, MAX_RECORDINGS).await?;
    let name = fields.remove("instrument_name").or_else(|| fields.remove("name")).unwrap_or_default();
    check_name(&name)?;
    if recordings.is_empty() {
        return Err(Refusal::invalid("the form has no recordings: send them in parts named files"));
    }
    for recording in &recordings {
        recordings::check(recording, limits).await?;
    }
    let given = PASSED_ON.into_iter().filter_map(|field| Some((field, fields.remove(field)?)));
    Ok(Asked { instrument_name: name, fields: given.collect(), data: Data::Recordings(recordings) })
}

fn of_call(body: &[u8]) -> Result<Asked, Refusal> {
    let TrainingCall { instrument_name, dataset_url, more } = serde_json::from_slice(body).map_err(|error| {
        Refusal::invalid(format!(
            "expected a form with recordings, or JSON with instrument_name and dataset_url: {error}"
        ))
    })?;
    check_name(&instrument_name)?;
    let address = Url::parse(&dataset_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let address = address.ok_or_else(|| Refusal::invalid("dataset_url: expected an http or https address"))?;
    let mut fields = Vec::new();
    for field in PASSED_ON {
        fields.extend(text_of(field, more.get(field))?.map(|text| (field, text)));
    }
    Ok(Asked { instrument_name, fields, data: Data::At(address) })
}

/// As a part of a form says it.
fn text_of(field: &str, value: Option<&Value>) -> Result<Option<String>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => {
            Err(Refusal::invalid(format!("{field}: expected a text, a number, true or false")))
        }
    }
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
