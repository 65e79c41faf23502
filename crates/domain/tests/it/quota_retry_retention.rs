//! Rules over time: quota windows, retry delays, retention.

use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Timelike, Utc};
use domain::{
    Failure, FailureClass, FailureCode, JobState, Tier,
    kind::KindLimits,
    quota::{self, Period, QuotaLimits, QuotaUsage, Standing, Window, standing},
    retention::RetentionPolicy,
    retry::{RetryDecision, RetryPolicy},
};
use proptest::prelude::*;

/// As the settings have it for jobs.
const JOB: RetryPolicy = RetryPolicy { max_attempts: 3, base: Duration::from_secs(5), cap: Duration::from_secs(300) };

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn windows_at_the_edges_of_days_months_and_years() {
    let cases = [
        ("2024-02-28T23:59:59.999999Z", "2024-02-28", "2024-02-29", "2024-02-01", "2024-03-01"),
        ("2024-02-29T00:00:00Z", "2024-02-29", "2024-03-01", "2024-02-01", "2024-03-01"),
        ("2024-02-29T23:59:59.999999Z", "2024-02-29", "2024-03-01", "2024-02-01", "2024-03-01"),
        ("2023-02-28T12:00:00Z", "2023-02-28", "2023-03-01", "2023-02-01", "2023-03-01"),
        ("2100-02-28T12:00:00Z", "2100-02-28", "2100-03-01", "2100-02-01", "2100-03-01"),
        ("2000-02-29T12:00:00Z", "2000-02-29", "2000-03-01", "2000-02-01", "2000-03-01"),
        ("2024-01-31T23:59:59Z", "2024-01-31", "2024-02-01", "2024-01-01", "2024-02-01"),
        ("2024-04-30T00:00:00Z", "2024-04-30", "2024-05-01", "2024-04-01", "2024-05-01"),
        ("2024-12-31T23:59:59.999999Z", "2024-12-31", "2025-01-01", "2024-12-01", "2025-01-01"),
        ("2025-01-01T00:00:00Z", "2025-01-01", "2025-01-02", "2025-01-01", "2025-02-01"),
        // A leap second is the last of its day.
        ("2016-12-31T23:59:60Z", "2016-12-31", "2017-01-01", "2016-12-01", "2017-01-01"),
        // Early on the 1st in Auckland is still the last of the month before in UTC.
        ("2024-03-01T05:00:00+13:00", "2024-02-29", "2024-03-01", "2024-02-01", "2024-03-01"),
    ];
    for (now, day_start, day_end, month_start, month_end) in cases {
        let midnight = |date: &str| moment(&format!("{date}T00:00:00Z"));
        let expected = Window {
            day_start: midnight(day_start),
            day_end: midnight(day_end),
            month_start: midnight(month_start),
            month_end: midnight(month_end),
        };
        assert_eq!(Window::at(moment(now)), expected, "{now}");
    }
}

