//! Recordings on their way in: into a file without a name, within the limit, never in memory as a whole.

use std::{collections::HashMap, fs::File, io};

use actix_multipart::Multipart;
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt};
use providers::AudioInput;
use tokio::io::AsyncWriteExt;

use crate::refusal::Refusal;

const MAX_TEXT_BYTES: usize = 4096;
const MAX_FIELDS: usize = 16;

/// Names of parts that hold a recording; the older service calls it `audio_file`.
const RECORDINGS: [&str; 6] = ["audio", "file", "audio_file", "files", "recordings", "recording"];

/// A recording of a form.
pub struct Uploaded {
    pub audio: AudioInput,
    pub file_name: Option<String>,
}

/// A form with recordings.
pub struct Form {
    pub recordings: Vec<Uploaded>,
    pub fields: HashMap<String, String>,
}

impl Form {
    /// The one recording of a song; of several, the last.
    pub fn recording(&mut self) -> Result<Uploaded, Refusal> {
        self.recordings.pop().ok_or_else(|| Refusal::invalid("the form has no part named audio"))
    }
}

/// Reads a form: recordings in parts that are called so (`audio`, say), text in the others. At most `most_recordings`, and
/// none over the limit.
pub async fn form(mut form: Multipart, limit_bytes: u64, most_recordings: usize) -> Result<Form, Refusal> {
    let mut recordings = Vec::new();
    let mut fields = HashMap::new();
    for _ in 0..MAX_FIELDS + most_recordings {
        let Some(field) = form.next().await else { break };
        let mut field = field.map_err(|error| Refusal::invalid(format!("the form cannot be read: {error}")))?;
        let name = field.name().unwrap_or_default().to_owned();
        if RECORDINGS.contains(&name.as_str()) {
            if recordings.len() >= most_recordings {
                return Err(Refusal::invalid(format!("the form has more than {most_recordings} recordings")));
            }
            let file_name = field.content_disposition().and_then(|d| d.get_filename()).map(str::to_owned);
            recordings.push(Uploaded { audio: to_file(&mut field, limit_bytes).await?, file_name });
            continue;
        }
        let mut text = Vec::new();
        while let Some(chunk) = field.next().await {
            text.extend_from_slice(
                &chunk.map_err(|error| Refusal::invalid(format!("the form cannot be read: {error}")))?,
            );
            if text.len() > MAX_TEXT_BYTES {
                return Err(Refusal::invalid(format!("a field is longer than {MAX_TEXT_BYTES} bytes")));
            }
        }
        let text = String::from_utf8(text).map_err(|_| Refusal::invalid("a field is not UTF-8 text"))?;
        fields.insert(name, text);
    }
    Ok(Form { recordings, fields })
}

/// Reads a request whose whole body is the recording.
pub async fn body(mut payload: Payload, limit_bytes: u64) -> Result<AudioInput, Refusal> {
    to_file(&mut payload, limit_bytes).await
}

async fn to_file<E: std::fmt::Display>(
    chunks: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    limit_bytes: u64,
) -> Result<AudioInput, Refusal> {
    let mut file = unnamed_file().await?;
    let mut size: u64 = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Refusal::invalid(format!("the upload broke off: {error}")))?;
        size += chunk.len() as u64;
        if size > limit_bytes {
            return Err(Refusal::too_large(limit_bytes));
        }
        file.write_all(&chunk).await.map_err(|error| broken(&error))?;
    }
    written(file).await
}

/// A file to write into that nobody else finds.
///
/// # Errors
/// 500, which is logged; likewise [`written`].
pub async fn unnamed_file() -> Result<tokio::fs::File, Refusal> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile)
        .await
        .map_err(|_| Refusal::internal())?
        .map_err(|error| broken(&error))?;
    Ok(tokio::fs::File::from_std(file))
}

/// The same, once everything is in it.
pub async fn written(mut file: tokio::fs::File) -> Result<AudioInput, Refusal> {
    file.flush().await.map_err(|error| broken(&error))?;
    let file: File = file.into_std().await;
    AudioInput::new(file).map_err(|error| broken(&error))
}

fn broken(error: &io::Error) -> Refusal {
    tracing::error!(%error, "upload not written");
    Refusal::internal()
}
