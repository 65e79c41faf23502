//! From rows to the JSON of jobs of any kind.

use std::time::Duration;

use domain::{JobState, KindSpec, UserId, kind::UNKNOWN_ERROR};
use persistence::{Artifact, Input, Job};
use service_runtime::error_chain;

use super::{
    stages,
    wire::{ArtifactBody, InputBody, JobBody, JobSummary, Standing},
};
use crate::{app_state::AppState, links::LinkMaker, problem::ApiError, submit_kind::SubmitKind};

/// How a job that ended badly is told. A failure of an earlier attempt is no error of a job that goes on or has ended
/// well.
pub struct FailureWords {
    pub message: String,
    pub kind: &'static str,
    pub code: &'static str,
    pub suggestion: Option<String>,
}

pub fn failure(spec: Option<&KindSpec>, job: &Job) -> Option<FailureWords> {
    let failure = job.failure.as_ref().filter(|_| matches!(job.state, JobState::Failed | JobState::Expired))?;
    let kind = spec.map_or(UNKNOWN_ERROR, |spec| spec.error_word(failure.code, job.stage.as_deref()));
    let (message, suggestion) = (failure.message.clone(), failure.suggested().map(str::to_owned));
    Some(FailureWords { message, kind, code: failure.code.as_str(), suggestion })
}

/// Where a job stands; `warnings` are those about its files.
pub async fn standing(state: &AppState, user: &UserId, job: &Job, warnings: Vec<String>) -> Result<Standing, ApiError> {
    let spec = state.spec(job.kind.as_str());
    let stage = job.stage.clone().filter(|_| !job.state.is_final());
    let failure = failure(spec, job);
    Ok(Standing {
        job_id: job.id.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        progress: job.progress.percent(),
        stage_label: stage.as_deref().and_then(|name| spec?.stage(name)).map(|stage| stage.label),
        stage,
        queue_position: queue_position(state, user, job).await?,
        error: failure.as_ref().map(|failure| failure.message.clone()),
        error_type: failure.as_ref().map(|failure| failure.kind),
        error_code: failure.as_ref().map(|failure| failure.code),
        suggestion: failure.and_then(|failure| failure.suggestion),
        warnings,
        created_at: job.created_at,
        started_at: job.started_at,
        completed_at: job.finished_at,
    })
}

/// Everything about a job. Of a kind that only a newer version knows: what its rows say.
pub async fn job(state: &AppState, links: &LinkMaker, user: &UserId, job: &Job) -> Result<JobBody, ApiError> {
    let kind = state.kinds.get(job.kind.as_str());
    let inputs = state.database.jobs().inputs(job.id).await?;
    let inputs = in_order(state.spec(job.kind.as_str()), inputs);
    let inputs: Vec<_> = inputs.into_iter().map(InputBody::of_stored).collect();
    let (stages, cost) = stages::of_job(state, job).await?;
    let made = job.result.as_ref().filter(|_| job.state == JobState::Completed);
    Ok(JobBody {
        success: true,
        kind: job.kind.to_string(),
        standing: standing(state, user, job, warnings(&inputs)).await?,
        attempts: job.attempt,
        waits_for: job.waits_for.clone().filter(|_| job.state == JobState::Parked),
        due_at: Some(job.due_at).filter(|_| matches!(job.state, JobState::Queued | JobState::Parked)),
        inputs,
        parameters: kind.map_or_else(|| job.params.clone(), |kind| kind.parameters(&job.params)),
        reuse: job.reuse,
        stages,
        cost,
        result: Option::zip(kind, made).map(|(kind, made)| kind.result(job, made)),
        artifacts: artifacts(state, links, user, job).await?,
        updated_at: job.updated_at,
        expires_at: job.files_expire_at,
        files_deleted_at: job.files_deleted_at,
        links: links.job(job.id),
    })
}

