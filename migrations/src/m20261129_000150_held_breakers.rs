//! Since when an orchestrator keeps its callers from a provider for what it has found out itself, so that others do as well.

use sea_orm_migration::prelude::*;

use crate::schema::moment_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let held = moment_null("held_since");
        manager.alter_table(Table::alter().table("breakers").add_column(held).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("breakers").drop_column("held_since").take()).await
    }
}
