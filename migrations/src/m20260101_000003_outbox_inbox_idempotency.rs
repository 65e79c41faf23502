//! What leaves and what came in: messages not yet published, messages already handled, requests already answered.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{drop_tables, index, moment, moment_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(outbox()).await?;
        manager.create_index(index("outbox", &["published_at", "created_at", "id"])).await?;
        manager.create_table(inbox()).await?;
        manager.create_index(index("inbox", &["at"])).await?;
        manager.create_table(idempotency_keys()).await?;
        manager.create_index(index("idempotency_keys", &["expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotency_keys", "inbox", "outbox"]).await
    }
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        .col(pk_uuid("id"))
        // The queue of a command; null for an event, which goes to the topic exchange.
        .col(text_null("queue"))
        .col(blob("payload"))
        .col(moment("created_at"))
        .col(moment_null("claimed_until"))
        .col(moment_null("published_at"))
        .col(integer("attempts").default(0))
        .take()
}

fn inbox() -> TableCreateStatement {
    Table::create()
        .table("inbox")
        .col(text("consumer"))
        .col(uuid("message_id"))
        .col(moment("at"))
        .primary_key(Index::create().col("consumer").col("message_id"))
        .take()
}

/// No reference to `users`: a key is taken before anything else is known about the request.
fn idempotency_keys() -> TableCreateStatement {
    Table::create()
        .table("idempotency_keys")
        .col(text("user_id"))
        .col(text("key"))
        .col(text("route"))
        .col(text("request_hash"))
        .col(text("state"))
        .col(integer_null("status"))
        .col(json_binary_null("body"))
        .col(uuid_null("job_id"))
        .col(moment("claimed_at"))
        .col(moment("expires_at"))
        .primary_key(Index::create().col("user_id").col("key").col("route"))
        .take()
}
