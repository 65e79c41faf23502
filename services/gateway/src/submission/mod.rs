//! Accepting a job of any kind. Everything before the one transaction at the end can be thrown away; what a crash
//! leaves is found by storage's sweep.

mod answer;
mod copies;
mod idempotency;
mod limits;
mod refusals;
mod verdicts;

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use blob_store::Stored;
use domain::{
    JobId, ModelId, UploadId,
    kind::{InputCheck, InputSpec},
    quota::QuotaUsage,
    starts::Starts,
};
use persistence::{IdempotentAnswer, Job, KeyClaim, NameToHold, NewInput, NewJob, Submission, SubmissionLimits};
use resilience::ids::random10;
use serde_json::{Map, Value};
use service_runtime::error_chain;
use telemetry::trace;

use crate::{
    app_state::AppState,
    auth::Caller,
    fields::{Fields, Shapes},
    json_body,
    links::{LinkMaker, Links},
    models::check_usable,
    named_inputs::NamedInputs,
    problem::ApiError,
    quota::over_quota,
    starts,
    submit_kind::{Accepted, Asked, CheckedInput, HeldName, SubmitKind},
    upload::{self, Destination, ReceivedFile, too_many},
    wire::QuotaBody,
};

pub use refusals::Refusals;

use answer::{accepted_journal, answered};
use idempotency::Begun;

/// The field that every kind has: whether finished stages of the owner's earlier jobs may be reused.
pub const REUSE: &str = "reuse";
/// How long an upload waits for a free slot.
const SLOT_WAIT: Duration = Duration::from_secs(10);

/// One way to submit a kind: its own answer, and its own idempotency keys.
pub struct Door {
    /// What its idempotency keys belong to.
    pub route: String,
    pub links: fn(&LinkMaker, JobId) -> Links,
    pub answer: fn(&dyn SubmitKind, &Accepted<'_>) -> Value,
}

/// Submit a job of the kind that the path names.
pub async fn of_any_kind(
    request: HttpRequest,
    payload: web::Payload,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let Some(kind) = state.kinds.get(&name) else {
        state.caller(&request).await?;
        return Err(ApiError::UnknownKind { known: state.kinds.names() });
    };
    let door = Door { route: format!("jobs/{}", kind.spec().name), links: LinkMaker::job, answer: answer::common };
    submit(&request, payload, &state, kind, &door).await
}

/// The whole flow, from the first look at a request to its answer.
pub async fn submit(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    kind: &dyn SubmitKind,
    door: &Door,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(request).await?;
    let starts = limits::starts_of(state, &caller, kind).await?;
    if let Some(starts) = starts {
        starts::note(request, starts);
    }
    let key = idempotency::key(request, &caller, &door.route)?;
    let body = Body::of(request, payload, kind)?;
    // Nobody should send 50 MB to be told this. A repeat is answered as before, whatever the limits say.
    if !idempotency::is_repeat(state, key.as_ref()).await?
        && let Err(error) = may_begin(state, &caller, kind, starts).await
    {
        if let Body::Form(form) = body {
            upload::drain(form).await;
        }
        return Err(error);
    }
    let submission = Request { http: request, state, caller: &caller, kind, door };
    let mut uploads = Vec::new();
    let outcome = match body {
        Body::Json(payload) => {
            // What it names is copied and judged like an upload.
            let _slot = if kind.spec().inputs.is_empty() { None } else { Some(upload_slot(state).await?) };
            submission.of_json(payload, key, &mut uploads).await
        }
        Body::Form(form) => {
            let _slot = upload_slot(state).await?;
            let outcome = submission.of_form(form, key, &mut uploads).await;
            state.metrics.upload(outcome.as_ref().err().map_or("accepted", ApiError::code));
            outcome
        }
    };
    if !matches!(outcome, Ok(Outcome::New(_))) {
        for upload in uploads {
            forget(state, upload).await;
        }
    }
    outcome.map(|(Outcome::New(response) | Outcome::Replayed(response))| response)
}

/// Whether a request of this kind may come to a job at all, as can be told before anything of it is read.
async fn may_begin(
    state: &AppState,
    caller: &Caller,
    kind: &dyn SubmitKind,
    starts: Option<Starts>,
) -> Result<(), ApiError> {
    kind.is_offered(&state.settings)?;
    limits::refuse_when_reached(state, caller, starts).await
}

/// A place among the uploads that are received at once.
async fn upload_slot(state: &AppState) -> Result<impl Sized + '_, ApiError> {
    let slot = tokio::time::timeout(SLOT_WAIT, state.uploads.acquire()).await;
    slot.map_err(|_| ApiError::TooManyRequests { retry_after: SLOT_WAIT })
}

