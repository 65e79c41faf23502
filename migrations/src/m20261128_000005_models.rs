//! The registry of models, which version of one each job got, and what trainings have delivered.

use sea_orm_migration::{prelude::*, schema::*};

use crate::schema::{count, drop_tables, index, moment, reference, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(models()).await?;
        manager.create_index(unique_index("models", &["name"])).await?;
        manager.create_table(model_trainings()).await?;
        manager.create_table(model_choices()).await?;
        // Which jobs got a model.
        manager.create_index(index("model_choices", &["name", "chosen_at"])).await?;
        manager.create_table(registry_keys()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["registry_keys", "model_choices", "model_trainings", "models"]).await
    }
}

fn models() -> TableCreateStatement {
    Table::create()
        .table("models")
        .col(pk_uuid("id"))
        .col(text("name"))
        .col(text("kind"))
        .col(text("provider"))
        .col(text_null("path"))
        .col(text_null("version"))
        .col(text_null("previous_version"))
        .col(text("status"))
        // The version on trial and its share of jobs.
        .col(json_binary_null("canary"))
        // Null for everybody's. No reference: who trains a model has a row, whom an import names may not have one yet.
        .col(text_null("owner"))
        .col(text_null("licence"))
        .col(text_null("description"))
        .col(json_binary_null("input_schema"))
        .col(json_binary_null("quality"))
        // No reference: a model outlives the job that trained it.
        .col(uuid_null("trained_from"))
        // What an imported entry said besides.
        .col(json_binary("extra"))
        // Compare-and-swap: every change of the row adds one.
        .col(count("revision", 1))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .take()
}

/// What each training has delivered, so that one that is told of twice is one.
fn model_trainings() -> TableCreateStatement {
    Table::create()
        .table("model_trainings")
        .col(pk_uuid("job_id"))
        .col(uuid("model_id"))
        .col(text("version"))
        .col(moment("registered_at"))
        .foreign_key(&mut reference("model_trainings", "model_id", "models", ForeignKeyAction::Cascade))
        .take()
}

/// Chosen once for a job, however often its stage runs.
fn model_choices() -> TableCreateStatement {
    Table::create()
        .table("model_choices")
        .col(pk_uuid("job_id"))
        .col(text("name"))
        .col(text("provider"))
        .col(text("version"))
        .col(moment("chosen_at"))
        .foreign_key(&mut reference("model_choices", "job_id", "jobs", ForeignKeyAction::Cascade))
        .take()
}

/// What imported documents hold beside models, by key.
fn registry_keys() -> TableCreateStatement {
    Table::create().table("registry_keys").col(text("key").primary_key()).col(json_binary("value")).take()
}
