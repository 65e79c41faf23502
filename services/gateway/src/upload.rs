//! One multipart form with files, streamed straight into the object store. Never holds more of a file than a few
//! chunks, and never looks inside it.

use std::{collections::HashMap, io, time::Duration};

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    web,
};
use blob_store::{BlobError, BlobStore, ObjectKey, Stored};
use bytes::Bytes;
use domain::{
    UploadId, UserId,
    kind::{InputCheck, InputSpec},
};
use futures_util::StreamExt;
use resilience::ids::random10;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{app_state::AppState, content_coding, disposition::Disposition, problem::ApiError};

/// Longest text field: a prompt of 500 characters is at most 2000 bytes.
const MAX_TEXT_BYTES: usize = 4096;
/// Fields in one form besides its files; more is not a form of ours.
const MAX_FIELDS: usize = 32;
/// Chunks on their way to the object store; with the store's own part this bounds the memory of an upload.
const CHUNKS_IN_FLIGHT: usize = 4;
/// How much of a refused body is still read, so that the client reads our answer instead of a broken connection.
const DRAIN_BYTES: usize = 128 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(20);
/// An upload that stands still this long is given up: it holds a slot that others wait for.
const IDLE_TIME: Duration = Duration::from_secs(20);
/// And one that takes longer than this, however slowly it moves.
const TOTAL_TIME: Duration = Duration::from_secs(15 * 60);

/// What a form held.
#[derive(Debug, Default)]
pub struct Form {
    /// In the order in which they came.
    pub files: Vec<ReceivedFile>,
    pub texts: HashMap<String, String>,
}

/// A file that lies in the object store.
#[derive(Clone, Debug)]
pub struct ReceivedFile {
    /// The input that it is for.
    pub role: &'static str,
    pub upload: UploadId,
    pub key: ObjectKey,
    pub stored: Stored,
    /// As the client named it; not to be believed.
    pub file_name: Option<String>,
}

/// Where a form's files go.
pub struct Destination<'a> {
    pub state: &'a AppState,
    pub owner: &'a UserId,
    /// The files that are taken, by the names of their parts.
    pub inputs: &'static [InputSpec],
    /// Names of the text fields that are taken.
    pub texts: &'a [&'static str],
    /// For one file of this check.
    pub limit_bytes: &'a (dyn Fn(InputCheck) -> u64 + Sync),
    /// For all files together.
    pub most_bytes: u64,
}

/// The form of a request, ready to be read.
///
/// # Errors
/// When the body is of another type.
pub fn form(request: &HttpRequest, payload: web::Payload) -> Result<Multipart, ApiError> {
    const OTHER: MultipartError = MultipartError::ContentTypeIncompatible;
    let told = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.ok_or_else(|| of_multipart(OTHER))?;
    let (essence, parameters) = told.split_once(';').unwrap_or((told, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(of_multipart(OTHER));
    }
    if parameters.trim().is_empty() {
        return Err(of_multipart(MultipartError::BoundaryMissing));
    }
    // Under its own name the reader would refuse parts whose file name is not UTF-8 before we see them.
    let neutral = HeaderValue::try_from(format!("multipart/mixed;{parameters}")).map_err(|_| of_multipart(OTHER))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, neutral);
    Ok(Multipart::new(&headers, content_coding::decoded(request.headers(), payload)))
}

/// Reads the form to its end. Files are the parts that are named as inputs; the kind's text fields are collected,
/// whether they come as text or as files; other text is read past, and other files are refused. `uploads` names
/// whatever has begun to be stored, also on an error.
pub async fn receive(mut form: Multipart, to: &Destination<'_>, uploads: &mut Vec<UploadId>) -> Result<Form, ApiError> {
    let mut received = Form::default();
    let mut readable = true;
    let reading = read_fields(&mut form, to, &mut received, uploads, &mut readable);
    let reading = tokio::time::timeout(TOTAL_TIME, reading).await;
    if let Err(error) = reading.unwrap_or(Err(ApiError::TooSlow)) {
        // A form that is none panics when it is read on.
        if readable && !matches!(error, ApiError::TooSlow) {
            drain(form).await;
        }
        return Err(error);
    }
    Ok(received)
}

/// Deletes what a refused request left; what cannot be deleted now is found by storage's sweep.
pub async fn discard(blobs: &dyn BlobStore, key: &ObjectKey) {
    if let Err(error) = blobs.delete(key).await {
        tracing::warn!(key = %key, %error, "upload not deleted, left to the sweep");
    }
}

