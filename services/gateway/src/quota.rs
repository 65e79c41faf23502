//! What users may still do: the check before a job, and how limits and usage are told.

use std::time::Duration;

use domain::quota::{self, QuotaExceeded, QuotaLimits, QuotaUsage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app_state::AppState, auth::Caller, problem::ApiError};

/// A user's limits and how much of them is used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaBody {
    pub daily_used: u32,
    /// `null` means no limit.
    pub daily_limit: Option<u32>,
    pub monthly_used: u32,
    /// `null` means no limit.
    pub monthly_limit: Option<u32>,
}

impl QuotaBody {
    pub fn of(limits: QuotaLimits, usage: QuotaUsage) -> Self {
        Self {
            daily_used: usage.daily,
            daily_limit: limits.daily,
            monthly_used: usage.monthly,
            monthly_limit: limits.monthly,
        }
    }
}

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
