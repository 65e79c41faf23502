//! How long another service tells us to wait.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// `Retry-After` in either of its forms (RFC 9110, 10.2.3): seconds, or a date that is held against `now`. What is
/// neither is not there.
pub(crate) fn requested(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((until - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = "2025-11-09T08:49:37Z".parse().unwrap();
        let check = |text: &str, seconds: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(requested(&headers, now), seconds.map(Duration::from_secs), "{text:?}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 09 Nov 2025 08:51:37 GMT", Some(120));
        check("Sun, 09 Nov 2025 08:00:00 GMT", Some(0));
        for nonsense in ["", "-1", "1.5", "soon", "2025-11-09", "99999999999999999999"] {
            check(nonsense, None);
        }
        assert_eq!(requested(&HeaderMap::new(), now), None);
    }
}
