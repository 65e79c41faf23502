//! What is the same for every kind of job: listing, reading, following, stopping, trying again, rating, and fetching
//! what it made.

pub mod cancel;
pub mod download;
pub mod feedback;
pub mod list;
pub mod present;
pub mod read;
pub mod retry;
pub mod stages;
pub mod streams;
pub mod wire;

use actix_web::HttpRequest;
use domain::{JobId, KindName, UserId};
use persistence::Job;

use crate::{
    app_state::{AppState, job_id},
    problem::ApiError,
};

/// The caller's own job, or 404 whoever else's it is. 503 while only a newer version can read it.
pub async fn own_job(request: &HttpRequest, id: &str, state: &AppState) -> Result<(UserId, Job), ApiError> {
    let caller = state.caller(request).await?;
    let id: JobId = job_id(id)?;
    let jobs = state.database.jobs_of(&caller.user);
    match jobs.get(id).await? {
        Some(job) => Ok((caller.user, job)),
        // During a rollout: whoever follows it comes back, which after a 404 nobody does.
        None if jobs.is_of_newer_version(id).await? => {
            Err(ApiError::Unavailable { what: "Your job, which a newer version of the server works on," })
        }
        None => Err(ApiError::NotFound),
    }
}

/// The same for an older API: a job of another kind is none of its jobs.
pub async fn own_job_of(
    request: &HttpRequest,
    id: &str,
    kind: &KindName,
    state: &AppState,
) -> Result<(UserId, Job), ApiError> {
    let (user, job) = own_job(request, id, state).await?;
    if job.kind == *kind { Ok((user, job)) } else { Err(ApiError::NotFound) }
}
