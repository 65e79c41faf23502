//! Real servers for tests: a fresh PostgreSQL database, a fresh RabbitMQ virtual host or a fresh S3 bucket for each
//! test that asks, an S3 server that needs no installation, and a stand-in for services elsewhere that misbehaves.
//!
//! Used by tests, benchmarks and `cargo xtask` only; nothing that ships depends on it. It never starts PostgreSQL or
//! RabbitMQ by itself (`cargo xtask test` does), and never skips: a test that needs a server and has none fails and
//! says what to run.

pub mod s3;

mod bucket;
mod data;
mod database;
mod http;
mod stand_in;
mod vhost;
mod wait;

pub use bucket::{S3Location, TestBucket, s3_bucket};
pub use data::shared_data;
pub use database::{TestDatabase, postgres_database};
pub use stand_in::{Heard, Manner, StandIn};
pub use vhost::{TestVhost, rabbitmq_vhost};
pub use wait::eventually;

use url::Url;

/// What a test says when it needs servers and the environment names none.
pub const NO_SERVERS: &str =
    "no test servers: run `cargo xtask test`, or `cargo xtask servers` in another terminal and export what it prints";

/// Where the test servers are, from the environment that `cargo xtask test` sets.
#[derive(Clone)]
pub struct Servers {
    /// `DESCANT_TEST_POSTGRES_URL`: a database whose user may create and drop databases.
    pub postgres: Url,
    /// `DESCANT_TEST_RABBITMQ_URL`: the broker, with a user that may do everything.
    pub rabbitmq: Url,
    /// `DESCANT_TEST_RABBITMQ_MANAGEMENT_URL`: the broker's management API, with the same user.
    pub rabbitmq_management: Url,
    /// `DESCANT_TEST_S3_ENDPOINT`: an `s3-dev` server (see [`s3`]).
    pub s3_endpoint: Url,
    /// `DESCANT_TEST_S3_ACCESS_KEY`.
    pub s3_access_key: String,
    /// `DESCANT_TEST_S3_SECRET_KEY`.
    pub s3_secret_key: String,
}

/// The test servers.
///
/// # Panics
/// With [`NO_SERVERS`] and the variable's name when one is missing or is not an address.
pub fn servers() -> Servers {
    Servers {
        postgres: address("DESCANT_TEST_POSTGRES_URL"),
        rabbitmq: address("DESCANT_TEST_RABBITMQ_URL"),
        rabbitmq_management: address("DESCANT_TEST_RABBITMQ_MANAGEMENT_URL"),
        s3_endpoint: address("DESCANT_TEST_S3_ENDPOINT"),
        s3_access_key: variable("DESCANT_TEST_S3_ACCESS_KEY"),
        s3_secret_key: variable("DESCANT_TEST_S3_SECRET_KEY"),
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{NO_SERVERS} ({name} is not set)"))
}

fn address(name: &str) -> Url {
    let text = variable(name);
    Url::parse(&text).unwrap_or_else(|why| panic!("{NO_SERVERS} ({name} is not an address: {why})"))
}

/// A name that no other test has, accepted as the name of a database and of a virtual host.
fn fresh_name(separator: char) -> String {
    format!("descant{separator}test{separator}{}", uuid::Uuid::new_v4().simple())
}