/// `readable` becomes false when the form itself, and not one of its fields, cannot be read.
async fn read_fields(
    form: &mut Multipart,
    to: &Destination<'_>,
    received: &mut Form,
    uploads: &mut Vec<UploadId>,
    readable: &mut bool,
) -> Result<(), ApiError> {
    let mut count = 0;
    while let Some(field) = moving(form.next()).await? {
        *readable = field.is_ok();
        let field = field.map_err(of_multipart)?;
        let Disposition { name, file_name } = disposition(&field)?;
        as_it_is(&field, &name)?;
        if let Some(input) = to.inputs.iter().find(|input| input.role == name) {
            let InputSpec { role, max, check, .. } = input;
            if received.files.iter().filter(|file| file.role == *role).count() >= *max as usize {
                return Err(too_many(role, *max));
            }
            let upload = begin_upload(to, uploads).await?;
            let key = ObjectKey::upload(upload);
            let before: u64 = received.files.iter().map(|file| file.stored.size_bytes).sum();
            let (own, left) = ((to.limit_bytes)(*check), to.most_bytes.saturating_sub(before));
            let stored = store(field, to, &key, own.min(left)).await.map_err(|error| match error {
                // It alone would not have been too large.
                ApiError::TooLarge { .. } if left < own => ApiError::FilesTooLarge { limit_bytes: to.most_bytes },
                error => error,
            })?;
            to.state.metrics.upload_bytes(stored.size_bytes);
            if stored.size_bytes == 0 && file_name.as_deref() == Some("") {
                // A web page's file field in which nothing was chosen; the sweep takes the empty object.
                continue;
            }
            let file_name = file_name.map(kept);
            received.files.push(ReceivedFile { role, upload, key, stored, file_name });
            continue;
        }
        count += 1;
        if count > MAX_FIELDS {
            return Err(ApiError::InvalidBody { detail: format!("The form has more than {MAX_FIELDS} fields.") });
        }
        if let Some(known) = to.texts.iter().find(|known| **known == name) {
            if received.texts.contains_key(&name) {
                return Err(ApiError::InvalidField { field: known, detail: "send it once only".to_owned() });
            }
            let text = read_text(field, &name).await?;
            received.texts.insert(name, text);
        } else {
            read_past(field, &name, file_name.as_deref(), to.inputs).await?;
        }
    }
    Ok(())
}

/// The row comes first: whatever happens from here on, the object can be found.
async fn begin_upload(to: &Destination<'_>, uploads: &mut Vec<UploadId>) -> Result<UploadId, ApiError> {
    let now = to.state.clock.now();
    let upload = UploadId::new(now, random10());
    uploads.push(upload);
    let key = ObjectKey::upload(upload);
    to.state.database.uploads().create(upload, to.owner, key.as_str(), now).await?;
    Ok(upload)
}

