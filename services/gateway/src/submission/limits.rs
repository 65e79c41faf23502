//! What a caller may still do, as it stands before anything of a request is read.

use domain::starts::Starts;

use crate::{app_state::AppState, auth::Caller, problem::ApiError, quota::refuse_over_quota, submit_kind::SubmitKind};

/// How many jobs of the kind the caller may still start, where it has a limit.
pub async fn starts_of(state: &AppState, caller: &Caller, kind: &dyn SubmitKind) -> Result<Option<Starts>, ApiError> {
    let Some(limit) = kind.start_limit(&state.settings) else { return Ok(None) };
    let jobs = state.database.jobs_of(&caller.user);
    Ok(Some(jobs.starts(&kind.spec().name, limit, state.clock.now()).await?))
}

/// 429 when no job more would be accepted now. The transaction that stores a job has the last word.
pub async fn refuse_when_reached(state: &AppState, caller: &Caller, starts: Option<Starts>) -> Result<(), ApiError> {
    refuse_over_quota(state, caller).await?;
    match starts {
        Some(starts) if starts.remaining == 0 => Err(ApiError::RateLimited { starts }),
        _ => Ok(()),
    }
}
