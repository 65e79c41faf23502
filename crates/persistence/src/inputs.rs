//! What jobs are made from: any number of stored objects, each with the part that it plays.

use std::collections::BTreeMap;

use domain::{JobId, UploadId};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::{
    Jobs,
    error::{During, PersistenceError},
    rows::{self, input::Column},
};

/// One object that a new job is made from.
#[derive(Clone, PartialEq, Debug)]
pub struct NewInput {
    /// A role of the job's kind.
    pub role: String,
    pub upload_id: Option<UploadId>,
    pub object_key: String,
    pub sha256: String,
    pub size_bytes: u64,
    /// As the client named it; not to be believed.
    pub file_name: Option<String>,
    /// What the validator said of it.
    pub verdict: Option<Value>,
}

/// One row of `job_inputs`.
#[derive(Clone, PartialEq, Debug)]
pub struct Input {
    pub role: String,
    /// From 0, among the inputs of the same role.
    pub position: u32,
    pub upload_id: Option<UploadId>,
    pub object_key: String,
    /// Empty when a version before this one did not say.
    pub sha256: String,
    /// `None` when a version before this one did not say.
    pub size_bytes: Option<u64>,
    pub file_name: Option<String>,
    pub verdict: Option<Value>,
}

/// The role of the only input that versions before `job_inputs` knew.
const ROLE_BEFORE: &str = "audio";

impl Jobs<'_> {
    /// What a job is made from, by role and position.
    pub async fn inputs(&self, job: JobId) -> Result<Vec<Input>, PersistenceError> {
        const DOING: &str = "read a job's inputs";
        let query = rows::input::Entity::find().filter(Column::JobId.eq(job.uuid()));
        let query = query.order_by_asc(Column::Role).order_by_asc(Column::Position);
        let inputs: Vec<Input> = query.all(self.db.reader()).await.during(DOING)?.into_iter().map(read).collect();
        if !inputs.is_empty() {
            return Ok(inputs);
        }
        let row = rows::job::Entity::find_by_id(job.uuid()).one(self.db.reader()).await.during(DOING)?;
        Ok(row.and_then(input_before).into_iter().collect())
    }
}

/// The input of a job that a version before `job_inputs` accepted.
fn input_before(row: rows::job::Model) -> Option<Input> {
    let size_bytes = |verdict: &Value| verdict.pointer("/facts/size_bytes").and_then(Value::as_u64);
    Some(Input {
        role: ROLE_BEFORE.to_owned(),
        position: 0,
        upload_id: row.upload_id.map(UploadId::from_uuid),
        object_key: row.input_key?,
        sha256: row.input_sha256.unwrap_or_default(),
        size_bytes: row.verdict.as_ref().and_then(size_bytes),
        file_name: None,
        verdict: row.verdict,
    })
}

pub async fn insert(
    tx: &DatabaseTransaction,
    job: JobId,
    inputs: &[NewInput],
    operation: &'static str,
) -> Result<(), PersistenceError> {
    if inputs.is_empty() {
        return Ok(());
    }
    let mut next: BTreeMap<&str, i32> = BTreeMap::new();
    let rows: Vec<_> = inputs
        .iter()
        .map(|input| {
            let NewInput { role, upload_id, object_key, sha256, size_bytes, file_name, verdict } = input;
            let position = next.entry(role).or_default();
            *position += 1;
            rows::input::ActiveModel {
                job_id: Set(job.uuid()),
                role: Set(role.clone()),
                position: Set(*position - 1),
                upload_id: Set(upload_id.map(UploadId::uuid)),
                object_key: Set(object_key.clone()),
                sha256: Set(sha256.clone()),
                size_bytes: Set(size_bytes.cast_signed()),
                file_name: Set(file_name.clone()),
                verdict: Set(verdict.clone()),
            }
        })
        .collect();
    rows::input::Entity::insert_many(rows).exec_without_returning(tx).await.during(operation)?;
    Ok(())
}

fn read(row: rows::input::Model) -> Input {
    let rows::input::Model { job_id: _, role, position, upload_id, object_key, sha256, size_bytes, file_name, verdict } =
        row;
    Input {
        role,
        position: position.cast_unsigned(),
        upload_id: upload_id.map(UploadId::from_uuid),
        object_key,
        sha256,
        size_bytes: Some(size_bytes.cast_unsigned()),
        file_name,
        verdict,
    }
}