enum Body {
    Form(Multipart),
    Json(web::Payload),
}

impl Body {
    fn of(request: &HttpRequest, payload: web::Payload, kind: &dyn SubmitKind) -> Result<Self, ApiError> {
        if !json_body::is_json(request) {
            return upload::form(request, payload).map(Self::Form);
        }
        let needed: Vec<_> = kind.spec().inputs.iter().filter(|input| input.min > 0).collect();
        if needed.is_empty() || kind.named_inputs().is_some() {
            return Ok(Self::Json(payload));
        }
        let parts: Vec<_> = needed.iter().map(|input| format!("`{}` ({})", input.role, input.what)).collect();
        Err(ApiError::UnsupportedMediaType {
            detail: format!("This takes files: send a form as multipart/form-data with {}.", parts.join(" and ")),
        })
    }
}

enum Outcome {
    New(HttpResponse),
    /// The uploads of this repeat are not needed.
    Replayed(HttpResponse),
}

/// Leaves nothing of a request that made no job. What fails here is found by the sweep. A commit whose answer was lost
/// may have made a job all the same: its files stay.
pub async fn forget(state: &AppState, upload: UploadId) {
    match state.database.uploads().get(upload).await {
        Ok(Some(row)) if row.job_id.is_none() => {}
        Ok(_) => return,
        Err(error) => {
            tracing::warn!(error = error_chain(&error), "upload left to the sweep");
            return;
        }
    }
    upload::discard(&*state.blobs, &blob_store::ObjectKey::upload(upload)).await;
    if let Err(error) = state.database.uploads().delete(upload).await {
        tracing::warn!(error = %error_chain(&error), "upload row left to the sweep");
    }
}

/// What a request is about, on its way through the flow.
struct Request<'a> {
    http: &'a HttpRequest,
    state: &'a AppState,
    caller: &'a Caller,
    kind: &'a dyn SubmitKind,
    door: &'a Door,
}

