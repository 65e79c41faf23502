//! Taking songs in: the form is streamed into the object store, storage reads it from there and writes a report, and
//! neither is kept.

use std::{io::Read, time::Duration};

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use blob_store::ObjectKey;
use contracts::{NO_TIME, SongFile, SongImport, SongOutcome, SongReport, StoredObject, v1};
use domain::{
    SongName, UploadId,
    kind::{InputCheck, InputSpec},
    song::{MAX_IMPORT_BYTES, MAX_IMPORT_FILES},
};
use resilience::ids::random10;
use service_runtime::error_chain;

use super::{
    storage::ask,
    wire::{SongImportBody, SongImportForm},
};
use crate::{
    app_state::AppState,
    auth::Caller,
    problem::{ApiError, Problem},
    submission::forget,
    upload::{self, Destination, Form},
};

const FILE: &str = "file";
const TITLE: &str = "title";
const ARTIST: &str = "artist";

/// Nobody judges these as a recording: what they are is storage's to find out.
static FILES: [InputSpec; 1] = [InputSpec {
    role: FILE,
    min: 1,
    max: MAX_IMPORT_FILES,
    what: "a MIDI file or an archive of them",
    check: InputCheck::Midi,
}];

/// How long an import waits for a free slot.
const SLOT_WAIT: Duration = Duration::from_secs(10);
/// How long storage may take: some ten thousand songs.
const DEADLINE: Duration = Duration::from_secs(300);
/// Longest report that is read: 20,000 files with long names.
const MAX_REPORT_BYTES: u64 = 32 * 1024 * 1024;
/// Files that an error names.
const NAMED: usize = 5;

/// Take songs into the catalogue. For operators.
#[utoipa::path(
    post, path = "/api/v1/songs", operation_id = "import_songs", tag = "songs",
    request_body(content = SongImportForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "At least one song is new", body = SongImportBody),
        (status = 200, description = "All songs were there already", body = SongImportBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn import(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let form = upload::form(&request, payload)?;
    if !caller.operator {
        upload::drain(form).await;
        return Err(ApiError::Forbidden);
    }
    let slot = tokio::time::timeout(SLOT_WAIT, state.uploads.acquire()).await;
    let _slot = slot.map_err(|_| ApiError::TooManyRequests { retry_after: SLOT_WAIT })?;
    let mut uploads = Vec::new();
    let outcome = receive(&state, &caller, form, &mut uploads).await;
    // Songs have objects of their own by now.
    for upload in uploads {
        forget(&state, upload).await;
    }
    let report = outcome?;
    let (imported, known, _) = report.counts();
    if imported + known == 0 {
        return Err(refusal(&report));
    }
    let status = if imported > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(SongImportBody::of(report)))
}

/// `uploads` names what is to be forgotten.
async fn receive(
    state: &AppState,
    caller: &Caller,
    form: Multipart,
    uploads: &mut Vec<UploadId>,
) -> Result<SongReport, ApiError> {
    let to = Destination {
        state,
        owner: &caller.user,
        inputs: &FILES,
        texts: &[TITLE, ARTIST],
        limit_bytes: &|_| MAX_IMPORT_BYTES,
        most_bytes: MAX_IMPORT_BYTES,
    };
    let received = upload::receive(form, &to, uploads).await.map_err(|error| match error {
        ApiError::TooLarge { .. } => ApiError::SongsTooLarge { limit_bytes: MAX_IMPORT_BYTES },
        error => error,
    });
    let Form { files, mut texts } = received?;
    let (title, artist) = wishes(&mut texts, files.len())?;
    let mut named = Vec::with_capacity(files.len());
    for file in files {
        state.database.uploads().complete(file.upload, file.stored.size_bytes, &file.stored.sha256).await?;
        let object = StoredObject {
            object_key: file.key.to_string(),
            sha256: file.stored.sha256,
            size_bytes: file.stored.size_bytes,
        };
        named.push(SongFile { object, file_name: file.file_name });
    }
    let now = state.clock.now();
    let report = UploadId::new(now, random10());
    let report_key = ObjectKey::upload(report);
    state.database.uploads().create(report, &caller.user, report_key.as_str(), now).await?;
    let request = SongImport { files: named, title, artist, report_object_key: report_key.to_string() };
    // When nobody answers in time, the report may yet be written: its row stays, and the sweep finds both.
    ask::<v1::SongsImported>(state, v1::ImportSongs::from(request), DEADLINE).await?;
    uploads.push(report);
    read_report(state, &report_key).await
}