proptest! {
    /// From 1970 into the year 2242, to the microsecond.
    #[test]
    fn a_moment_lies_in_its_windows(micros in 0..8_600_000_000_000_000_i64) {
        let now = Utc.timestamp_micros(micros).unwrap();
        let window = Window::at(now);
        prop_assert!(window.day_start <= now && now < window.day_end);
        prop_assert!(window.month_start <= window.day_start && window.day_end <= window.month_end);
        prop_assert_eq!(window.day_end - window.day_start, TimeDelta::days(1));
        let days = (window.month_end - window.month_start).num_days();
        prop_assert!((28..=31).contains(&days));
        prop_assert_eq!((window.month_start.day(), window.month_end.day()), (1, 1));
        prop_assert_eq!(window.day_start.num_seconds_from_midnight(), 0);
        // Neighbouring windows touch, so no job falls between them.
        prop_assert_eq!(Window::at(window.day_end).day_start, window.day_end);
        prop_assert_eq!(Window::at(window.month_end).month_start, window.month_end);
        let last = window.month_end - TimeDelta::microseconds(1);
        prop_assert_eq!(Window::at(last).month_start, window.month_start);
    }

    #[test]
    fn a_refusal_names_a_limit_that_is_used_up_and_a_moment_to_come(
        daily in prop::option::of(0..20_u32),
        monthly in prop::option::of(0..20_u32),
        used in (0..25_u32, 0..25_u32),
        micros in 0..8_600_000_000_000_000_i64,
    ) {
        let now = Utc.timestamp_micros(micros).unwrap();
        let usage = QuotaUsage { daily: used.0, monthly: used.1, total: 0 };
        let free = daily.is_none_or(|limit| used.0 < limit) && monthly.is_none_or(|limit| used.1 < limit);
        match quota::check(QuotaLimits { daily, monthly }, usage, now) {
            Ok(()) => prop_assert!(free),
            Err(refusal) => {
                prop_assert!(!free);
                prop_assert!(refusal.resets_at > now);
                let (limit, used) = match refusal.period {
                    Period::Daily => (daily, used.0),
                    Period::Monthly => (monthly, used.1),
                };
                prop_assert_eq!(Some(refusal.limit), limit);
                prop_assert!(used >= refusal.limit);
            }
        }
    }

    #[test]
    fn a_delay_lies_between_half_and_all_of_the_exponential(
        base_ms in 1..100_000_u64,
        cap_ms in 1..1_000_000_u64,
        attempt in 0..200_u32,
        random in 0.0..1.0_f64,
    ) {
        let policy = RetryPolicy {
            max_attempts: 3,
            base: Duration::from_millis(base_ms),
            cap: Duration::from_millis(cap_ms),
        };
        let doublings = attempt.saturating_sub(1).min(16);
        let full = Duration::from_millis(base_ms << doublings).min(policy.cap);
        let delay = policy.delay(attempt, random);
        // A nanosecond for rounding.
        prop_assert!(delay + Duration::from_nanos(1) >= full / 2 && delay <= full, "{delay:?} of {full:?}");
        prop_assert!(policy.delay(attempt, 0.0) <= delay && delay <= policy.delay(attempt, 1.0));
        prop_assert!(policy.delay(attempt, random) <= policy.delay(attempt + 1, 1.0));
    }

    #[test]
    fn waits_that_cost_no_attempt_are_neither_none_nor_endless(
        told_ms in prop::option::of(any::<u64>()),
        attempt in 1..1000_u32,
        random in any::<f64>(),
        saturated in any::<bool>(),
    ) {
        let class = if saturated { FailureClass::Saturated } else { FailureClass::RetryAfter };
        let mut failure = Failure::new(class, FailureCode::ProviderUnavailable, "busy");
        failure.retry_after = told_ms.map(Duration::from_millis);
        for policy in [JOB, RetryPolicy::PROVIDER_CALL] {
            let RetryDecision::Again { after, counts: false } = policy.decide(&failure, attempt, random) else {
                return Err(TestCaseError::fail("gave up, or counted"));
            };
            prop_assert!(after >= RetryPolicy::MIN_FREE_WAIT && after <= RetryPolicy::MAX_RETRY_AFTER, "{after:?}");
            if let Some(told) = failure.retry_after {
                prop_assert!(after >= told.min(RetryPolicy::MAX_RETRY_AFTER));
            }
        }
    }
}

#[test]
fn the_month_is_named_before_the_day_because_it_stays_closed_longer() {
    let now = moment("2024-02-10T10:00:00Z");
    let limits = QuotaLimits::for_tier(Tier::Free);
    let refused = |daily, monthly| {
        quota::check(limits, QuotaUsage { daily, monthly, total: 0 }, now)
            .err()
            .map(|refusal| (refusal.period, refusal.limit, refusal.resets_at.to_rfc3339()))
    };
    assert_eq!(refused(9, 99), None);
    assert_eq!(refused(10, 99), Some((Period::Daily, 10, "2024-02-11T00:00:00+00:00".to_owned())));
    assert_eq!(refused(9, 100), Some((Period::Monthly, 100, "2024-03-01T00:00:00+00:00".to_owned())));
    assert_eq!(refused(10, 100).unwrap().0, Period::Monthly);
    let huge = QuotaUsage { daily: u32::MAX, monthly: u32::MAX, total: u64::MAX };
    assert_eq!(quota::check(QuotaLimits::for_tier(Tier::Enterprise), huge, now), Ok(()));
}

