//! The address of the database: which kind it is, and the pool size that Prisma's form carries.

use url::Url;

use crate::sections::DatabaseBackend;

/// An address taken apart as far as the settings need it.
#[derive(PartialEq, Eq, Debug)]
pub struct DatabaseUrl {
    pub backend: DatabaseBackend,
    /// The address without `connection_limit`; everything else is left to whoever connects.
    pub url: String,
    pub connection_limit: Option<u32>,
}

/// What an address must look like. It is never quoted: it holds a password.
pub const EXPECTED: &str = "sqlite:PATH, file:PATH or postgres://USER:PASSWORD@HOST/NAME; the parameters \
                            connection_limit, pool_timeout and timeout, where given, are whole numbers of at least 1";

pub fn parse(text: &str) -> Option<DatabaseUrl> {
    let text = text.trim();
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let backend = backend(address)?;
    let mut connection_limit = None;
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let at_least_one = || value.parse::<u32>().ok().filter(|number| *number >= 1);
        match name {
            "connection_limit" => connection_limit = Some(at_least_one()?),
            "pool_timeout" | "timeout" | "connect_timeout" | "socket_timeout" => {
                at_least_one()?;
                kept.push(pair);
            }
            _ => kept.push(pair),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Some(DatabaseUrl { backend, url: format!("{address}{query}"), connection_limit })
}

fn backend(address: &str) -> Option<DatabaseBackend> {
    for scheme in ["sqlite:", "file:"] {
        if let Some(path) = address.strip_prefix(scheme) {
            return (!path.trim_start_matches('/').is_empty()).then_some(DatabaseBackend::Sqlite);
        }
    }
    let url = Url::parse(address).ok()?;
    let named = url.path().trim_matches('/');
    let complete = matches!(url.scheme(), "postgres" | "postgresql") && url.has_host() && !named.is_empty();
    complete.then_some(DatabaseBackend::Postgres)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_addresses_are_understood() {
        let sqlite = parse("file:./dev.db?connection_limit=1&timeout=30").unwrap();
        assert_eq!((sqlite.backend, sqlite.connection_limit), (DatabaseBackend::Sqlite, Some(1)));
        assert_eq!(sqlite.url, "file:./dev.db?timeout=30");
        let postgres = parse("postgresql://user:pass@localhost:5432/dawg?connection_limit=10&pool_timeout=30").unwrap();
        assert_eq!((postgres.backend, postgres.connection_limit), (DatabaseBackend::Postgres, Some(10)));
        assert_eq!(postgres.url, "postgresql://user:pass@localhost:5432/dawg?pool_timeout=30");
        assert_eq!(parse("sqlite::memory:").unwrap().url, "sqlite::memory:");
    }

    #[test]
    fn other_addresses_are_not() {
        for text in [
            "",
            "descant.db",
            "sqlite:",
            "file://",
            "mysql://root@localhost/descant",
            "postgres://localhost",
            "postgres:descant",
            "file:./dev.db?connection_limit=0",
            "file:./dev.db?timeout=soon",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
