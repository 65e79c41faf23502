//! What each orchestrator's circuit breakers say, for whoever asks the gateway.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{drop_tables, moment, moment_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let breakers = Table::create()
            .table("breakers")
            .col(text("instance"))
            .col(text("provider"))
            .col(text("state"))
            .col(integer("failures"))
            .col(moment_null("open_until"))
            .col(moment("updated_at"))
            .primary_key(Index::create().col("instance").col("provider"))
            .take();
        manager.create_table(breakers).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["breakers"]).await
    }
}