#[test]
fn what_counts_is_what_is_in_flight_or_completed() {
    for state in JobState::ALL {
        let expected = match (state.is_final(), state) {
            (false, _) => Standing::Reserved,
            (true, JobState::Completed) => Standing::Settled,
            (true, _) => Standing::Refunded,
        };
        assert_eq!(standing(state), expected, "{state}");
    }
}

#[test]
fn the_seeds_delays() {
    let full: Vec<u64> = (1..=9).map(|attempt| JOB.delay(attempt, 1.0).as_secs()).collect();
    assert_eq!(full, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(RetryPolicy::PROVIDER_CALL.delay(1, 1.0), Duration::from_secs(2));
    for odd in [f64::NAN, f64::INFINITY, 7.0] {
        assert_eq!(JOB.delay(1, odd), Duration::from_secs(5), "{odd}");
    }
    assert_eq!(JOB.delay(1, -3.0), Duration::from_millis(2500));
}

#[test]
fn the_class_decides() {
    for class in FailureClass::ALL {
        let failure = Failure::new(class, FailureCode::ProviderUnavailable, "no answer");
        for attempt in 1..=4 {
            let again = match JOB.decide(&failure, attempt, 0.5) {
                RetryDecision::Again { counts, .. } => Some(counts),
                RetryDecision::GiveUp => None,
            };
            let expected = match class {
                FailureClass::RetryAfter | FailureClass::Saturated => Some(false),
                FailureClass::Transient if attempt < 3 => Some(true),
                _ => None,
            };
            assert_eq!(again, expected, "{class} after attempt {attempt}");
            assert!(again.is_none() || class.is_retryable(), "{class}");
        }
    }
}

#[test]
fn a_caller_in_a_hurry_may_have_short_waits() {
    let brisk = RetryPolicy { max_attempts: 3, base: Duration::from_millis(5), cap: Duration::from_millis(50) };
    let told = Failure::new(FailureClass::RetryAfter, FailureCode::ProviderUnavailable, "busy")
        .with_retry_after(Duration::ZERO);
    assert_eq!(brisk.decide(&told, 1, 0.5), RetryDecision::Again { after: Duration::from_millis(5), counts: false });
}

#[test]
fn files_are_kept_as_long_as_the_policy_says() {
    let policy = RetentionPolicy::default();
    let end = moment("2024-02-25T12:00:00Z");
    for state in JobState::ALL {
        let kept = policy.files_expire_at(state, end).map(|gone| (gone - end).num_days());
        let expected = match state {
            JobState::Completed => Some(7),
            JobState::Failed | JobState::Cancelled | JobState::Expired => Some(30),
            _ => None,
        };
        assert_eq!(kept, expected, "{state}");
    }
    // A kind may keep less, never more.
    let (day, year) = (Duration::from_secs(86_400), Duration::from_secs(365 * 86_400));
    for (files_kept, completed, failed) in
        [(Some(day), 1, 1), (Some(10 * day), 7, 10), (Some(year), 7, 30), (None, 7, 30)]
    {
        let own = policy.of_kind(&KindLimits { files_kept, ..KindLimits::NONE });
        assert_eq!((own.completed, own.failed), (TimeDelta::days(completed), TimeDelta::days(failed)));
        assert_eq!((own.orphaned_upload, own.tombstone), (policy.orphaned_upload, policy.tombstone));
    }
    // The monthly quota counts rows: the longest month must have ended before the first of its rows goes.
    assert!(policy.tombstone > TimeDelta::days(31));
    assert_eq!(policy.files_expire_at(JobState::Completed, DateTime::<Utc>::MAX_UTC), None);
}