impl Request<'_> {
    async fn of_json(
        &self,
        payload: web::Payload,
        key: Option<persistence::IdempotencyKey>,
        uploads: &mut Vec<UploadId>,
    ) -> Result<Outcome, ApiError> {
        let object: Map<String, Value> = json_body::read(self.http, payload).await?;
        let fields = Fields::of_json(object, &self.shapes())?;
        self.accept(&fields, Vec::new(), key, uploads).await
    }

    /// `uploads` names whatever has begun to be stored, also when this fails.
    async fn of_form(
        &self,
        form: Multipart,
        key: Option<persistence::IdempotencyKey>,
        uploads: &mut Vec<UploadId>,
    ) -> Result<Outcome, ApiError> {
        let Self { state, caller, kind, .. } = self;
        let names = self.field_names();
        let limit_bytes = |check| match check {
            InputCheck::Audio => state.settings.audio_limits(caller.tier).max_size_bytes,
            InputCheck::Midi => domain::midi::MAX_BYTES,
            InputCheck::Recordings => state.settings.training.limits(caller.tier).max_file_bytes,
        };
        let to = Destination {
            state,
            owner: &caller.user,
            inputs: kind.spec().inputs,
            texts: &names,
            limit_bytes: &limit_bytes,
            most_bytes: kind.most_bytes(&state.settings, caller.tier),
        };
        let form = upload::receive(form, &to, uploads).await?;
        let fields = Fields::of_form(form.texts, &self.shapes())?;
        self.accept(&fields, form.files, key, uploads).await
    }

    fn field_names(&self) -> Vec<&'static str> {
        self.kind.fields().iter().copied().chain([REUSE]).collect()
    }

    fn shapes(&self) -> Shapes {
        let kind = self.kind;
        Shapes { known: self.field_names(), structured: kind.structured_fields(), lists: kind.list_fields() }
    }

    /// From what was received to an answer.
    async fn accept(
        &self,
        fields: &Fields,
        files: Vec<ReceivedFile>,
        key: Option<persistence::IdempotencyKey>,
        uploads: &mut Vec<UploadId>,
    ) -> Result<Outcome, ApiError> {
        let asked = self.kind.read(fields)?;
        let reuse = reuse(fields)?;
        let named = self.kind.named_inputs();
        let files = if named.is_some() { files } else { sorted(self.kind.spec().inputs, files)? };
        for file in &files {
            let Stored { size_bytes, sha256, .. } = &file.stored;
            self.state.database.uploads().complete(file.upload, *size_bytes, sha256).await?;
        }
        let hash = idempotency::request_hash(self.kind, &files, fields, reuse);
        let claim = match idempotency::begin(self.state, &self.state.links(self.http), key, &hash).await? {
            Begun::Ours(claim) => claim,
            Begun::Replay(response) => return Ok(Outcome::Replayed(response)),
        };
        // After the key: a repeat is answered as before, whatever has become of what it names.
        let gathered = match named {
            None => Ok(files),
            Some(named) => self.gathered(named, fields, files, uploads).await,
        };
        let submitted = match gathered {
            Ok(files) => self.judge_and_store(asked, reuse, files, claim.as_ref()).await,
            Err(error) => Err(error),
        };
        if submitted.is_err()
            && let Some(claim) = &claim
            && let Err(error) = self.state.database.idempotency().abandon(claim).await
        {
            tracing::warn!(error = %error_chain(&error), "idempotency key left to its time limit");
        }
        submitted.map(Outcome::New)
    }

    /// The files of the request and copies of what it names, in order.
    async fn gathered(
        &self,
        named: &dyn NamedInputs,
        fields: &Fields,
        files: Vec<ReceivedFile>,
        uploads: &mut Vec<UploadId>,
    ) -> Result<Vec<ReceivedFile>, ApiError> {
        let places = named.places(&self.state.database, fields, files.len()).await?;
        let files = copies::gather(self.state, &self.caller.user, places, files, uploads).await?;
        sorted(self.kind.spec().inputs, files)
    }

    /// Has the words and the files judged, then stores the job. The words come after the idempotency key: what was
    /// accepted before the lists grew is answered as it was.
    async fn judge_and_store(
        &self,
        asked: Asked,
        reuse: bool,
        files: Vec<ReceivedFile>,
        claim: Option<&KeyClaim>,
    ) -> Result<HttpResponse, ApiError> {
        let Self { http, state, caller, kind, door } = *self;
        refuse_listed_words(state, &asked)?;
        kind.admit(&state.database, caller, &asked).await?;
        if let Some(model) = kind.model(&asked.params) {
            check_usable(state, &caller.user, &model).await?;
        }
        let inputs = verdicts::of_all(state, kind.spec(), caller.tier, files).await?;
        let now = state.clock.now();
        let new = NewJob {
            id: JobId::new(now, random10()),
            kind: kind.spec().name.clone(),
            tier: caller.tier,
            params: asked.params,
            inputs: inputs.iter().map(new_input).collect::<Result<_, _>>()?,
            reuse,
            due_at: now,
            deadline_at: None,
            traceparent: Some(trace::outgoing().traceparent()),
        };
        let limits = state.settings.quota.limits(caller.tier);
        let queue_position = state.database.jobs().waiting().await?;
        // It is stored for repeats, which may come under another name.
        let body = |job: &Job, usage: QuotaUsage| {
            let links = (door.links)(&state.stored_links, job.id);
            let quota = QuotaBody::of(limits, usage);
            (door.answer)(kind, &Accepted { job, inputs: &inputs, quota, queue_position, links })
        };
        let answer = claim.map(|claim| IdempotentAnswer {
            claim,
            status: StatusCode::ACCEPTED.as_u16(),
            body: &body,
            expires_at: now + idempotency::KEEP,
        });
        let journal = accepted_journal(state);
        let both = SubmissionLimits { quota: limits, starts: kind.start_limit(&state.settings) };
        let held = kind.name_to_hold(&state.settings, &new.params);
        let is_same = |params: &Value| {
            let other = kind.name_to_hold(&state.settings, params);
            other.as_ref().map(|other| &other.name) == held.as_ref().map(|held| &held.name)
        };
        let hold = held.as_ref().map(|HeldName { name, provider }| NameToHold {
            name,
            provider,
            id: ModelId::new(now, random10()),
            is_same: &is_same,
        });
        match state.database.jobs_of(&caller.user).submit_holding(&new, both, hold, answer, &journal, now).await? {
            Submission::Accepted { job, usage, starts } => {
                if let Some(starts) = starts {
                    starts::note(http, starts);
                }
                state.outbox.notify_one();
                state.metrics.job_accepted(job.kind.as_str());
                tracing::info!(job_id = %job.id, kind = %job.kind, "job accepted");
                Ok(answered(StatusCode::ACCEPTED, body(&job, usage), &state.links(http), false))
            }
            Submission::OverQuota { exceeded, usage } => Err(over_quota(state, exceeded, limits, usage)),
            Submission::TooManyStarts { starts } => {
                starts::note(http, starts);
                Err(ApiError::RateLimited { starts })
            }
            Submission::NameHeld { by } => Err(held_by_another(held.as_ref(), by)),
            Submission::NameTaken => Err(ApiError::ModelNameTaken { name: name_of(held.as_ref()) }),
            Submission::UploadGone => Err(ApiError::Unavailable { what: "Your upload" }),
            Submission::KeyLost => Err(ApiError::IdempotencyInFlight),
        }
    }
}

