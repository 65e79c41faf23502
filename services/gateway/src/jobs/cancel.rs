//! Stopping a job.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;
use domain::{JobId, JobState, UserId};
use persistence::{CancelOutcome, Journal};
use tokio::time::Instant;

use super::{own_job, wire::CancelledBody};
use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// How long a cancel request waits to see its effect before it answers that it is on its way.
const WAIT: Duration = Duration::from_millis(1500);

/// Stop a job. Repeating it is no error.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "Cancelled", body = CancelledBody),
        (status = 202, description = "On its way", body = CancelledBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended already", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (user, job) = own_job(&request, &id, &state).await?;
    cancel_job(&state, &user, job.id).await
}

/// Stores the request to cancel, and waits a little to see its effect.
pub async fn cancel_job(state: &AppState, user: &UserId, id: JobId) -> Result<HttpResponse, ApiError> {
    let journal = cancel_journal(state);
    let jobs = state.database.jobs_of(user);
    let job_state = match jobs.request_cancel(id, &journal, state.clock.now()).await? {
        CancelOutcome::NotFound => return Err(ApiError::NotFound),
        CancelOutcome::AlreadyFinal(job_state) => job_state,
        CancelOutcome::Requested(_) => {
            state.outbox.notify_one();
            final_state_within(state, user, id, WAIT).await?
        }
    };
    let answer = |message| CancelledBody {
        success: true,
        job_id: id.to_string(),
        status: job_state.seed_status(),
        state: job_state.as_str(),
        message,
    };
    match job_state {
        JobState::Cancelled => Ok(HttpResponse::Ok().json(answer("Job cancelled successfully"))),
        ended if ended.is_final() => {
            Err(ApiError::JobState { state: ended, detail: "it had ended before it could be cancelled" })
        }
        _ => Ok(HttpResponse::Accepted().json(answer("The job is being cancelled"))),
    }
}

/// The command that tells an orchestrator.
fn cancel_journal(state: &AppState) -> Journal<'_> {
    Journal::silent().messages(|job| {
        let cancel = state.message_about(job.id, v1::CancelJob { job_id: job.id.to_string() });
        service_runtime::outgoing(&cancel).into_iter().collect()
    })
}

/// The job's state once it is final, or as it is when the time is over.
async fn final_state_within(state: &AppState, user: &UserId, id: JobId, time: Duration) -> Result<JobState, ApiError> {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    let until = Instant::now() + time;
    loop {
        let job = state.database.jobs_of(user).get(id).await?.ok_or(ApiError::NotFound)?;
        if job.state.is_final() || Instant::now() >= until {
            return Ok(job.state);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
