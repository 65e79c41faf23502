//! How long another service tells us to wait.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

const RETRY_AFTER_MS: &str = "retry-after-ms";
/// RFC 9110, 5.6.7: a year of two digits that lies more than 50 years ahead is one of the past.
const FIFTY_YEARS: Days = Days::new(50 * 365 + 12);
const CENTURY: Days = Days::new(100 * 365 + 25);

/// `retry-after-ms` as some vendors send it, in milliseconds; else `Retry-After` in either of its forms (RFC 9110, 10.2.3):
/// seconds, or a date that is held against `now`. What is neither is not there.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    if let Some(wait) = text(RETRY_AFTER_MS).and_then(milliseconds) {
        return Some(wait);
    }
    let text = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text, now)?;
    Some((until - now).to_std().unwrap_or(Duration::ZERO))
}

fn milliseconds(text: &str) -> Option<Duration> {
    let is_plain =
        text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let milliseconds: f64 = is_plain.then(|| text.parse().ok())??;
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

/// The three forms of RFC 9110, 5.6.7: of RFC 5322, of RFC 850, and of C's `asctime`.
fn http_date(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(date.to_utc());
    }
    if let Ok(date) = NaiveDateTime::parse_from_str(text, "%a %b %e %H:%M:%S %Y") {
        return Some(date.and_utc());
    }
    // The weekday is of the year that was meant, which two digits do not tell: it is not held against the date.
    let (_, rest) = text.split_once(", ")?;
    let date = NaiveDateTime::parse_from_str(rest, "%d-%b-%y %H:%M:%S GMT").ok()?.and_utc();
    let is_past = date > now.checked_add_days(FIFTY_YEARS)?;
    if is_past { date.checked_sub_days(CENTURY) } else { Some(date) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = "2025-11-09T08:49:37Z".parse().unwrap();
        let check = |text: &str, seconds: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text:?}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 09 Nov 2025 08:51:37 GMT", Some(120));
        check("Sun, 09 Nov 2025 08:00:00 GMT", Some(0));
        check("Sunday, 09-Nov-25 08:51:37 GMT", Some(120));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(0));
        check("Sun Nov  9 08:51:37 2025", Some(120));
        check("Sun Nov  6 08:49:37 1994", Some(0));
        for nonsense in
            ["", "-1", "1.5", "soon", "2025-11-09", "99999999999999999999", "Sunday, 39-Nov-25 08:51:37 GMT"]
        {
            check(nonsense, None);
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn milliseconds_are_stronger() {
        let now = "2025-11-09T08:49:37Z".parse().unwrap();
        let check = |text: &str, wait: Duration| {
            let mut headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
            headers.insert(RETRY_AFTER_MS, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), Some(wait), "{text:?}");
        };
        check("1500", Duration::from_millis(1500));
        check("0.5", Duration::from_micros(500));
        for nonsense in ["", "-1", "soon", "inf", "1e3", "NaN", "1.2.3", &"9".repeat(40)] {
            check(nonsense, Duration::from_secs(7));
        }
    }
}
