//! What may go wrong between this crate and its database. Never says what a value was: parameters hold prompts and
//! tokens, and the databases like to quote them.

use std::{error::Error, fmt};

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

use crate::backend::Backend;

/// A step that could not be carried out. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum PersistenceError {
    #[error("the database address is not understood: {reason}")]
    Address { reason: String },
    #[error("cannot connect to the {backend} database")]
    Connect { backend: Backend, source: DatabaseFault },
    #[error("cannot {operation}")]
    Query { operation: &'static str, source: DatabaseFault },
    /// A row written by a newer version, or by hand.
    #[error("cannot {operation}: column {column} holds what this version does not understand")]
    Row { operation: &'static str, column: &'static str, source: Box<dyn Error + Send + Sync> },
    /// Others changed the same job in every one of a bounded number of tries.
    #[error("cannot {operation}: the job changed under each of {tries} tries")]
    Contended { operation: &'static str, tries: u32 },
}

impl PersistenceError {
    /// Whether the same step may succeed later with nothing changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Query { source, .. } => source.is_retryable(),
            Self::Contended { .. } => true,
            Self::Address { .. } | Self::Row { .. } => false,
        }
    }

    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "database_address",
            Self::Connect { .. } => "database_unreachable",
            Self::Query { .. } => "database_query",
            Self::Row { .. } => "database_row",
            Self::Contended { .. } => "database_contended",
        }
    }
}

/// What the database or its driver said.
pub struct DatabaseFault(DbErr);

impl DatabaseFault {
    /// Whether it may pass by itself: a lost or missing connection, a lock not granted in time, a server that is
    /// starting, stopping or full.
    pub fn is_retryable(&self) -> bool {
        match &self.0 {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed) => true,
            DbErr::Conn(RuntimeErr::SqlxError(why))
            | DbErr::Exec(RuntimeErr::SqlxError(why))
            | DbErr::Query(RuntimeErr::SqlxError(why)) => sqlx_is_retryable(why),
            _ => false,
        }
    }

    pub(crate) fn from_sqlx(why: sqlx::Error) -> Self {
        Self(DbErr::Conn(RuntimeErr::SqlxError(why.into())))
    }
}

impl From<DbErr> for DatabaseFault {
    fn from(why: DbErr) -> Self {
        Self(why)
    }
}

impl fmt::Display for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// Not derived: the driver's own Debug prints the detail of a constraint, which quotes the whole row.
impl fmt::Debug for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseFault({})", self.0)
    }
}

/// No `source`: the display already holds the driver's sentence.
impl Error for DatabaseFault {}

fn sqlx_is_retryable(why: &sqlx::Error) -> bool {
    match why {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(why) => {
            let code = why.code().unwrap_or_default();
            if why.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                sqlite_is_retryable(&code)
            } else {
                sqlstate_is_retryable(&code)
            }
        }
        _ => false,
    }
}

/// SQLITE_BUSY (5), SQLITE_LOCKED (6), SQLITE_FULL (13); the upper bytes only say more.
/// <https://www.sqlite.org/rescode.html>
fn sqlite_is_retryable(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 13))
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn sqlstate_is_retryable(code: &str) -> bool {
    // Connection, resources, operator's intervention; then serialisation, deadlock and lock not available.
    let by_class = ["08", "53", "57"].into_iter().any(|class| code.starts_with(class));
    by_class || matches!(code, "40001" | "40P01" | "55P03")
}

/// A column that does not read as what it should be.
#[derive(Debug)]
pub(crate) struct Undecodable {
    pub column: &'static str,
    pub source: Box<dyn Error + Send + Sync>,
}

impl Undecodable {
    pub fn new(column: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { column, source: source.into() }
    }
}

/// Names the operation that an error belongs to: `…​.await.during("claim a due job")?`.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, PersistenceError>;
}

impl<T> During<T> for Result<T, DbErr> {
    fn during(self, operation: &'static str) -> Result<T, PersistenceError> {
        self.map_err(|why| PersistenceError::Query { operation, source: why.into() })
    }
}

impl<T> During<T> for Result<T, Undecodable> {
    fn during(self, operation: &'static str) -> Result<T, PersistenceError> {
        self.map_err(|why| PersistenceError::Row { operation, column: why.column, source: why.source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_lost_connections_are_retryable_and_broken_rules_are_not() {
        assert!(sqlite_is_retryable("5") && sqlite_is_retryable("517") && sqlite_is_retryable("6"));
        assert!(!sqlite_is_retryable("2067") && !sqlite_is_retryable("787") && !sqlite_is_retryable(""));
        assert!(sqlstate_is_retryable("40001") && sqlstate_is_retryable("08006") && sqlstate_is_retryable("57P03"));
        assert!(!sqlstate_is_retryable("23505") && !sqlstate_is_retryable("42P01") && !sqlstate_is_retryable(""));
        let io = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(DatabaseFault::from_sqlx(io).is_retryable());
        assert!(!DatabaseFault::from_sqlx(sqlx::Error::RowNotFound).is_retryable());
        assert!(PersistenceError::Contended { operation: "x", tries: 3 }.is_retryable());
        assert!(!PersistenceError::Address { reason: String::new() }.is_retryable());
    }
}
