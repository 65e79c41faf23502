//! Uploads. A row is written before the first byte arrives, so that an object without a job is always findable.

use chrono::{DateTime, Utc};
use domain::{JobId, UploadId, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use crate::{
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, upload::Column},
    time::micros,
};

/// One row of `uploads`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    pub id: UploadId,
    pub owner: UserId,
    pub object_key: String,
    /// Present once the upload is complete.
    pub size_bytes: Option<u64>,
    pub sha256: Option<String>,
    pub created_at: DateTime<Utc>,
    pub job_id: Option<JobId>,
}

/// The table of uploads.
#[derive(Clone, Copy)]
pub struct Uploads<'a> {
    pub(crate) db: &'a Database,
}

impl Uploads<'_> {
    pub async fn create(
        &self,
        id: UploadId,
        owner: &UserId,
        object_key: &str,
        now: DateTime<Utc>,
    ) -> Result<(), PersistenceError> {
        let row = rows::upload::ActiveModel {
            id: Set(id.uuid()),
            owner: Set(owner.as_str().to_owned()),
            object_key: Set(object_key.to_owned()),
            created_at: Set(micros(now)),
            ..Default::default()
        };
        rows::upload::Entity::insert(row).exec_without_returning(self.db.writer()).await.during("write an upload")?;
        Ok(())
    }

    /// Remembers what has arrived. False when the upload is not there any more.
    pub async fn complete(&self, id: UploadId, size_bytes: u64, sha256: &str) -> Result<bool, PersistenceError> {
        let done = rows::upload::Entity::update_many()
            .col_expr(Column::SizeBytes, Expr::val(size_bytes.cast_signed()))
            .col_expr(Column::Sha256, Expr::val(sha256))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.db.writer())
            .await
            .during("complete an upload")?;
        Ok(done.rows_affected == 1)
    }

    pub async fn get(&self, id: UploadId) -> Result<Option<Upload>, PersistenceError> {
        const DOING: &str = "read an upload";
        let row = rows::upload::Entity::find_by_id(id.uuid()).one(self.db.reader()).await.during(DOING)?;
        row.map(read).transpose().during(DOING)
    }

    pub async fn of_job(&self, job: JobId) -> Result<Vec<Upload>, PersistenceError> {
        const DOING: &str = "read a job's uploads";
        let query = rows::upload::Entity::find().filter(Column::JobId.eq(job.uuid())).order_by_asc(Column::Id);
        let rows = query.all(self.db.reader()).await.during(DOING)?;
        rows.into_iter().map(read).collect::<Result<_, _>>().during(DOING)
    }

    /// Forgets an upload; its object must be gone already. Nothing happens when it is not there.
    pub async fn delete(&self, id: UploadId) -> Result<(), PersistenceError> {
        rows::upload::Entity::delete_by_id(id.uuid()).exec(self.db.writer()).await.during("delete an upload")?;
        Ok(())
    }

    /// Uploads from before `before` that belong to no job, oldest first. From now on no job can take them: delete
    /// their objects, then the rows. Those of a sweep that died come again.
    pub async fn condemn_orphans(
        &self,
        before: DateTime<Utc>,
        limit: u64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Upload>, PersistenceError> {
        const DOING: &str = "look for orphaned uploads";
        let orphans = rows::upload::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::JobId.is_null())
            .filter(Column::CreatedAt.lt(micros(before)))
            .order_by_asc(Column::CreatedAt)
            .limit(limit)
            .into_tuple::<uuid::Uuid>()
            .all(self.db.reader())
            .await
            .during(DOING)?;
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        let rows = rows::upload::Entity::update_many()
            .col_expr(Column::CondemnedAt, Expr::val(micros(now)))
            .filter(Column::Id.is_in(orphans))
            // A submission may have been quicker.
            .filter(Column::JobId.is_null())
            .exec_with_returning(self.db.writer())
            .await
            .during(DOING)?;
        let mut condemned: Vec<Upload> = rows.into_iter().map(read).collect::<Result<_, _>>().during(DOING)?;
        condemned.sort_by_key(|upload| (upload.created_at, upload.id));
        Ok(condemned)
    }
}

fn read(row: rows::upload::Model) -> Result<Upload, Undecodable> {
    let rows::upload::Model { id, owner, object_key, size_bytes, sha256, created_at, job_id, condemned_at: _ } = row;
    Ok(Upload {
        id: UploadId::from_uuid(id),
        owner: UserId::new(owner).map_err(|why| Undecodable::new("uploads.owner", why))?,
        object_key,
        size_bytes: size_bytes.map(i64::cast_unsigned),
        sha256,
        created_at,
        job_id: job_id.map(JobId::from_uuid),
    })
}
