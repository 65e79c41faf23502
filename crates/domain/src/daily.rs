//! Whose turn it is among the days: which days' figures are to be counted now. Days are UTC.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

/// A day is counted so long after its end: what happened in its last moments has been written by then, also by a machine
/// whose clock is behind.
pub const GRACE: TimeDelta = TimeDelta::minutes(5);
/// How far back days are counted that nobody has counted: the rows of jobs stay for longer than that.
pub const MOST_DAYS: u64 = 31;

/// The days that are over and not counted yet, oldest first. `counted` is the last that is; where none is, the figures begin
/// with the last day that is over.
pub fn due(counted: Option<NaiveDate>, now: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> {
    let today = (now - GRACE).date_naive();
    let oldest = if counted.is_some() { MOST_DAYS } else { 1 };
    let from = today.checked_sub_days(Days::new(oldest)).unwrap_or(NaiveDate::MIN);
    let from = counted.and_then(|counted| counted.succ_opt()).map_or(from, |next| next.max(from));
    from.iter_days().take_while(move |day| *day < today)
}

/// When the next day is due that is not due now.
pub fn next_due(now: DateTime<Utc>) -> DateTime<Utc> {
    end_of((now - GRACE).date_naive()) + GRACE
}

/// The first moment of the day after.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt().unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn check(counted: Option<&str>, now: &str, expected: &[&str]) {
        let now: DateTime<Utc> = now.parse().unwrap();
        let due: Vec<_> = due(counted.map(day), now).collect();
        assert_eq!(due, expected.iter().map(|text| day(text)).collect::<Vec<_>>(), "{counted:?} {now}");
    }

    #[test]
    fn a_day_is_due_once_it_has_been_over_for_a_while() {
        check(None, "2026-03-01T00:04:59.999999Z", &["2026-02-27"]);
        check(None, "2026-03-01T00:05:00Z", &["2026-02-28"]);
        check(Some("2026-02-27"), "2026-03-01T00:04:59Z", &[]);
        check(Some("2026-02-27"), "2026-03-01T00:05:00Z", &["2026-02-28"]);
        check(Some("2026-02-28"), "2026-03-01T23:59:59Z", &[]);
        // Nobody was there for some days; a clock that was turned back finds nothing.
        check(Some("2026-02-27"), "2026-03-03T12:00:00Z", &["2026-02-28", "2026-03-01", "2026-03-02"]);
        check(Some("2026-03-09"), "2026-03-03T12:00:00Z", &[]);
    }

    #[test]
    fn days_that_are_long_over_are_left_out() {
        let now: DateTime<Utc> = "2026-03-31T12:00:00Z".parse().unwrap();
        let late: Vec<_> = due(Some(day("2020-01-01")), now).collect();
        assert_eq!((late.len(), late[0]), (31, day("2026-02-28")));
    }

    #[test]
    fn the_next_day_is_due_after_its_end() {
        for (now, next) in [
            ("2026-03-01T00:04:59Z", "2026-03-01T00:05:00Z"),
            ("2026-03-01T00:05:00Z", "2026-03-02T00:05:00Z"),
            ("2026-12-31T12:00:00Z", "2027-01-01T00:05:00Z"),
        ] {
            let (now, next): (DateTime<Utc>, DateTime<Utc>) = (now.parse().unwrap(), next.parse().unwrap());
            assert_eq!(next_due(now), next);
            let counted = due(None, now).last();
            assert_eq!(due(counted, next - TimeDelta::microseconds(1)).count(), 0);
            assert_eq!(due(counted, next).count(), 1);
        }
    }
}
