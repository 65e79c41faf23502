//! What users may still do: the check before a job, and its refusal.

use std::time::Duration;

use domain::quota::{self, QuotaExceeded, QuotaLimits, QuotaUsage};

use crate::{app_state::AppState, auth::Caller, problem::ApiError, wire::QuotaBody};

/// 429 when no job more would be accepted now.
pub async fn refuse_over_quota(state: &AppState, caller: &Caller) -> Result<(), ApiError> {
    let now = state.clock.now();
    let usage = state.database.jobs_of(&caller.user).quota_usage(now).await?;
    let limits = state.settings.quota.limits(caller.tier);
    quota::check(limits, usage, now).map_err(|exceeded| over_quota(state, exceeded, limits, usage))
}

pub fn over_quota(state: &AppState, exceeded: QuotaExceeded, limits: QuotaLimits, usage: QuotaUsage) -> ApiError {
    state.metrics.quota_refused(&exceeded.period.to_string());
    let retry_after = (exceeded.resets_at - state.clock.now()).to_std().unwrap_or(Duration::from_secs(1));
    ApiError::QuotaExceeded { exceeded, retry_after, quota: QuotaBody::of(limits, usage) }
}
