//! Has a validator look at every file of a request.

use std::time::Duration;

use contracts::{Payload, ValidationRequest, v1};
use domain::{
    KindSpec, Tier,
    audio::{FindingCode, Verdict},
    kind::{InputCheck, InputSpec},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use messaging::{MessagingError, Queue};
use service_runtime::error_chain;

use super::CheckedInput;
use crate::{
    app_state::AppState,
    problem::{ApiError, FilePlace},
    upload::ReceivedFile,
};

/// How long the gateway waits for a verdict. Five minutes of sound take under a second; the rest is for a validator
/// that is just starting.
const DEADLINE: Duration = Duration::from_secs(30);
/// Files of one request that are judged at once.
const AT_ONCE: usize = 4;

/// All files with their verdicts, or the refusal of the first one that does not pass.
pub async fn of_all(
    state: &AppState,
    kind: &'static KindSpec,
    tier: Tier,
    files: Vec<ReceivedFile>,
) -> Result<Vec<CheckedInput>, ApiError> {
    let mut number = 0;
    let mut before = None;
    let placed: Vec<_> = files
        .into_iter()
        .map(|file| {
            number = if before == Some(file.role) { number + 1 } else { 1 };
            before = Some(file.role);
            (number, file)
        })
        .collect();
    let judged = |(number, file): (u32, ReceivedFile)| async move {
        let spec = kind.input(file.role).ok_or(ApiError::Internal)?;
        judge(state, tier, spec.check, file, place(kind, spec, number)).await
    };
    let judged = stream::iter(placed).map(judged).buffered(AT_ONCE).try_collect::<Vec<CheckedInput>>().await?;
    refuse_where_none_is_good(kind, judged)
}

/// Where bad files do not sink the others, one at least must be good.
fn refuse_where_none_is_good(
    kind: &'static KindSpec,
    judged: Vec<CheckedInput>,
) -> Result<Vec<CheckedInput>, ApiError> {
    for spec in kind.inputs.iter().filter(|spec| spec.check.tolerates_bad_files()) {
        let mut of_role = judged.iter().filter(|input| input.role == spec.role).peekable();
        if let Some(first) = of_role.peek().copied()
            && of_role.all(|input| !input.verdict.accepted())
        {
            return Err(refusal(first.verdict.clone(), place(kind, spec, 1)));
        }
    }
    Ok(judged)
}

/// Which file is meant, where the kind takes more than one.
fn place(kind: &KindSpec, spec: &'static InputSpec, number: u32) -> Option<FilePlace> {
    let several = kind.inputs.len() > 1 || spec.max > 1;
    several.then_some(FilePlace { role: spec.role, number: (spec.max > 1).then_some(number) })
}

async fn judge(
    state: &AppState,
    tier: Tier,
    check: InputCheck,
    file: ReceivedFile,
    place: Option<FilePlace>,
) -> Result<CheckedInput, ApiError> {
    const AWAY: ApiError = ApiError::Unavailable { what: "The validator" };
    let ReceivedFile { role, upload, key, stored, file_name } = file;
    let request = ValidationRequest { object_key: key.to_string(), file_name: file_name.clone(), tier, check };
    let message = state.message(v1::ValidateAudio::from(request));
    let reply = state.bus.request(Queue::ValidatorRequests, message, DEADLINE).await.map_err(|error| {
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
    if !verdict.accepted() && !check.tolerates_bad_files() {
        return Err(refusal(verdict, place));
    }
    let object_key = key.to_string();
    let (sha256, size_bytes) = (stored.sha256, stored.size_bytes);
    Ok(CheckedInput { role, upload, object_key, sha256, size_bytes, file_name, verdict })
}

/// 415 for what is not an accepted format, 400 for all else that is wrong with a recording.
fn refusal(verdict: Verdict, place: Option<FilePlace>) -> ApiError {
    let unsupported = |code| {
        matches!(
            code,
            FindingCode::NotAudio | FindingCode::NoAudioStream | FindingCode::UnsupportedFormat | FindingCode::NotMidi
        )
    };
    if verdict.errors().any(|finding| unsupported(finding.code)) {
        return ApiError::UnsupportedAudio { place, findings: verdict.findings };
    }
    ApiError::AudioRefused { place, findings: verdict.findings }
}
