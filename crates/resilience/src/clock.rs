//! The moment, as an argument: one face over the system's clock and over a clock that a test turns.

use std::{fmt::Debug, sync::Mutex};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::lock;

/// Tells the moment in UTC, in whole microseconds.
pub trait Clock: Send + Sync + Debug {
    fn now(&self) -> DateTime<Utc>;
}

/// Microseconds are what PostgreSQL keeps; finer moments would differ after a round trip through a row.
fn to_micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(moment)
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        to_micros(Utc::now())
    }
}

/// A clock that stands still until it is turned.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(Mutex::new(to_micros(at)))
    }

    pub fn set(&self, at: DateTime<Utc>) {
        *lock(&self.0) = to_micros(at);
    }

    /// Turns the clock on (or back, with a negative span) and returns the new moment.
    pub fn advance(&self, by: TimeDelta) -> DateTime<Utc> {
        let mut now = lock(&self.0);
        *now = to_micros(*now + by);
        *now
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_speak_in_whole_microseconds() {
        let odd = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        let clock = ManualClock::new(odd);
        assert_eq!(clock.now().timestamp_subsec_nanos(), 123_456_000);
        assert_eq!(SystemClock.now().timestamp_subsec_nanos() % 1000, 0);
    }

    #[test]
    fn a_manual_clock_moves_only_when_turned() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = ManualClock::new(start);
        assert_eq!(clock.now(), clock.now());
        assert_eq!(clock.advance(TimeDelta::seconds(90)), start + TimeDelta::seconds(90));
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
