//! The schema, as migrations that go both ways and mean the same on SQLite and PostgreSQL.
//!
//! Every migration names its own tables and columns as plain text and never imports the rows of `persistence`: a
//! migration that has shipped must not change when the code does. A migration that has shipped is never edited; the
//! next one corrects it. Runs inside one transaction that its caller opens, so that it is all or nothing and several
//! services may start at once; it never opens a connection itself.

// `async_trait` needs the very shape of sea-orm-migration's trait, which elides this lifetime.
#![allow(elided_lifetimes_in_paths)]

mod m20260101_000001_users_and_jobs;
mod m20260101_000002_stages_and_events;
mod m20260101_000003_outbox_inbox_idempotency;
mod m20260101_000004_uploads_artifacts_feedback;
mod m20260101_000005_breakers;
mod m20261128_000001_inputs_and_outside_calls;
mod m20261128_000002_songs;
mod m20261128_000003_daily_figures;
mod m20261128_000004_answers_and_spending;
mod m20261128_000005_models;
mod m20261129_000001_time_in_the_queue;
mod m20261129_000150_held_breakers;
mod schema;

pub use sea_orm_migration::MigratorTrait;

use sea_orm_migration::{MigrationTrait, async_trait};

/// All migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_users_and_jobs::Migration),
            Box::new(m20260101_000002_stages_and_events::Migration),
            Box::new(m20260101_000003_outbox_inbox_idempotency::Migration),
            Box::new(m20260101_000004_uploads_artifacts_feedback::Migration),
            Box::new(m20260101_000005_breakers::Migration),
            Box::new(m20261128_000001_inputs_and_outside_calls::Migration),
            Box::new(m20261128_000002_songs::Migration),
            Box::new(m20261128_000003_daily_figures::Migration),
            Box::new(m20261128_000004_answers_and_spending::Migration),
            Box::new(m20261128_000005_models::Migration),
            Box::new(m20261129_000001_time_in_the_queue::Migration),
            Box::new(m20261129_000150_held_breakers::Migration),
        ]
    }
}
