//! Users and their jobs.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{count, drop_tables, index, moment, moment_null, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users()).await?;
        manager.create_table(jobs()).await?;
        // Due jobs, lapsed leases and passed deadlines: few rows are in a state that is not final.
        manager.create_index(index("jobs", &["state", "due_at", "id"])).await?;
        // History and the counting of quotas.
        manager.create_index(index("jobs", &["owner", "created_at"])).await?;
        // The retention sweep.
        manager.create_index(index("jobs", &["files_deleted_at", "files_expire_at"])).await?;
        // Statistics of the last day.
        manager.create_index(index("jobs", &["finished_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["jobs", "users"]).await
    }
}

fn users() -> TableCreateStatement {
    Table::create()
        .table("users")
        .col(text("id").primary_key())
        .col(text("tier"))
        .col(moment("created_at"))
        // Written by every submission, so that two of one user wait for each other.
        .col(count("quota_lock", 0))
        // Jobs that counted and whose rows are gone.
        .col(count("archived_jobs", 0))
        .take()
}

fn jobs() -> TableCreateStatement {
    Table::create()
        .table("jobs")
        .col(pk_uuid("id"))
        .col(text("kind"))
        .col(text("owner"))
        .col(text("tier"))
        .col(text("state"))
        // Compare-and-swap: every change of the row but a heartbeat adds one.
        .col(count("version", 1))
        .col(integer("progress").default(0).check(Expr::col("progress").between(0, 100)))
        .col(text_null("stage"))
        .col(json_binary("params"))
        .col(uuid_null("upload_id"))
        .col(text_null("input_key"))
        .col(text_null("input_sha256"))
        .col(json_binary_null("verdict"))
        .col(integer("attempt").default(0))
        .col(integer("crashes").default(0))
        .col(moment("due_at"))
        .col(moment_null("deadline_at"))
        .col(text_null("lease_owner"))
        .col(moment_null("lease_until"))
        .col(count("generation", 0))
        .col(moment_null("cancel_requested_at"))
        .col(json_binary_null("failure"))
        .col(json_binary_null("result"))
        .col(count("event_seq", 0))
        .col(text_null("traceparent"))
        .col(moment("created_at"))
        .col(moment_null("started_at"))
        .col(moment("updated_at"))
        .col(moment_null("finished_at"))
        .col(moment_null("files_expire_at"))
        .col(moment_null("files_deleted_at"))
        .foreign_key(&mut reference("jobs", "owner", "users", ForeignKeyAction::Restrict))
        .take()
}
