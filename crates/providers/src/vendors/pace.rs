//! How soon a vendor takes another call, by what its answers say of its limits on rate.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use domain::retry::RetryPolicy;
use outbound::header::HeaderMap;

/// Longest that a vendor is left alone because a limit is used up: what it says then is asked for again.
const LONGEST: Duration = Duration::from_secs(60);

/// What is left of a limit, and when there is all of it again, by the names of both headers: calls first, then tokens.
const CALLS: [(&str, &str); 2] = [
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
];
const TOKENS: [(&str, &str); 4] = [
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
];

/// Until when a vendor takes no call. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pace(Arc<Mutex<Option<Instant>>>);

impl Pace {
    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is asked for so long, at most as long as any vendor may have us wait.
    pub fn leave_alone(&self, wait: Duration) {
        let until = Instant::now() + wait.min(RetryPolicy::MAX_RETRY_AFTER);
        let mut known = self.until();
        *known = Some(known.map_or(until, |known| known.max(until)));
    }

    /// How long nothing is asked for; `None` where something may be.
    pub fn left(&self) -> Option<Duration> {
        let until = *self.until();
        until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// How many calls more the vendor says it takes; `None` where it says nothing.
pub fn calls_left(headers: &HeaderMap) -> Option<usize> {
    let left = CALLS.iter().filter_map(|(remaining, _)| number(headers, remaining)).min()?;
    Some(usize::try_from(left).unwrap_or(0))
}

/// How long it takes none, where a limit is used up; held against `now` where it names a moment, and at most a minute.
pub fn closed_for(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let used_up = CALLS.iter().chain(&TOKENS).filter(|(remaining, _)| number(headers, remaining) == Some(0));
    used_up.filter_map(|(_, reset)| until(text(headers, reset)?, now)).max().map(|wait| wait.min(LONGEST))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// A moment as of RFC 3339, or a time such as `6m0s`. What is over is none.
fn until(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let wait = match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => (moment.to_utc() - now).to_std().ok()?,
        Err(_) => span(text)?,
    };
    (!wait.is_zero()).then_some(wait)
}

/// `120ms`, `1s`, `6m0s`, `1h0m2.5s`: numbers, each with its unit.
fn span(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds) = (text, 0.0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let unit_seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit_seconds;
        rest = behind;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use outbound::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        of.iter().map(header).collect()
    }

    #[test]
    fn a_limit_that_is_used_up_closes_the_vendor_until_it_is_there_again() {
        let now: DateTime<Utc> = "2026-11-28T10:00:00Z".parse().unwrap();
        let check = |of: &[(&'static str, &str)], left: Option<usize>, closed_ms: Option<u64>| {
            let headers = headers(of);
            assert_eq!(calls_left(&headers), left, "{of:?}");
            assert_eq!(closed_for(&headers, now), closed_ms.map(Duration::from_millis), "{of:?}");
        };
        let (calls, calls_reset) = CALLS[0];
        let (tokens, tokens_reset) = TOKENS[0];
        check(&[(calls, "0"), (calls_reset, "2026-11-28T10:00:07.5Z")], Some(0), Some(7_500));
        check(&[(calls, "0"), (calls_reset, "2026-11-28T09:59:59Z")], Some(0), None);
        check(&[(calls, "3"), (calls_reset, "2026-11-28T10:00:07Z")], Some(3), None);
        check(&[(calls, "3"), (tokens, "0"), (tokens_reset, "2026-11-28T10:00:20+00:00")], Some(3), Some(20_000));
        let (calls, calls_reset) = CALLS[1];
        let (tokens, tokens_reset) = TOKENS[3];
        check(&[(calls, "0"), (calls_reset, "1s")], Some(0), Some(1_000));
        check(&[(calls, "0"), (calls_reset, "120ms")], Some(0), Some(120));
        check(&[(calls, "0"), (calls_reset, "6m0s")], Some(0), Some(60_000));
        check(&[(calls, "0"), (calls_reset, "0s")], Some(0), None);
        check(&[(calls, "0"), (calls_reset, "1s"), (tokens, "0"), (tokens_reset, "2.5s")], Some(0), Some(2_500));
        check(&[(calls, "0")], Some(0), None);
        check(&[(calls, "-1"), (calls_reset, "1s")], None, None);
        check(&[], None, None);
        for nonsense in ["", "soon", "1", "1d", "s", "1.2.3s", "1s2", "9e9s", "1µs"] {
            assert_eq!(span(nonsense), None, "{nonsense}");
        }
        assert_eq!(span("1h1m1.5s"), Some(Duration::from_millis(3_661_500)));
    }

    #[test]
    fn a_vendor_is_left_alone_as_long_as_the_longest_answer_says_and_no_longer_than_any_may_say() {
        let pace = Pace::default();
        assert_eq!(pace.left(), None);
        pace.leave_alone(Duration::from_secs(3600));
        pace.clone().leave_alone(Duration::from_secs(5));
        let left = pace.left().unwrap();
        assert!(left <= RetryPolicy::MAX_RETRY_AFTER && left > LONGEST, "{left:?}");
    }
}