/// Two jobs of one name at once would each make the next version after the same one.
fn held_by_another(held: Option<&HeldName>, by: JobId) -> ApiError {
    let detail = format!(
        "the job {by} holds the name: wait until that one has ended, cancel it (POST /api/v1/jobs/{by}/cancel), or take another name"
    );
    ApiError::ModelState { name: name_of(held), detail }
}

fn name_of(held: Option<&HeldName>) -> String {
    held.map(|held| held.name.to_string()).unwrap_or_default()
}

/// What the job's first stage would refuse is told at once. Nothing of the text goes into the answer.
fn refuse_listed_words(state: &AppState, asked: &Asked) -> Result<(), ApiError> {
    for (field, text) in &asked.texts {
        let admitted = state.words.admit(field, text);
        admitted.map_err(|refusal| ApiError::ContentRejected { field, detail: refusal.to_string() })?;
    }
    Ok(())
}

fn reuse(fields: &Fields) -> Result<bool, ApiError> {
    match fields.text(REUSE).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "true" | "1" | "on" | "yes") => Ok(true),
        Some("false" | "0" | "off" | "no") => Ok(false),
        Some(_) => Err(ApiError::InvalidField { field: REUSE, detail: "expected true or false".to_owned() }),
    }
}

/// The files in the order of the kind's table, if there are as many of each as it takes.
fn sorted(specs: &'static [InputSpec], files: Vec<ReceivedFile>) -> Result<Vec<ReceivedFile>, ApiError> {
    for InputSpec { role, min, max, what, check: _ } in specs {
        let count = files.iter().filter(|file| file.role == *role).count();
        if count > *max as usize {
            return Err(too_many(role, *max));
        }
        if count < *min as usize {
            let detail = match min {
                1 => format!("send {what} as a file in the part `{role}`"),
                min => format!("send at least {min} files ({what}) in parts named `{role}`; {count} came"),
            };
            return Err(ApiError::InvalidField { field: role, detail });
        }
    }
    let place = |file: &ReceivedFile| specs.iter().position(|spec| spec.role == file.role);
    let mut files = files;
    files.sort_by_key(place);
    Ok(files)
}

fn new_input(input: &CheckedInput) -> Result<NewInput, ApiError> {
    let CheckedInput { role, upload, object_key, sha256, size_bytes, file_name, verdict } = input;
    Ok(NewInput {
        role: (*role).to_owned(),
        upload_id: Some(*upload),
        object_key: object_key.clone(),
        sha256: sha256.clone(),
        size_bytes: *size_bytes,
        file_name: file_name.clone(),
        verdict: Some(serde_json::to_value(verdict).map_err(|_| ApiError::Internal)?),
    })
}
