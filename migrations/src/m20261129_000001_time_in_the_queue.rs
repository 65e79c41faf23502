//! A job that waits in the queue keeps what it has of its time: a deadline that ran on would end it for the house's backlog.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let left = big_integer_null("time_left_ms");
        manager.alter_table(Table::alter().table("jobs").add_column(left).take()).await
    }

    /// Jobs that wait get a whole deadline from their next claim.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("jobs").drop_column("time_left_ms").take()).await
    }
}
