//! How jobs end that nobody holds: cancelled by their owner, or past their deadline.

use domain::{Failure, FailureClass, FailureCode, JobEvent, JobId, JobState, KindSpec, feed::FeedKind};
use persistence::{Applied, Authority, Job, Patch, PersistenceError};

use crate::context::Context;

/// Ends a cancelled job that nobody holds; one that is held sees the request by itself.
pub async fn cancel_if_nobody_holds(context: &Context, id: JobId) -> Result<(), PersistenceError> {
    let Some(job) = context.tools.database.jobs().get(id).await? else { return Ok(()) };
    let now = context.tools.clock.now();
    let held = job.lease_until.is_some_and(|until| until > now);
    if job.cancel_requested_at.is_some() && !job.state.is_final() && !held {
        settle_cancel(context, &job).await?;
    }
    Ok(())
}

pub async fn settle_cancel(context: &Context, job: &Job) -> Result<(), PersistenceError> {
    if matches!(job.state, JobState::Queued | JobState::Parked) {
        return settle(context, job, JobEvent::CancelRequested).await;
    }
    // Its holder died: say so, then confirm in its place.
    let as_read = Authority::AsRead { version: job.version };
    let journal = context.journals.plain(FeedKind::Cancelling);
    let (jobs, now) = (context.tools.database.jobs(), context.tools.clock.now());
    match jobs.apply(job.id, as_read, JobEvent::CancelRequested, &Patch::default(), &journal, now).await? {
        Applied::Moved(job) => settle(context, &job, JobEvent::CancelConfirmed).await,
        Applied::Duplicate(JobState::Cancelling) => settle(context, job, JobEvent::CancelConfirmed).await,
        _ => Ok(()),
    }
}

/// Brings a job to its end on what was read of it; whoever changed it since was first.
pub async fn settle(context: &Context, job: &Job, event: JobEvent) -> Result<(), PersistenceError> {
    let now = context.tools.clock.now();
    let spec = context.kinds.get(&job.kind).map(|kind| kind.spec);
    let ends_as = if event == JobEvent::DeadlinePassed { JobState::Expired } else { JobState::Cancelled };
    let failure = (event == JobEvent::DeadlinePassed).then(|| overtime(spec));
    let patch = Patch {
        failure: failure.clone(),
        files_expire_at: context.rules.retention(spec).files_expire_at(ends_as, now),
        ..Patch::default()
    };
    let told = failure.as_ref().map(|failure| {
        let word = spec.map_or(domain::kind::UNKNOWN_ERROR, |spec| spec.error_word(failure.code, job.stage.as_deref()));
        (failure, word)
    });
    let journal = context.journals.ended(told);
    let as_read = Authority::AsRead { version: job.version };
    let moved = context.tools.database.jobs().apply(job.id, as_read, event, &patch, &journal, now).await?;
    if let Applied::Moved(after) = moved {
        context.outbox.notify_one();
        let took = (now - after.created_at).to_std().unwrap_or_default();
        if let Some(spec) = spec {
            context.metrics.job_finished(spec.name.as_str(), after.state.as_str(), took);
        }
        tracing::info!(job_id = %after.id, state = %after.state, "job ended by the reconciler");
        context.call_offs.of_job(after.id);
    }
    Ok(())
}

/// The same for a job that was just let go of: its owner may have asked in that moment.
pub async fn cancel_if_asked(context: &Context, job: &Job) -> Result<(), PersistenceError> {
    if job.cancel_requested_at.is_some() { cancel_if_nobody_holds(context, job.id).await } else { Ok(()) }
}

/// Why a job expires. Its kind is `None` when this version does not know it.
pub fn overtime(kind: Option<&KindSpec>) -> Failure {
    let advice = kind.map_or("Try again.", |kind| kind.overtime_advice);
    let message = format!("The job took longer than it may and was stopped. {advice}");
    Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message)
}
