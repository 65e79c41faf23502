//! How many jobs of a kind a user may start in a stretch of time. Counted over job rows, so that every gateway counts alike
//! and nothing is forgotten by a restart.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};

/// The limit of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartLimit {
    /// At least 1.
    pub starts: u32,
    /// In any stretch of time this long.
    pub within: Duration,
}

/// Where a user stands; for headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Starts {
    pub limit: StartLimit,
    pub remaining: u32,
    /// Until one more is free, or, while some are, until all are.
    pub reset: Duration,
}

impl Starts {
    /// Over the times at which jobs were started, newest first.
    pub fn of(limit: StartLimit, started: &[DateTime<Utc>], now: DateTime<Utc>) -> Self {
        let within = TimeDelta::from_std(limit.within).unwrap_or(TimeDelta::MAX);
        let recent: Vec<_> = started.iter().filter(|at| now - **at < within).take(limit.starts as usize).collect();
        let remaining = limit.starts.saturating_sub(u32::try_from(recent.len()).unwrap_or(u32::MAX));
        // The oldest that counts is the next that does not.
        let frees = if remaining == 0 { recent.last() } else { recent.first() };
        let reset = frees.map_or(Duration::ZERO, |at| (**at + within - now).to_std().unwrap_or_default());
        Self { limit, remaining, reset }
    }

    /// The user's start that is being answered.
    #[must_use]
    pub fn with_one_more(self) -> Self {
        Self { remaining: self.remaining.saturating_sub(1), reset: self.limit.within, ..self }
    }

    /// `RateLimit-…` as of draft-ietf-httpapi-ratelimit-headers-06, which clients read.
    pub fn write(self, headers: &mut HeaderMap) {
        let seconds = |span: Duration| span.as_secs_f64().ceil() as u64;
        let policy = format!("{};w={}", self.limit.starts, seconds(self.limit.within));
        let rows = [
            ("ratelimit-limit", self.limit.starts.to_string()),
            ("ratelimit-remaining", self.remaining.to_string()),
            ("ratelimit-reset", seconds(self.reset).to_string()),
            ("ratelimit-policy", policy),
        ];
        for (name, value) in rows {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_free_again_one_by_one() {
        let limit = StartLimit { starts: 3, within: Duration::from_secs(900) };
        let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        let ago = |seconds: &[i64]| seconds.iter().map(|s| now - TimeDelta::seconds(*s)).collect::<Vec<_>>();
        let check = |seconds: &[i64], remaining: u32, reset: u64| {
            let starts = Starts::of(limit, &ago(seconds), now);
            assert_eq!((starts.remaining, starts.reset.as_secs()), (remaining, reset), "{seconds:?}");
        };
        check(&[], 3, 0);
        check(&[100], 2, 800);
        check(&[1, 2], 1, 899);
        check(&[1, 2, 899], 0, 1);
        check(&[1, 2, 900], 1, 899);
        check(&[10, 20, 30, 40], 0, 870);
    }
}
