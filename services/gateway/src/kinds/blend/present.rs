//! From rows to the words of the older API.

use domain::{ArtifactRole, JobId, JobState};
use persistence::Job;

use super::wire::{Generated, JobStatus};
use crate::{
    app_state::{AppState, job_id},
    jobs::present::failure,
    links::{LinkMaker, Links},
    problem::ApiError,
    submit_kind::Accepted,
};

/// Links of a job as its older API has them.
pub fn links(maker: &LinkMaker, id: JobId) -> Links {
    Links { status: maker.of_older("status", id), ..maker.job(id) }
}

/// What the songs of a new job are called.
pub fn titles(accepted: &Accepted<'_>) -> Vec<String> {
    let name = |name: &str| domain::midi::without_ending(name).to_owned();
    accepted.inputs.iter().map(|input| input.file_name.as_deref().map(name).unwrap_or_default()).collect()
}

pub fn generated(accepted: &Accepted<'_>) -> Generated {
    Generated {
        success: true,
        job_id: accepted.job.id.to_string(),
        status: "pending",
        songs: titles(accepted),
        message: "The songs are being blended; ask for the status.",
        links: accepted.links.clone(),
    }
}

pub fn status(state: &AppState, job: &Job) -> JobStatus {
    let has_files = job.state == JobState::Completed && job.keeps_files(state.clock.now());
    let error = match job.state {
        JobState::Cancelled => Some("cancelled".to_owned()),
        _ => failure(state.spec(job.kind.as_str()), job).map(|failure| failure.message),
    };
    let songs = job.params["songs"].as_array().into_iter().flatten();
    JobStatus {
        success: true,
        job_id: job.id.to_string(),
        status: word(job.state),
        progress: job.progress.percent(),
        songs: songs.map(|title| title.as_str().map(str::to_owned)).collect(),
        output_file_id: has_files.then(|| file_id(job.id, &ArtifactRole::AUDIO_MP3)),
        error,
        created_at: job.created_at,
        completed_at: job.finished_at,
    }
}

/// The four words that older clients know.
const fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "pending",
        JobState::Running | JobState::Parked | JobState::Storing | JobState::Cancelling => "processing",
        JobState::Completed => "completed",
        JobState::Failed | JobState::Expired | JobState::Cancelled => "failed",
    }
}

/// What a file is called there: its job and its role.
fn file_id(job: JobId, role: &ArtifactRole) -> String {
    format!("{job}.{role}")
}

/// The other way round; a job's id alone is its main file.
pub fn file_of(id: &str) -> Result<(JobId, Option<ArtifactRole>), ApiError> {
    let (job, role) = id.split_once('.').map_or((id, None), |(job, role)| (job, Some(role)));
    let role = role.map(ArtifactRole::parse).transpose().map_err(|_| ApiError::NotFound)?;
    Ok((job_id(job)?, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_id_is_read_back() {
        let job: JobId = "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap();
        for role in [ArtifactRole::AUDIO_MP3, domain::kinds::blend::PROVENANCE] {
            assert_eq!(file_of(&file_id(job, &role)).unwrap(), (job, Some(role)));
        }
        assert_eq!(file_of(&job.to_string()).unwrap(), (job, None));
        for none in
            ["", "x", ".mp3", "018f6b1e-7c2a-7000-8000-000000000000.", "018f6b1e-7c2a-7000-8000-000000000000.A/b"]
        {
            assert!(matches!(file_of(none), Err(ApiError::NotFound)), "{none}");
        }
    }

    #[test]
    fn links_keep_the_public_address() {
        let job: JobId = "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap();
        let maker = LinkMaker::new(Some(&url::Url::parse("https://music.example/base").unwrap()));
        assert_eq!(links(&maker, job).status, format!("https://music.example/base/api/status/{job}"));
    }
}
