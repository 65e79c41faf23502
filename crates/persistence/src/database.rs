//! The way in: connects and migrates. Knows no table.

use std::{str::FromStr, time::Duration};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait,
    sqlx::{
        ConnectOptions,
        pool::PoolOptions,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::{
    address::{Address, PostgresAddress, SqliteAddress},
    backend::Backend,
    error::{DatabaseFault, During, PersistenceError},
};

/// `descant` in ASCII as a number: only one service migrates at a time.
const MIGRATION_LOCK: i64 = 0x0064_6573_6361_6e74;

/// A pool of connections. Cheap to clone; all clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    backend: Backend,
    /// On SQLite a pool of one: its writers wait for each other in order here, rather than by polling the file's lock.
    write: DatabaseConnection,
    read: DatabaseConnection,
}

impl Database {
    /// Connects. `max_connections` is what the settings say; a `connection_limit` in the address is closer to the
    /// database and wins.
    ///
    /// Understood: `sqlite:path`, `sqlite::memory:`, `file:path` and `postgres://…`, the last two with Prisma's
    /// parameters `connection_limit`, `pool_timeout`, `timeout` (seconds), `schema` and `pgbouncer`. A SQLite file is
    /// made when it is missing, its folder is not.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, PersistenceError> {
        match Address::parse(url)? {
            Address::Sqlite(address) => connect_sqlite(address, max_connections).await,
            Address::Postgres(address) => connect_postgres(address, max_connections).await,
        }
    }

    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Applies all migrations that are missing, or none. Services that start together wait for each other.
    pub async fn migrate(&self) -> Result<(), PersistenceError> {
        const DOING: &str = "migrate the database";
        let tx = self.begin_migration(DOING).await?;
        Migrator::up(&tx, None).await.during(DOING)?;
        tx.commit().await.during(DOING)
    }

    /// Takes the last `steps` migrations back. What their tables held is lost.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), PersistenceError> {
        const DOING: &str = "take migrations back";
        let tx = self.begin_migration(DOING).await?;
        Migrator::down(&tx, Some(steps)).await.during(DOING)?;
        tx.commit().await.during(DOING)
    }

    async fn begin_migration(&self, operation: &'static str) -> Result<DatabaseTransaction, PersistenceError> {
        let tx = self.begin(operation).await?;
        if self.backend == Backend::Postgres {
            // Let go of by the end of the transaction, also when this process dies.
            let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            tx.execute_unprepared(&lock).await.during(operation)?;
        }
        Ok(tx)
    }

    /// One round trip.
    pub async fn ping(&self) -> Result<(), PersistenceError> {
        self.read.execute_unprepared("SELECT 1").await.during("ping the database")?;
        Ok(())
    }

    /// Waits for running steps and closes all connections. On SQLite this folds the write-ahead log into the file.
    pub async fn close(&self) -> Result<(), PersistenceError> {
        self.read.close_by_ref().await.during("close the database")?;
        self.write.close_by_ref().await.during("close the database")
    }

    pub(crate) const fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For single statements; several that belong together go through [`Self::begin`].
    pub(crate) const fn writer(&self) -> &DatabaseConnection {
        &self.write
    }

    /// A transaction that may write. Rolled back when dropped.
    ///
    /// On SQLite it takes the write lock at once: one that reads first and writes later would fail with
    /// SQLITE_BUSY_SNAPSHOT, which no timeout covers, as soon as another process wrote in between.
    pub(crate) async fn begin(&self, operation: &'static str) -> Result<DatabaseTransaction, PersistenceError> {
        let sqlite_transaction_mode = (self.backend == Backend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode, ..TransactionOptions::default() };
        self.write.begin_with_options(options).await.during(operation)
    }
}

async fn connect_sqlite(address: SqliteAddress, max_connections: u32) -> Result<Database, PersistenceError> {
    const BACKEND: Backend = Backend::Sqlite;
    let failed = |why| PersistenceError::Connect { backend: BACKEND, source: DatabaseFault::from_sqlx(why) };
    let base = match &address.path {
        Some(path) => SqliteConnectOptions::from_str(&format!("sqlite:{path}"))
            .map_err(failed)?
            .create_if_missing(!address.read_only)
            .read_only(address.read_only)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk when it returns: an accepted job must outlive a power cut. Costs one sync a commit.
            .synchronous(SqliteSynchronous::Full),
        None => SqliteConnectOptions::from_str("sqlite::memory:").map_err(failed)?,
    };
    let options = base.foreign_keys(true).busy_timeout(address.busy_timeout).disable_statement_logging();

    let limit = address.connection_limit.unwrap_or(max_connections).max(1);
    let writers = PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(address.pool_timeout)
        // A database in memory lives as long as its only connection.
        .idle_timeout(None)
        .max_lifetime(None);
    let write = writers.connect_with(options.clone()).await.map_err(failed)?;
    let write = SqlxSqliteConnector::from_sqlx_sqlite_pool(write);
    if address.path.is_none() || limit == 1 {
        return Ok(Database { backend: BACKEND, read: write.clone(), write });
    }
    let readers = PoolOptions::new().max_connections(limit - 1).acquire_timeout(address.pool_timeout);
    let read = readers.connect_with(options.pragma("query_only", "on")).await.map_err(failed)?;
    let read = SqlxSqliteConnector::from_sqlx_sqlite_pool(read);
    Ok(Database { backend: BACKEND, write, read })
}

async fn connect_postgres(address: PostgresAddress, max_connections: u32) -> Result<Database, PersistenceError> {
    const BACKEND: Backend = Backend::Postgres;
    /// A connection this old is replaced, so that a failover or a new address is noticed.
    const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);
    let failed = |why| PersistenceError::Connect { backend: BACKEND, source: DatabaseFault::from_sqlx(why) };
    let mut options = PgConnectOptions::from_str(address.url.as_str()).map_err(failed)?.disable_statement_logging();
    if options.get_application_name().is_none() {
        options = options.application_name("descant");
    }
    if let Some(schema) = &address.schema {
        options = options.options([("search_path", schema.as_str())]);
    }
    if !address.keep_prepared {
        options = options.statement_cache_capacity(0);
    }
    let pool = PoolOptions::new()
        .max_connections(address.connection_limit.unwrap_or(max_connections).max(1))
        .acquire_timeout(address.pool_timeout)
        .max_lifetime(MAX_LIFETIME)
        .connect_with(options)
        .await
        .map_err(failed)?;
    let write = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Database { backend: BACKEND, read: write.clone(), write })
}
