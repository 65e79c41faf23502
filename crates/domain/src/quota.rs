//! How many jobs a user may have per day and month.
//!
//! Usage is counted over the user's job rows, never kept in a counter, so it cannot drift: a job counts from its
//! acceptance (reserved), goes on counting when it completes (settled), and stops counting when it ends any other way
//! (refunded). Days and months are UTC.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use crate::{job::JobState, tier::Tier};

/// Limits of one user; `None` is the absence of a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaLimits {
    pub daily: Option<u32>,
    pub monthly: Option<u32>,
}

impl QuotaLimits {
    pub const UNLIMITED: Self = Self { daily: None, monthly: None };

    /// Free 10 a day and 100 a month, premium 100 and 1000, enterprise none.
    pub const fn for_tier(tier: Tier) -> Self {
        match tier {
            Tier::Free => Self { daily: Some(10), monthly: Some(100) },
            Tier::Premium => Self { daily: Some(100), monthly: Some(1000) },
            Tier::Enterprise => Self::UNLIMITED,
        }
    }
}

/// Jobs of one user that count in the current UTC day and month.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct QuotaUsage {
    pub daily: u32,
    pub monthly: u32,
    /// Over all time.
    pub total: u64,
}

/// What a job means for its owner's quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In flight: counts.
    Reserved,
    /// Completed: counts for good.
    Settled,
    /// Ended without a result: does not count.
    Refunded,
}

/// The standing of a job in a state. Quota used = completed + in flight, whatever happened in between.
pub const fn standing(state: JobState) -> Standing {
    match state {
        JobState::Queued | JobState::Running | JobState::Parked | JobState::Storing | JobState::Cancelling => {
            Standing::Reserved
        }
        JobState::Completed => Standing::Settled,
        JobState::Failed | JobState::Cancelled | JobState::Expired => Standing::Refunded,
    }
}

/// Which limit is used up, and when it starts afresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{period} quota of {limit} used up until {resets_at}")]
pub struct QuotaExceeded {
    pub period: Period,
    pub limit: u32,
    pub resets_at: DateTime<Utc>,
}

/// A stretch of time that a limit covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    Daily,
    Monthly,
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        })
    }
}

/// Whether one more job may start. The limit that stays closed longer (the month) is named first.
pub fn check(limits: QuotaLimits, usage: QuotaUsage, now: DateTime<Utc>) -> Result<(), QuotaExceeded> {
    let window = Window::at(now);
    let periods = [
        (Period::Monthly, limits.monthly, usage.monthly, window.month_end),
        (Period::Daily, limits.daily, usage.daily, window.day_end),
    ];
    for (period, limit, used, resets_at) in periods {
        if let Some(limit) = limit
            && used >= limit
        {
            return Err(QuotaExceeded { period, limit, resets_at });
        }
    }
    Ok(())
}

/// The UTC day and month that hold a moment, as half-open spans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub day_start: DateTime<Utc>,
    pub day_end: DateTime<Utc>,
    pub month_start: DateTime<Utc>,
    pub month_end: DateTime<Utc>,
}

impl Window {
    pub fn at(now: DateTime<Utc>) -> Self {
        let day = now.date_naive();
        let month = day.with_day(1).unwrap_or(day);
        let midnight = |date: NaiveDate| Utc.from_utc_datetime(&date.and_time(NaiveTime::MIN));
        Self {
            day_start: midnight(day),
            day_end: midnight(day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)),
            month_start: midnight(month),
            month_end: midnight(month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX)),
        }
    }
}