/// In the order of the kind's table, roles that it does not know last.
fn in_order(spec: Option<&KindSpec>, mut inputs: Vec<Input>) -> Vec<Input> {
    let place = |input: &Input| {
        let known = spec.and_then(|spec| spec.inputs.iter().position(|known| known.role == input.role));
        known.unwrap_or(usize::MAX)
    };
    inputs.sort_by_key(|input| (place(input), input.position));
    inputs
}

/// What is not ideal about the files of a job, as sentences.
pub async fn warnings_of(state: &AppState, job: &Job) -> Result<Vec<String>, ApiError> {
    let inputs = state.database.jobs().inputs(job.id).await?;
    Ok(warnings(&inputs.into_iter().map(InputBody::of_stored).collect::<Vec<_>>()))
}

fn warnings(inputs: &[InputBody]) -> Vec<String> {
    let findings = inputs.iter().flat_map(|input| &input.findings);
    findings.filter(|finding| finding.severity == "warning").map(|finding| finding.message.clone()).collect()
}

/// How many jobs start before one that waits.
async fn queue_position(state: &AppState, user: &UserId, job: &Job) -> Result<Option<u64>, ApiError> {
    if job.state != JobState::Queued {
        return Ok(None);
    }
    let position = state.database.jobs_of(user).queue_position(job.id).await?;
    Ok(position.map(|position| position.overall.saturating_sub(1)))
}

/// The files of a finished job that are still there, with the object store's own links where it has some.
pub async fn artifacts(
    state: &AppState,
    links: &LinkMaker,
    user: &UserId,
    job: &Job,
) -> Result<Vec<ArtifactBody>, ApiError> {
    if job.state != JobState::Completed || !job.keeps_files(state.clock.now()) {
        return Ok(Vec::new());
    }
    let files = state.database.jobs_of(user).artifacts(job.id).await?.unwrap_or_default();
    let mut bodies = Vec::with_capacity(files.len());
    for file in &files {
        bodies.push(artifact(links, file, signed(state, job, file).await));
    }
    Ok(bodies)
}

fn artifact(links: &LinkMaker, file: &Artifact, signed_url: Option<String>) -> ArtifactBody {
    ArtifactBody {
        role: file.role.to_string(),
        url: links.artifact(file.job_id, &file.role),
        signed_url,
        media_type: file.media_type.clone(),
        file_name: file.file_name.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
    }
}

/// A link to the object itself, for no longer than the file is kept.
async fn signed(state: &AppState, job: &Job, file: &Artifact) -> Option<String> {
    let key = file.object_key.parse().ok()?;
    let presign = state.settings.objects.presign;
    let expires = match job.files_expire_at {
        // Stores sign for whole seconds.
        Some(at) => presign.min(Duration::from_secs((at - state.clock.now()).num_seconds().try_into().ok()?)),
        None => presign,
    };
    if expires.is_zero() {
        return None;
    }
    match state.blobs.presign_get(&key, expires, &file.file_name, &file.media_type).await {
        Ok(url) => url.map(String::from),
        // The other link works all the same.
        Err(error) => {
            tracing::warn!(error = error_chain(&error), "link not signed");
            None
        }
    }
}

pub fn summary(state: &AppState, links: &LinkMaker, job: &Job) -> JobSummary {
    let failure = failure(state.spec(job.kind.as_str()), job);
    let title = |kind: &dyn SubmitKind| job.result.as_ref().and_then(|made| kind.title(made));
    JobSummary {
        job_id: job.id.to_string(),
        kind: job.kind.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        progress: job.progress.percent(),
        stage: job.stage.clone().filter(|_| !job.state.is_final()),
        title: state.kinds.get(job.kind.as_str()).and_then(title),
        error: failure.as_ref().map(|failure| failure.message.clone()),
        error_code: failure.map(|failure| failure.code),
        created_at: job.created_at,
        completed_at: job.finished_at,
        links: links.job(job.id),
    }
}
