//! Once for each day (UTC) and kind of job: what happened on it, as a row and a log line. Counted over the job rows, so that
//! a day is not lost when nobody runs at its end; the row says who was first, so that of several orchestrators one tells.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{JobState, KindSpec, daily};
use persistence::{DailyFigures, PersistenceError};

use telemetry::error_chain;

use crate::context::Context;

/// Remembers until when there is nothing to count.
#[derive(Default)]
pub struct DailyReport {
    next: Option<DateTime<Utc>>,
}

impl DailyReport {
    /// Counts the days that are due. What fails is tried again by the next call.
    pub async fn catch_up(&mut self, context: &Context) -> Result<(), PersistenceError> {
        let now = context.tools.clock.now();
        if self.next.is_some_and(|next| now < next) {
            return Ok(());
        }
        // One kind's trouble is not another's.
        let mut outcome = Ok(());
        for spec in context.kinds.specs() {
            if let Err(error) = count_due(context, spec, now).await {
                tracing::warn!(kind = %spec.name, error = error_chain(&error), "days are not counted");
                outcome = Err(error);
            }
        }
        outcome?;
        let next = daily::next_due(now);
        tracing::debug!(until = %next, "days are counted");
        self.next = Some(next);
        Ok(())
    }
}

async fn count_due(context: &Context, spec: &KindSpec, now: DateTime<Utc>) -> Result<(), PersistenceError> {
    let counted = context.tools.database.days().last(&spec.name).await?;
    for day in daily::due(counted, now) {
        count(context, spec, day, now).await?;
    }
    Ok(())
}

async fn count(context: &Context, spec: &KindSpec, day: NaiveDate, now: DateTime<Utc>) -> Result<(), PersistenceError> {
    let stats = context.tools.database.jobs().stats(Some(&spec.name), daily::end_of(day)).await?;
    let ended = |state| stats.ended_last_day.get(&state).copied().unwrap_or_default();
    let figures = DailyFigures {
        kind: spec.name.clone(),
        day,
        submitted: stats.submitted_last_day,
        completed: ended(JobState::Completed),
        failed: ended(JobState::Failed),
        expired: ended(JobState::Expired),
        cancelled: ended(JobState::Cancelled),
        mean_wait_ms: stats.mean_wait_ms,
        mean_processing_ms: stats.mean_processing_ms,
    };
    if context.tools.database.days().record(&figures, now).await? {
        tracing::info!(
            kind = %figures.kind,
            day = %figures.day,
            submitted = figures.submitted,
            completed = figures.completed,
            failed = figures.failed,
            expired = figures.expired,
            cancelled = figures.cancelled,
            mean_wait_ms = figures.mean_wait_ms.map(|mean| mean.round() as u64),
            mean_processing_ms = figures.mean_processing_ms.map(|mean| mean.round() as u64),
            "daily statistics"
        );
    }
    Ok(())
}
