//! What happened on each day, by kind of job. A row is written by whoever counts the day first.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{count, drop_tables, moment};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let figures = Table::create()
            .table("daily_figures")
            .col(text("kind"))
            // `2026-11-28`, which sorts as the days do.
            .col(text("day"))
            .col(count("submitted", 0))
            .col(count("completed", 0))
            .col(count("failed", 0))
            .col(count("expired", 0))
            .col(count("cancelled", 0))
            .col(double_null("mean_wait_ms"))
            .col(double_null("mean_processing_ms"))
            .col(moment("counted_at"))
            .primary_key(Index::create().col("kind").col("day"))
            .take();
        manager.create_table(figures).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["daily_figures"]).await
    }
}
