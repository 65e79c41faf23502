//! One suite over both databases: a SQLite file, and a fresh PostgreSQL database per test. Every test gets its own.

mod bed;
mod claims;
mod daily;
mod messages;
mod models;
mod moves;
mod names;
mod quotas;
mod retries;
mod rollouts;
mod schema;
mod songs;
mod spending;
mod stages;
mod sweeps;
mod tenants;
