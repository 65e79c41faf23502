//! Reads a database address. Understands sqlx's form and Prisma's, whose pool parameters are ours to act on and would
//! only draw warnings from the driver. Opens nothing.

use std::time::Duration;

use url::Url;

use crate::error::PersistenceError;

/// How long a caller waits for a free connection when the address does not say.
const DEFAULT_POOL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long SQLite waits for another writer when the address does not say.
const DEFAULT_BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq, Eq)]
pub enum Address {
    Sqlite(SqliteAddress),
    Postgres(PostgresAddress),
}

#[derive(Debug, PartialEq, Eq)]
pub struct SqliteAddress {
    /// A path, or `None` for a database in memory.
    pub path: Option<String>,
    pub read_only: bool,
    pub connection_limit: Option<u32>,
    pub busy_timeout: Duration,
    pub pool_timeout: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    /// Without the parameters that are ours.
    pub url: Url,
    pub schema: Option<String>,
    pub connection_limit: Option<u32>,
    pub pool_timeout: Duration,
    /// Off behind a pooler that shares connections between transactions.
    pub keep_prepared: bool,
}

impl Address {
    /// `sqlite:path`, `sqlite::memory:`, `file:./path?connection_limit=1&timeout=30` or
    /// `postgres://user:password@host/name?connection_limit=10&pool_timeout=30`.
    pub fn parse(text: &str) -> Result<Self, PersistenceError> {
        let text = text.trim();
        for scheme in ["sqlite:", "file:"] {
            if let Some(rest) = text.strip_prefix(scheme) {
                return sqlite(rest).map(Self::Sqlite);
            }
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return postgres(text).map(Self::Postgres);
        }
        Err(refuse("expected sqlite:path, file:path or postgres://user:password@host/name"))
    }
}

// The reason never quotes the address: it holds a password.
fn refuse(reason: impl Into<String>) -> PersistenceError {
    PersistenceError::Address { reason: reason.into() }
}

fn sqlite(rest: &str) -> Result<SqliteAddress, PersistenceError> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(refuse("expected a file after sqlite: or file:, such as sqlite:descant.db"));
    }
    let mut address = SqliteAddress {
        path: (path != ":memory:").then(|| path.to_owned()),
        read_only: false,
        connection_limit: None,
        busy_timeout: DEFAULT_BUSY_TIMEOUT,
        pool_timeout: DEFAULT_POOL_TIMEOUT,
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "connection_limit" => address.connection_limit = Some(at_least_one(&name, &value)?),
            // Prisma's for SQLite: how long to wait for the file.
            "timeout" | "socket_timeout" => address.busy_timeout = seconds(&name, &value)?,
            "pool_timeout" => address.pool_timeout = seconds(&name, &value)?,
            "mode" => match value.as_ref() {
                "ro" => address.read_only = true,
                "rw" | "rwc" => {}
                "memory" => address.path = None,
                _ => return Err(refuse("expected mode=ro, rw, rwc or memory")),
            },
            _ => tracing::warn!(parameter = %name, "ignored an unknown parameter of the database address"),
        }
    }
    Ok(address)
}

fn postgres(text: &str) -> Result<PostgresAddress, PersistenceError> {
    let mut url = Url::parse(text).map_err(|why| refuse(why.to_string()))?;
    let mut address = PostgresAddress {
        url: url.clone(),
        schema: None,
        connection_limit: None,
        pool_timeout: DEFAULT_POOL_TIMEOUT,
        keep_prepared: true,
    };
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "connection_limit" => address.connection_limit = Some(at_least_one(&name, &value)?),
            "pool_timeout" => address.pool_timeout = seconds(&name, &value)?,
            "schema" => address.schema = Some(value.into_owned()),
            "pgbouncer" => address.keep_prepared = value != "true",
            // The pool's timeout covers both.
            "connect_timeout" | "socket_timeout" => {}
            _ => kept.push((name.into_owned(), value.into_owned())),
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    address.url = url;
    Ok(address)
}

fn at_least_one(name: &str, value: &str) -> Result<u32, PersistenceError> {
    match value.parse() {
        Ok(number) if number >= 1 => Ok(number),
        _ => Err(refuse(format!("expected a number of at least 1 as {name}, such as {name}=10"))),
    }
}

fn seconds(name: &str, value: &str) -> Result<Duration, PersistenceError> {
    match value.parse() {
        Ok(number) if number >= 1 => Ok(Duration::from_secs(number)),
        _ => Err(refuse(format!("expected a number of seconds, at least 1, as {name}, such as {name}=30"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite_of(text: &str) -> SqliteAddress {
        match Address::parse(text).unwrap() {
            Address::Sqlite(address) => address,
            Address::Postgres(_) => panic!("{text} read as PostgreSQL"),
        }
    }

    fn postgres_of(text: &str) -> PostgresAddress {
        match Address::parse(text).unwrap() {
            Address::Postgres(address) => address,
            Address::Sqlite(_) => panic!("{text} read as SQLite"),
        }
    }

    #[test]
    fn sqlite_addresses_in_both_forms() {
        assert_eq!(sqlite_of("sqlite:a/b.db").path.as_deref(), Some("a/b.db"));
        assert_eq!(sqlite_of("sqlite:///data/b.db?mode=rwc").path.as_deref(), Some("/data/b.db"));
        assert_eq!(sqlite_of("sqlite::memory:").path, None);
        assert_eq!(sqlite_of("sqlite:x?mode=memory").path, None);
        let prisma = sqlite_of("file:./dev.db?connection_limit=1&timeout=30");
        assert_eq!(prisma.path.as_deref(), Some("./dev.db"));
        assert_eq!(prisma.connection_limit, Some(1));
        assert_eq!(prisma.busy_timeout, Duration::from_secs(30));
        assert_eq!(sqlite_of("sqlite:b.db").busy_timeout, DEFAULT_BUSY_TIMEOUT);
    }

    #[test]
    fn postgres_addresses_lose_what_the_driver_does_not_know() {
        let plain = postgres_of("postgres://u:p@h:5/d");
        assert_eq!((plain.url.as_str(), plain.connection_limit), ("postgres://u:p@h:5/d", None));
        assert!(plain.keep_prepared);
        let prisma = postgres_of(
            "postgresql://u:p%40@h/d?connection_limit=7&pool_timeout=3&schema=s&pgbouncer=true&sslmode=require",
        );
        assert_eq!(prisma.url.as_str(), "postgresql://u:p%40@h/d?sslmode=require");
        assert_eq!((prisma.connection_limit, prisma.pool_timeout), (Some(7), Duration::from_secs(3)));
        assert_eq!((prisma.schema.as_deref(), prisma.keep_prepared), (Some("s"), false));
    }

    #[test]
    fn a_bad_address_is_refused_without_being_quoted() {
        let bad = [
            "",
            "sqlite:",
            "mysql://root:secret@h/d",
            "postgres://u:secret@h:notaport/d",
            "postgres://u:secret@h/d?connection_limit=0",
            "file:x.db?timeout=soon",
            "sqlite:x.db?mode=secret",
        ];
        for text in bad {
            let why = Address::parse(text).unwrap_err();
            assert!(matches!(why, PersistenceError::Address { .. }), "{text}");
            assert!(!why.to_string().contains("secret"), "{why}");
        }
    }
}
