//! What a job did: the checkpoints of its stages and its event log.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{drop_tables, index, moment, moment_null, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(job_stages()).await?;
        // Equal inputs may reuse a checkpoint.
        manager.create_index(index("job_stages", &["name", "inputs_hash"])).await?;
        manager.create_table(job_events()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["job_events", "job_stages"]).await
    }
}

fn job_stages() -> TableCreateStatement {
    Table::create()
        .table("job_stages")
        .col(uuid("job_id"))
        .col(text("name"))
        .col(text("state"))
        .col(integer("attempt"))
        .col(text_null("inputs_hash"))
        .col(text_null("output_key"))
        .col(text_null("output_sha256"))
        .col(json_binary_null("output"))
        .col(text_null("provider"))
        .col(moment("started_at"))
        .col(moment_null("finished_at"))
        .col(json_binary_null("failure"))
        .primary_key(Index::create().col("job_id").col("name"))
        .foreign_key(&mut reference("job_stages", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}

fn job_events() -> TableCreateStatement {
    Table::create()
        .table("job_events")
        .col(uuid("job_id"))
        .col(big_integer("seq"))
        .col(text("type"))
        .col(json_binary("data"))
        .col(moment("at"))
        .primary_key(Index::create().col("job_id").col("seq"))
        .foreign_key(&mut reference("job_events", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}
