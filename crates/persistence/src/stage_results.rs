//! What finished stages made, kept beyond their jobs: a later job of the same owner with equal inputs reuses it. Never
//! shared between owners: the inputs are theirs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{StageResultId, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr, sea_query::Expr,
};
use serde_json::Value;

use crate::{
    WorkObject,
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, stage_result::Column},
    stages::{decode_objects, encode_objects},
    time::micros,
};

/// One row of `stage_results`.
#[derive(Clone, PartialEq, Debug)]
pub struct StageResult {
    pub id: StageResultId,
    pub owner: UserId,
    pub stage: String,
    /// Over everything that the output follows from, the provider's version included.
    pub inputs_hash: String,
    pub provider: Option<String>,
    pub detail: Value,
    /// Copies of the stage's objects, by name.
    pub objects: BTreeMap<String, WorkObject>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The table of stage results.
#[derive(Clone, Copy)]
pub struct StageResults<'a> {
    pub(crate) db: &'a Database,
}

impl StageResults<'_> {
    /// What was made of these inputs for `owner`. It stays until `until` at least, so that a job can count on it.
    pub async fn find(
        &self,
        owner: &UserId,
        inputs_hash: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<StageResult>, PersistenceError> {
        const DOING: &str = "look for a stage's result";
        let query = rows::stage_result::Entity::find()
            .filter(Column::Owner.eq(owner.as_str()))
            .filter(Column::InputsHash.eq(inputs_hash))
            .filter(Column::ExpiresAt.gt(micros(now)));
        let Some(row) = query.one(self.db.reader()).await.during(DOING)? else { return Ok(None) };
        if row.expires_at < until {
            let kept = rows::stage_result::Entity::update_many()
                .col_expr(Column::ExpiresAt, Expr::val(micros(until)))
                .filter(Column::Id.eq(row.id))
                .exec(self.db.writer())
                .await
                .during(DOING)?;
            if kept.rows_affected == 0 {
                // The sweep was quicker.
                return Ok(None);
            }
        }
        read(row).map(Some).during(DOING)
    }

    /// Announces a result before its objects are copied: nobody finds it until it is [`Self::complete`]d, and when that
    /// never happens it goes, with what was copied, once its `expires_at` is over. False when there is one of these
    /// inputs already.
    pub async fn announce(&self, result: &StageResult) -> Result<bool, PersistenceError> {
        const DOING: &str = "announce a stage's result";
        let StageResult { id, owner, stage, inputs_hash, provider, detail, objects: _, created_at, expires_at } =
            result;
        if self.is_kept(owner, inputs_hash).await.during(DOING)? {
            return Ok(false);
        }
        let row = rows::stage_result::ActiveModel {
            id: Set(id.uuid()),
            owner: Set(owner.as_str().to_owned()),
            stage: Set(stage.clone()),
            inputs_hash: Set(unfindable(*id)),
            provider: Set(provider.clone()),
            detail: Set(detail.clone()),
            objects: Set(encode_objects(&BTreeMap::new())),
            created_at: Set(micros(*created_at)),
            expires_at: Set(micros(*expires_at)),
        };
        rows::stage_result::Entity::insert(row).exec_without_returning(self.db.writer()).await.during(DOING)?;
        Ok(true)
    }

    /// Makes an announced result one that later jobs find. False when there is one of these inputs already (the first
    /// stays), or the announcement is gone: then the copies must go too.
    pub async fn complete(&self, result: &StageResult) -> Result<bool, PersistenceError> {
        const DOING: &str = "keep a stage's result";
        let StageResult { id, owner, inputs_hash, objects, expires_at, .. } = result;
        if self.is_kept(owner, inputs_hash).await.during(DOING)? {
            return Ok(false);
        }
        let completed = rows::stage_result::Entity::update_many()
            .col_expr(Column::InputsHash, Expr::val(inputs_hash.as_str()))
            .col_expr(Column::Objects, Expr::val(encode_objects(objects)))
            .col_expr(Column::ExpiresAt, Expr::val(micros(*expires_at)))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::InputsHash.eq(unfindable(*id)))
            .exec(self.db.writer())
            .await;
        match completed {
            Ok(completed) => Ok(completed.rows_affected == 1),
            // Somebody was quicker since the look.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
            Err(error) => Err(error).during(DOING),
        }
    }

    async fn is_kept(&self, owner: &UserId, inputs_hash: &str) -> Result<bool, DbErr> {
        let known = rows::stage_result::Entity::find()
            .filter(Column::Owner.eq(owner.as_str()))
            .filter(Column::InputsHash.eq(inputs_hash))
            .one(self.db.writer())
            .await?;
        Ok(known.is_some())
    }

    /// Takes a result back whose objects are gone or damaged: no job finds it any more, another of the same inputs may be
    /// kept at once, and the row goes with its objects as if its time were over.
    pub async fn withdraw(&self, id: StageResultId, now: DateTime<Utc>) -> Result<(), PersistenceError> {
        rows::stage_result::Entity::update_many()
            .col_expr(Column::InputsHash, Expr::val(unfindable(id)))
            .col_expr(Column::ExpiresAt, Expr::val(micros(now)))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.db.writer())
            .await
            .during("take a stage's result back")?;
        Ok(())
    }

    /// Results whose time is over, longest first.
    pub async fn expired(&self, now: DateTime<Utc>, limit: u64) -> Result<Vec<StageResultId>, PersistenceError> {
        let ids = rows::stage_result::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ExpiresAt.lte(micros(now)))
            .order_by_asc(Column::ExpiresAt)
            .limit(limit)
            .into_tuple::<uuid::Uuid>()
            .all(self.db.reader())
            .await
            .during("look for expired stage results")?;
        Ok(ids.into_iter().map(StageResultId::from_uuid).collect())
    }

    /// Forgets a result; its objects must be gone already.
    pub async fn forget(&self, id: StageResultId) -> Result<(), PersistenceError> {
        rows::stage_result::Entity::delete_by_id(id.uuid())
            .exec(self.db.writer())
            .await
            .during("forget a stage's result")?;
        Ok(())
    }
}

/// Stands in the place of the hash of a result that nobody may find. Hashes are hexadecimal, so none is equal to it.
fn unfindable(id: StageResultId) -> String {
    format!("unfindable:{id}")
}

fn read(row: rows::stage_result::Model) -> Result<StageResult, Undecodable> {
    let rows::stage_result::Model { id, owner, stage, inputs_hash, provider, detail, objects, created_at, expires_at } =
        row;
    Ok(StageResult {
        id: StageResultId::from_uuid(id),
        owner: UserId::new(owner).map_err(|why| Undecodable::new("stage_results.owner", why))?,
        stage,
        inputs_hash,
        provider,
        detail,
        objects: decode_objects(objects)?,
        created_at,
        expires_at,
    })
}
