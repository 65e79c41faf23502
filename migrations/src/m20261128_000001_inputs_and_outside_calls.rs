//! Jobs with any number of inputs, or none; stages that wait for something outside; checkpoints with several objects,
//! and checkpoints that later jobs reuse.
//!
//! `jobs.upload_id`, `input_key`, `input_sha256` and `verdict` stay: versions before this one read them.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::Statement};

use crate::schema::{count, drop_tables, index, moment, moment_null, reference, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in job_columns() {
            manager.alter_table(Table::alter().table("jobs").add_column(column).take()).await?;
        }
        let objects = json_binary_null("objects");
        manager.alter_table(Table::alter().table("job_stages").add_column(objects).take()).await?;
        manager.create_table(job_inputs()).await?;
        manager.create_table(outside_calls()).await?;
        manager.create_index(index("outside_calls", &["job_id"])).await?;
        // A provider's callback names its own id.
        manager.create_index(unique_index("outside_calls", &["provider", "credential", "outside_id"])).await?;
        // Calls that are still open.
        manager.create_index(index("outside_calls", &["ended_at"])).await?;
        manager.create_table(stage_results()).await?;
        manager.create_index(unique_index("stage_results", &["owner", "inputs_hash"])).await?;
        manager.create_index(index("stage_results", &["expires_at"])).await?;
        // Results are looked for in a table of their own.
        let mut unused = Index::drop();
        unused.name("job_stages_name_inputs_hash_idx").table("job_stages");
        manager.drop_index(unused).await?;
        // No consumer ever used it: each is idempotent by what it does.
        drop_tables(manager, &["inbox"]).await
    }

    /// # Errors
    /// While unfinished jobs have no input or several: the version before can neither run nor end them.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        leave_what_the_version_before_reads(manager).await?;
        manager.create_table(inbox()).await?;
        manager.create_index(index("inbox", &["at"])).await?;
        manager.create_index(index("job_stages", &["name", "inputs_hash"])).await?;
        drop_tables(manager, &["stage_results", "outside_calls", "job_inputs"]).await?;
        let drop = |table: &'static str, column: &'static str| Table::alter().table(table).drop_column(column).take();
        manager.alter_table(drop("job_stages", "objects")).await?;
        for column in ["reuse", "waits_for", "signals"] {
            manager.alter_table(drop("jobs", column)).await?;
        }
        Ok(())
    }
}

/// The states in which a job is over.
const OVER: &str = "('completed', 'failed', 'cancelled', 'expired')";

async fn leave_what_the_version_before_reads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    // Jobs of versions before `job_inputs` have their one input in their own row.
    let stranded = format!(
        "SELECT COUNT(*) FROM jobs WHERE state NOT IN {OVER} AND ((SELECT COUNT(*) FROM job_inputs \
         WHERE job_inputs.job_id = jobs.id) > 1 OR (input_key IS NULL \
         AND NOT EXISTS (SELECT 1 FROM job_inputs WHERE job_inputs.job_id = jobs.id)))"
    );
    let counted = db.query_one_raw(Statement::from_string(db.get_database_backend(), stranded)).await?;
    let count: i64 = counted.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    if count > 0 {
        return Err(DbErr::Migration(format!(
            "{count} unfinished jobs have no input or several, which the version before this one cannot run; cancel \
             them or let them end, then take the migration back again"
        )));
    }
    // That version knows no job that waits outside: its stage is started again.
    db.execute_unprepared(
        "UPDATE jobs SET state = 'queued', version = version + 1, lease_owner = NULL, lease_until = NULL \
         WHERE state = 'parked'",
    )
    .await?;
    // It looks for the objects of finished stages where this version did not write them.
    let unreadable = format!(
        "DELETE FROM job_stages WHERE objects IS NOT NULL AND job_id IN (SELECT id FROM jobs WHERE state NOT IN {OVER})"
    );
    db.execute_unprepared(&unreadable).await?;
    Ok(())
}

fn job_columns() -> [ColumnDef; 3] {
    [
        // Signals from outside that have come in; a stage that parks knows how many it has seen.
        count("signals", 0),
        text_null("waits_for"),
        // Whether finished stages of earlier jobs may be reused.
        boolean("reuse").default(true).take(),
    ]
}

fn job_inputs() -> TableCreateStatement {
    Table::create()
        .table("job_inputs")
        .col(uuid("job_id"))
        .col(text("role"))
        // From 0, among the inputs of the same role.
        .col(integer("position"))
        .col(uuid_null("upload_id"))
        .col(text("object_key"))
        .col(text("sha256"))
        .col(big_integer("size_bytes"))
        .col(text_null("file_name"))
        .col(json_binary_null("verdict"))
        .primary_key(Index::create().col("job_id").col("role").col("position"))
        .foreign_key(&mut reference("job_inputs", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}

/// What was asked of somebody outside, written before it is asked: an answer that never came is looked for by it.
fn outside_calls() -> TableCreateStatement {
    Table::create()
        .table("outside_calls")
        .col(pk_uuid("id"))
        .col(uuid("job_id"))
        .col(text("stage"))
        // Which call of the stage, where it makes several.
        .col(text("purpose"))
        .col(text("provider"))
        // Which of the provider's keys, by name.
        .col(text("credential"))
        // Sent along, so that the other side can be asked for it.
        .col(text("correlation"))
        // The other side's id, once it is known.
        .col(text_null("outside_id"))
        .col(text("state"))
        // Millionths of the currency's unit.
        .col(big_integer_null("cost_micros"))
        .col(text_null("currency"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment_null("ended_at"))
        .foreign_key(&mut reference("outside_calls", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}

/// No reference to `jobs`: a result outlives the job that made it.
fn stage_results() -> TableCreateStatement {
    Table::create()
        .table("stage_results")
        .col(pk_uuid("id"))
        .col(text("owner"))
        .col(text("stage"))
        .col(text("inputs_hash"))
        .col(text_null("provider"))
        .col(json_binary("detail"))
        .col(json_binary("objects"))
        .col(moment("created_at"))
        .col(moment("expires_at"))
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
