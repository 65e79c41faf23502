//! From rows to the words of the music-generator API.

use domain::{
    ArtifactRole, ExtraFormat, JobId, JobState, UserId,
    kinds::composition::{CompositionRequest, MODEL, SongTitle},
};
use persistence::Job;

use super::wire::{DownloadLink, Enveloped, Music, Requested};
use crate::{
    app_state::AppState,
    jobs::{
        present::{artifacts, failure},
        wire::ArtifactBody,
    },
    links::{LinkMaker, Links},
    problem::ApiError,
    renditions,
    submit_kind::Accepted,
};

/// What a song is called that nobody has named.
const UNTITLED: &str = "Untitled";

/// Links of a job as this API has them.
pub fn links(maker: &LinkMaker, id: JobId) -> Links {
    Links { status: maker.of_older("music-generator/status", id), ..maker.job(id) }
}

pub fn requested(accepted: &Accepted<'_>) -> Option<Enveloped<Requested>> {
    let job = accepted.job;
    let request = request(job)?;
    let data = Requested {
        music_id: job.id.to_string(),
        name: name(&request),
        prompt: request.prompt.as_str().to_owned(),
        status: word(job.state),
        length_ms: request.options.length_ms,
        output_format: request.options.output_format.to_string(),
        model_id: MODEL,
        seed: request.seed,
        created_at: job.created_at,
    };
    Some(Enveloped { success: true, data, message: Some("Music generation job created successfully") })
}

fn request(job: &Job) -> Option<CompositionRequest> {
    serde_json::from_value(job.params.clone()).ok()
}

/// The file that was asked for.
fn main_role(request: Option<&CompositionRequest>) -> ArtifactRole {
    request.map_or(ArtifactRole::AUDIO_MP3, |request| request.options.output_format.role())
}

fn name(request: &CompositionRequest) -> String {
    request.name.as_ref().map_or(UNTITLED, SongTitle::as_str).to_owned()
}

pub async fn music(
    state: &AppState,
    links: &LinkMaker,
    user: &UserId,
    job: &Job,
) -> Result<Enveloped<Music>, ApiError> {
    // One that only a newer version can read is shown as far as its row goes.
    let request = request(job);
    let main = main_role(request.as_ref());
    let file = artifacts(state, links, user, job).await?.into_iter().find(|file| file.role == main.as_str());
    let made = job.result.as_ref().filter(|_| job.state == JobState::Completed);
    let measured = made.and_then(|made| made["durationSeconds"].as_f64());
    let error = match job.state {
        JobState::Cancelled => Some("cancelled".to_owned()),
        _ => failure(state.spec(job.kind.as_str()), job).map(|failure| failure.message),
    };
    let data = Music {
        music_id: job.id.to_string(),
        name: request.as_ref().map_or_else(|| UNTITLED.to_owned(), name),
        status: word(job.state),
        progress: job.progress.percent(),
        length_ms: measured
            .map(|seconds| (seconds * 1000.0).round() as u64)
            .or(request.and_then(|request| request.options.length_ms).map(u64::from)),
        audio_url: file.map(|file| address(state, links, job, file)),
        error,
        expires_at: job.files_expire_at.filter(|_| job.state == JobState::Completed),
        created_at: job.created_at,
        updated_at: job.updated_at,
    };
    Ok(Enveloped { success: true, data, message: None })
}

/// The three words that older clients know.
const fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued | JobState::Running | JobState::Parked | JobState::Storing | JobState::Cancelling => {
            "GENERATING"
        }
        JobState::Completed => "COMPLETED",
        JobState::Failed | JobState::Expired | JobState::Cancelled => "FAILED",
    }
}

/// Where a file is fetched without a bearer token, for a while: signed by the object store, or, where that signs no links, by
/// us.
fn address(state: &AppState, links: &LinkMaker, job: &Job, file: ArtifactBody) -> String {
    let of_ours = || {
        let role = ArtifactRole::parse(&file.role).ok()?;
        let token = state.signer.sign(job.id, &role, state.clock.now() + state.settings.objects.presign)?;
        Some(links.signed_artifact(job.id, &role, &token))
    };
    file.signed_url.clone().or_else(of_ours).unwrap_or(file.url)
}

/// A link to the song in a format, or in that which was asked for.
pub async fn download(
    state: &AppState,
    links: &LinkMaker,
    user: &UserId,
    job: &Job,
    format: Option<&str>,
) -> Result<Enveloped<DownloadLink>, ApiError> {
    if job.state != JobState::Completed {
        let detail = if job.state.is_final() { "it ended without a result" } else { "its result is not there yet" };
        return Err(ApiError::JobState { state: job.state, detail });
    }
    let mut files = artifacts(state, links, user, job).await?;
    if files.is_empty() {
        return Err(ApiError::Gone);
    }
    if let Some(role) =
        format.and_then(made_on_demand).filter(|role| files.iter().all(|file| file.role != role.as_str()))
    {
        renditions::make(state, job.id, &role).await?;
        files = artifacts(state, links, user, job).await?;
    }
    let is_song = |file: &&ArtifactBody| file.role.starts_with("audio_") || file.role == "song_midi";
    let formats: Vec<String> = files.iter().filter(is_song).filter_map(|file| ending(&file.file_name)).collect();
    let main = main_role(request(job).as_ref());
    let file = match format.map(str::trim).filter(|format| !format.is_empty()) {
        None => files.into_iter().find(|file| file.role == main.as_str()).ok_or(ApiError::Gone)?,
        Some(format) => {
            let of_format = |file: &ArtifactBody| {
                is_song(&file) && ending(&file.file_name).is_some_and(|own| own.eq_ignore_ascii_case(format))
            };
            files.into_iter().find(of_format).ok_or_else(|| {
                let more = ExtraFormat::ALL.map(|format| format.as_str().to_owned());
                let more = more.into_iter().filter(|format| !formats.contains(format));
                let known: Vec<String> = formats.iter().cloned().chain(more).collect();
                let detail = format!("expected one of {}", known.join(", "));
                ApiError::InvalidField { field: "format", detail }
            })?
        }
    };
    let signed_until = state.clock.now() + state.settings.objects.presign;
    let data = DownloadLink {
        music_id: job.id.to_string(),
        expires_at: job.files_expire_at.map_or(signed_until, |files| files.min(signed_until)),
        file_name: file.file_name.clone(),
        media_type: file.media_type.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        formats,
        download_url: address(state, links, job, file),
    };
    Ok(Enveloped { success: true, data, message: Some("Download link created successfully") })
}

/// The role of a format in which a song is written when it is asked for.
fn made_on_demand(format: &str) -> Option<ArtifactRole> {
    let format = ExtraFormat::ALL.into_iter().find(|extra| format.trim().eq_ignore_ascii_case(extra.as_str()))?;
    ArtifactRole::parse(&format!("audio_{}", format.as_str())).ok()
}

fn ending(file_name: &str) -> Option<String> {
    file_name.rsplit_once('.').map(|(_, ending)| ending.to_owned())
}
