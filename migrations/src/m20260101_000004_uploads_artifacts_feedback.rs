//! Objects and who answers for them, and what people thought of the result.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{drop_tables, index, moment, moment_null, reference, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(uploads()).await?;
        // Orphans.
        manager.create_index(index("uploads", &["job_id", "created_at"])).await?;
        manager.create_table(artifacts()).await?;
        manager.create_index(unique_index("artifacts", &["job_id", "role"])).await?;
        manager.create_table(feedback()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["feedback", "artifacts", "uploads"]).await
    }
}

/// No reference to `users`: an upload is written down before its owner's first job makes the owner's row. A deleted
/// job leaves the row behind as an orphan, so that the object stays findable.
fn uploads() -> TableCreateStatement {
    Table::create()
        .table("uploads")
        .col(pk_uuid("id"))
        .col(text("owner"))
        .col(text("object_key"))
        .col(big_integer_null("size_bytes"))
        .col(text_null("sha256"))
        .col(moment("created_at"))
        .col(uuid_null("job_id"))
        // Set when the sweep decides to delete it: from then on no job can take it.
        .col(moment_null("condemned_at"))
        .foreign_key(&mut reference("uploads", "job_id", "jobs", ForeignKeyAction::SetNull))
        .take()
}

fn artifacts() -> TableCreateStatement {
    Table::create()
        .table("artifacts")
        .col(pk_uuid("id"))
        .col(uuid("job_id"))
        .col(text("role"))
        .col(text("object_key"))
        .col(big_integer("size_bytes"))
        .col(text("sha256"))
        .col(text("media_type"))
        .col(text("file_name"))
        .col(moment("created_at"))
        .foreign_key(&mut reference("artifacts", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}

fn feedback() -> TableCreateStatement {
    Table::create()
        .table("feedback")
        .col(pk_uuid("job_id"))
        .col(text("user_id"))
        .col(integer("rating").check(Expr::col("rating").between(1, 5)))
        .col(text_null("text"))
        .col(moment("at"))
        .foreign_key(&mut reference("feedback", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}
