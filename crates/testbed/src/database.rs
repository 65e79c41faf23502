//! A PostgreSQL database for one test.

use std::ops::Deref;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};
use url::Url;

/// An empty PostgreSQL database, dropped with this value even while connections to it are open.
pub struct TestDatabase {
    admin: Url,
    name: String,
    url: String,
}

impl TestDatabase {
    /// `postgres://…` of this database.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Deref for TestDatabase {
    type Target = str;

    fn deref(&self) -> &str {
        &self.url
    }
}

/// Creates an empty database on the test server.
///
/// # Panics
/// When there is no test server, or it refuses.
pub async fn postgres_database() -> TestDatabase {
    let admin = crate::servers().postgres;
    let name = crate::fresh_name('_');
    execute(&admin, format!("CREATE DATABASE {name}"))
        .await
        .unwrap_or_else(|why| panic!("the test PostgreSQL server did not create a database: {why:#}"));
    let mut url = admin.clone();
    url.set_path(&name);
    TestDatabase { admin, name, url: url.into() }
}

async fn execute(admin: &Url, sql: String) -> Result<()> {
    let options = PgConnectOptions::from_url(admin)?.disable_statement_logging();
    let mut connection = options.connect().await.context("connect")?;
    // The only text in it is a name that `fresh_name` made of letters, digits and underscores.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.context("execute")?;
    connection.close().await.context("close")
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // A thread with its own runtime: a runtime cannot block inside the test's one.
        let dropping = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(&admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            Ok(Err(why)) => eprintln!("test database {} was left behind: {why:#}", self.name),
            Err(_) => eprintln!("test database {} was left behind: the thread that drops it panicked", self.name),
        }
    }
}