/// A file's name as it can be stored and shown.
fn kept(file_name: String) -> String {
    const MAX_CHARS: usize = 255;
    file_name.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

fn disposition(field: &Field) -> Result<Disposition, ApiError> {
    let header = field.headers().get(header::CONTENT_DISPOSITION);
    header.and_then(|value| Disposition::parse(value.as_bytes())).ok_or_else(|| ApiError::InvalidBody {
        detail: "A part of the form has no Content-Disposition that names it (form-data; name=\"…\").".to_owned(),
    })
}

/// Parts are sent as they are (RFC 7578, section 4.7); one that is encoded would be taken for something else.
fn as_it_is(field: &Field, name: &str) -> Result<(), ApiError> {
    const PLAIN: [&str; 4] = ["binary", "8bit", "7bit", "identity"];
    for header in [HeaderName::from_static("content-transfer-encoding"), header::CONTENT_ENCODING] {
        let told = field.headers().get(&header).map(|value| value.to_str().unwrap_or("?").trim());
        if told.is_some_and(|told| !PLAIN.iter().any(|plain| told.eq_ignore_ascii_case(plain))) {
            let detail = format!("The part {} comes with {header}; send it as it is, without one.", shown(name));
            return Err(ApiError::InvalidBody { detail });
        }
    }
    Ok(())
}

/// A part's name as it may stand in a sentence.
fn shown(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("`{name}`")
}

/// Streams a part into the store.
async fn store(field: Field, to: &Destination<'_>, key: &ObjectKey, limit_bytes: u64) -> Result<Stored, ApiError> {
    let media_type = field
        .content_type()
        .map_or_else(|| "application/octet-stream".to_owned(), |mime| mime.essence_str().to_owned());
    let (chunks, incoming) = mpsc::channel::<io::Result<Bytes>>(CHUNKS_IN_FLIGHT);
    let body = Box::pin(futures_util::stream::unfold(incoming, |mut incoming| async move {
        incoming.recv().await.map(|chunk| (chunk, incoming))
    }));
    let stored = CancellationToken::new();
    let put = async {
        let outcome = to.state.blobs.put(key, body, &media_type, limit_bytes).await;
        stored.cancel();
        outcome
    };
    let (outcome, forwarded) = futures_util::join!(put, forward(field, chunks, &stored));
    match (outcome, forwarded) {
        (_, Err(error)) => Err(error),
        (Ok(stored), Ok(())) => Ok(stored),
        (Err(BlobError::LimitExceeded { .. }), Ok(())) => Err(ApiError::TooLarge { limit_bytes }),
        (Err(error), Ok(())) => {
            tracing::error!(%error, "upload not stored");
            Err(ApiError::Unavailable { what: "The object store" })
        }
    }
}

/// Passes a part's chunks on until it ends or the store has given up. A part that breaks off is passed on as an
/// error, so that the store keeps nothing of it.
async fn forward(
    mut field: Field,
    chunks: mpsc::Sender<io::Result<Bytes>>,
    stored: &CancellationToken,
) -> Result<(), ApiError> {
    loop {
        let chunk = tokio::select! {
            chunk = moving(field.next()) => chunk,
            () = stored.cancelled() => return Ok(()),
        };
        let chunk = match chunk {
            Ok(chunk) => chunk.map(|chunk| chunk.map_err(of_multipart)),
            Err(too_slow) => Some(Err(too_slow)),
        };
        match chunk {
            None => return Ok(()),
            Some(Ok(chunk)) => {
                if chunks.send(Ok(chunk)).await.is_err() {
                    return Ok(());
                }
            }
            Some(Err(error)) => {
                // A failed send means that the store has given up already.
                let _ = chunks.send(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the upload broke off"))).await;
                return Err(error);
            }
        }
    }
}

/// What comes next, if it comes in time.
async fn moving<T>(next: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(IDLE_TIME, next).await.map_err(|_| ApiError::TooSlow)
}

async fn read_text(mut field: Field, name: &str) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(chunk) = moving(field.next()).await? {
        text.extend_from_slice(&chunk.map_err(of_multipart)?);
        if text.len() > MAX_TEXT_BYTES {
            let detail = format!("The field {} is longer than {MAX_TEXT_BYTES} bytes.", shown(name));
            return Err(ApiError::InvalidBody { detail });
        }
    }
    let text = String::from_utf8(text)
        .map_err(|_| ApiError::InvalidBody { detail: format!("The field {} is not UTF-8 text.", shown(name)) })?;
    // Text files of some editors begin with a mark that is no text.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Text that the route does not know is left aside. A file is not: its sender believes that it was taken. A file field
/// in which nothing was chosen holds none.
async fn read_past(
    mut field: Field,
    name: &str,
    file_name: Option<&str>,
    inputs: &[InputSpec],
) -> Result<(), ApiError> {
    let unknown_file = || {
        let taken: Vec<_> = inputs.iter().map(|input| format!("`{}` ({})", input.role, input.what)).collect();
        let taken = if taken.is_empty() { "no files".to_owned() } else { taken.join(" and ") };
        ApiError::InvalidBody { detail: format!("The form holds a file as {}; taken here: {taken}.", shown(name)) }
    };
    if file_name.is_some_and(|file_name| !file_name.is_empty()) {
        return Err(unknown_file());
    }
    let limit = if file_name.is_some() { 0 } else { MAX_TEXT_BYTES };
    let mut seen = 0;
    while let Some(chunk) = moving(field.next()).await? {
        seen += chunk.map_err(of_multipart)?.len();
        if seen > limit {
            return Err(match file_name {
                Some(_) => unknown_file(),
                None => ApiError::InvalidBody {
                    detail: format!("The field {} is longer than {MAX_TEXT_BYTES} bytes.", shown(name)),
                },
            });
        }
    }
    Ok(())
}

/// Reads on without keeping anything. Answering while a client still sends makes many clients report a broken
/// connection instead of the answer.
pub async fn drain(mut form: Multipart) {
    let read = async {
        let mut seen = 0;
        while let Some(Ok(mut field)) = form.next().await {
            while let Some(Ok(chunk)) = field.next().await {
                seen += chunk.len();
                if seen > DRAIN_BYTES {
                    return;
                }
            }
        }
    };
    // Running out of time only means that this client may see a broken connection.
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}

fn of_multipart(error: MultipartError) -> ApiError {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => {
            ApiError::UnsupportedMediaType { detail: "Send a form as multipart/form-data.".to_owned() }
        }
        error => ApiError::InvalidBody { detail: format!("The form cannot be read: {error}.") },
    }
}

/// More files of a role than its kind takes.
pub fn too_many(role: &'static str, max: u32) -> ApiError {
    let detail = match max {
        1 => "send one file only".to_owned(),
        max => format!("send at most {max} files"),
    };
    ApiError::InvalidField { field: role, detail }
}
