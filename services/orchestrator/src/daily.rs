//! Once a day, at midnight UTC: the figures of the day that has ended, for each kind of job, as log lines.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{JobState, quota::Window};
use persistence::PersistenceError;
use service_runtime::{CancellationToken, error_chain};

use crate::context::Context;

/// Longest sleep in one go, so that a clock that is set has its say.
const NAP: std::time::Duration = std::time::Duration::from_secs(600);

/// Reports until shutdown.
pub async fn run(context: Context, shutdown: CancellationToken) {
    let mut due = Window::at(context.tools.clock.now()).day_end;
    loop {
        let now = context.tools.clock.now();
        if now >= due {
            if let Err(error) = report(&context, due).await {
                tracing::warn!(error = error_chain(&error), "daily statistics not counted");
            }
            due = Window::at(now).day_end;
            continue;
        }
        let left = (due - now).min(TimeDelta::from_std(NAP).unwrap_or(TimeDelta::MAX));
        tokio::select! {
            () = tokio::time::sleep(left.to_std().unwrap_or_default()) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// One line a kind, over the 24 hours before `until`.
async fn report(context: &Context, until: DateTime<Utc>) -> Result<(), PersistenceError> {
    for spec in context.kinds.specs() {
        let stats = context.tools.database.jobs().stats(Some(&spec.name), until).await?;
        let ended = |state| stats.ended_last_day.get(&state).copied().unwrap_or_default();
        tracing::info!(
            kind = %spec.name,
            submitted = stats.submitted_last_day,
            completed = ended(JobState::Completed),
            failed = ended(JobState::Failed),
            expired = ended(JobState::Expired),
            cancelled = ended(JobState::Cancelled),
            waiting = stats.by_state.get(&JobState::Queued).copied().unwrap_or_default(),
            mean_wait_ms = stats.mean_wait_ms.map(|mean| mean.round() as u64),
            mean_processing_ms = stats.mean_processing_ms.map(|mean| mean.round() as u64),
            "daily statistics"
        );
    }
    Ok(())
}