/// Title and artist as they are to be stored.
fn wishes(
    texts: &mut std::collections::HashMap<String, String>,
    files: usize,
) -> Result<(Option<String>, Option<String>), ApiError> {
    if files == 0 {
        let detail = "send a MIDI file or an archive of them, as a file".to_owned();
        return Err(ApiError::InvalidField { field: FILE, detail });
    }
    let mut filled = |name| texts.remove(name).filter(|text| !text.trim().is_empty());
    let (title, artist) = (filled(TITLE), filled(ARTIST));
    if title.is_some() && files > 1 {
        let detail = "a title is for one song; leave it out for several files".to_owned();
        return Err(ApiError::InvalidField { field: TITLE, detail });
    }
    let name = SongName::new(title.as_deref().unwrap_or("any"), artist.as_deref())
        .map_err(|why| ApiError::InvalidField { field: why.field, detail: why.detail })?;
    Ok((title.map(|_| name.title().to_owned()), name.artist().map(str::to_owned)))
}

async fn read_report(state: &AppState, key: &ObjectKey) -> Result<SongReport, ApiError> {
    let mut file = state.blobs.fetch_to_file(key, MAX_REPORT_BYTES).await.map_err(|error| {
        tracing::error!(error = %error_chain(&error), "report of an import cannot be fetched");
        ApiError::Unavailable { what: "The object store" }
    })?;
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        file.read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    });
    reading.await.ok().flatten().ok_or_else(|| {
        tracing::error!("report of an import cannot be read");
        ApiError::Internal
    })
}

/// Why nothing was taken, by the first files of a report.
fn refusal(report: &SongReport) -> ApiError {
    let refused: Vec<(String, &str)> = report
        .files
        .iter()
        .filter_map(|line| match &line.outcome {
            SongOutcome::Refused { code, why } => Some((format!("{}: {why}", line.file), code.as_str())),
            SongOutcome::Imported { .. } | SongOutcome::Known { .. } => None,
        })
        .collect();
    // The one file that it got to says so.
    if refused.iter().any(|(_, code)| *code == NO_TIME) {
        return ApiError::Unavailable { what: "The catalogue" };
    }
    if refused.is_empty() {
        let detail = "There is no file in it that could be a song.".to_owned();
        return ApiError::SongsRefused { detail };
    }
    let mut detail: Vec<&str> = refused.iter().take(NAMED).map(|(why, _)| why.as_str()).collect();
    let more = format!("{} more files are no songs either.", refused.len().saturating_sub(NAMED));
    if refused.len() > NAMED {
        detail.push(&more);
    }
    let detail = detail.join(" ");
    let none_is_midi = refused.iter().all(|(_, code)| *code == "not_midi");
    if none_is_midi { ApiError::NotMidi { detail } } else { ApiError::SongsRefused { detail } }
}

#[cfg(test)]
mod tests {
    use contracts::SongReportLine;

    use super::*;

    #[test]
    fn an_import_for_which_there_was_no_time_is_to_be_repeated() {
        let refused = |code: &str| {
            let outcome = SongOutcome::Refused { code: code.to_owned(), why: "As the test wants.".to_owned() };
            SongReportLine { file: "a.mid".to_owned(), outcome }
        };
        let report = |codes: &[&str]| SongReport {
            files: codes.iter().map(|code| refused(code)).collect(),
            ..SongReport::default()
        };
        assert!(matches!(refusal(&report(&["not_midi", NO_TIME])), ApiError::Unavailable { .. }));
        assert!(matches!(refusal(&report(&["not_midi"])), ApiError::NotMidi { .. }));
        assert!(matches!(refusal(&report(&["not_midi", "no_notes"])), ApiError::SongsRefused { .. }));
    }
}
