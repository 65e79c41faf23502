//! One multipart form with files, streamed straight into the object store. Never holds more of a file than a few
//! chunks, and never looks inside it.

use std::{collections::HashMap, io, time::Duration};

use actix_multipart::{Field, Multipart, MultipartError};
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

use crate::{app_state::AppState, problem::ApiError, submission::too_many};

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
    /// For one file of this check.
    pub limit_bytes: &'a (dyn Fn(InputCheck) -> u64 + Sync),
}

/// Reads the form to its end. Files are the parts that are named as inputs; text parts are collected; everything else
/// is read past. `uploads` names whatever has begun to be stored, also on an error.
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
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.content_disposition().and_then(|d| d.get_filename()).map(str::to_owned);
        if let Some(input) = to.inputs.iter().find(|input| input.role == name) {
            let InputSpec { role, max, check, .. } = input;
            if received.files.iter().filter(|file| file.role == *role).count() >= *max as usize {
                return Err(too_many(role, *max));
            }
            let upload = begin_upload(to, uploads).await?;
            let key = ObjectKey::upload(upload);
            let stored = store(field, to, &key, (to.limit_bytes)(*check)).await?;
            to.state.metrics.upload_bytes(stored.size_bytes);
            if stored.size_bytes == 0 && file_name.as_deref() == Some("") {
                // A web page's file field in which nothing was chosen; the sweep takes the empty object.
                continue;
            }
            received.files.push(ReceivedFile { role, upload, key, stored, file_name });
            continue;
        }
        count += 1;
        if count > MAX_FIELDS {
            return Err(ApiError::InvalidBody { detail: format!("The form has more than {MAX_FIELDS} fields.") });
        }
        if file_name.is_none() {
            let text = read_text(field, &name).await?;
            received.texts.insert(name, text);
        } else {
            read_past(field).await?;
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
            return Err(ApiError::InvalidBody {
                detail: format!("The field {name:.40} is longer than {MAX_TEXT_BYTES} bytes."),
            });
        }
    }
    String::from_utf8(text)
        .map_err(|_| ApiError::InvalidBody { detail: format!("The field {name:.40} is not UTF-8 text.") })
}

async fn read_past(mut field: Field) -> Result<(), ApiError> {
    let mut seen = 0;
    while let Some(chunk) = moving(field.next()).await? {
        seen += chunk.map_err(of_multipart)?.len();
        if seen > MAX_TEXT_BYTES * 16 {
            return Err(ApiError::InvalidBody {
                detail: "The form holds a file in a part that takes none here.".to_owned(),
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
