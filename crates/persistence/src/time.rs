//! Moments as both databases keep them: UTC, whole microseconds.

use chrono::{DateTime, SubsecRound, Utc};

/// Cuts a moment to microseconds. PostgreSQL keeps no more, SQLite would keep nanoseconds: without this a moment read
/// back would differ from the one written, on one of them only.
pub fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

pub fn micros_option(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(micros)
}
