//! What vendors answered, so that it is not asked for again; who was asked for a stage before the one that did it; what
//! was spent in each month; and what an operator has to see to before a provider is called again.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::drop_tables;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in call_columns() {
            manager.alter_table(Table::alter().table("outside_calls").add_column(column).take()).await?;
        }
        let tried = json_binary_null("tried");
        manager.alter_table(Table::alter().table("job_stages").add_column(tried).take()).await?;
        let problem = text_null("problem");
        manager.alter_table(Table::alter().table("breakers").add_column(problem).take()).await?;
        manager.create_table(spending()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["spending"]).await?;
        let drop = |table: &'static str, column: &'static str| Table::alter().table(table).drop_column(column).take();
        manager.alter_table(drop("breakers", "problem")).await?;
        manager.alter_table(drop("job_stages", "tried")).await?;
        for column in ["answer", "usage", "estimate_micros"] {
            manager.alter_table(drop("outside_calls", column)).await?;
        }
        Ok(())
    }
}

fn call_columns() -> [ColumnDef; 3] {
    [
        // The value, and where the files lie.
        json_binary_null("answer"),
        json_binary_null("usage"),
        // What was set aside for it, in millionths of `currency`, until it is known what it cost.
        big_integer_null("estimate_micros"),
    ]
}

/// No reference to users: what was spent stays when they go.
fn spending() -> TableCreateStatement {
    Table::create()
        .table("spending")
        // `2026-11`, in UTC.
        .col(text("month"))
        // `house`, `provider` or `user`.
        .col(text("scope"))
        // Whose; empty for the house.
        .col(text("name"))
        .col(text("currency"))
        // Millionths of the currency's unit.
        .col(big_integer("spent_micros"))
        .col(big_integer("reserved_micros"))
        .primary_key(Index::create().col("month").col("scope").col("name").col("currency"))
        .take()
}
