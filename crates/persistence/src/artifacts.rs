//! The files of finished jobs: where they lie and what they are.

use chrono::{DateTime, Utc};
use domain::{ArtifactId, ArtifactRole, JobId};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, sea_query::OnConflict};

use crate::{
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, artifact::Column},
    time::micros,
};

/// One row of `artifacts`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Artifact {
    pub id: ArtifactId,
    pub job_id: JobId,
    pub role: ArtifactRole,
    pub object_key: String,
    pub size_bytes: u64,
    pub sha256: String,
    pub media_type: String,
    pub file_name: String,
    pub created_at: DateTime<Utc>,
}

/// The table of artifacts.
#[derive(Clone, Copy)]
pub struct Artifacts<'a> {
    pub(crate) db: &'a Database,
}

impl Artifacts<'_> {
    /// Writes artifacts, in place of earlier ones of the same job and role, whose ids they then keep. Gives back what
    /// is stored now, by role.
    pub async fn upsert(&self, artifacts: &[Artifact]) -> Result<Vec<Artifact>, PersistenceError> {
        const DOING: &str = "write artifacts";
        if artifacts.is_empty() {
            return Ok(Vec::new());
        }
        let known = OnConflict::columns([Column::JobId, Column::Role])
            .update_columns([
                Column::ObjectKey,
                Column::SizeBytes,
                Column::Sha256,
                Column::MediaType,
                Column::FileName,
                Column::CreatedAt,
            ])
            .to_owned();
        let rows = rows::artifact::Entity::insert_many(artifacts.iter().map(active))
            .on_conflict(known)
            .exec_with_returning(self.db.writer())
            .await
            .during(DOING)?;
        by_role(rows).during(DOING)
    }

    /// The artifacts of a job, by role.
    pub async fn of_job(&self, job: JobId) -> Result<Vec<Artifact>, PersistenceError> {
        of_job(self.db.reader(), job).await
    }

    /// Forgets the artifacts of a job; their objects must be gone already. Says how many there were.
    pub async fn delete_of_job(&self, job: JobId) -> Result<u64, PersistenceError> {
        let gone = rows::artifact::Entity::delete_many()
            .filter(Column::JobId.eq(job.uuid()))
            .exec(self.db.writer())
            .await
            .during("delete a job's artifacts")?;
        Ok(gone.rows_affected)
    }
}

pub async fn of_job(db: &DatabaseConnection, job: JobId) -> Result<Vec<Artifact>, PersistenceError> {
    const DOING: &str = "read a job's artifacts";
    let query = rows::artifact::Entity::find().filter(Column::JobId.eq(job.uuid()));
    by_role(query.all(db).await.during(DOING)?).during(DOING)
}

fn by_role(rows: Vec<rows::artifact::Model>) -> Result<Vec<Artifact>, Undecodable> {
    let mut artifacts: Vec<Artifact> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    artifacts.sort_by(|a, b| a.role.cmp(&b.role));
    Ok(artifacts)
}

fn active(artifact: &Artifact) -> rows::artifact::ActiveModel {
    let Artifact { id, job_id, role, object_key, size_bytes, sha256, media_type, file_name, created_at } = artifact;
    rows::artifact::ActiveModel {
        id: Set(id.uuid()),
        job_id: Set(job_id.uuid()),
        role: Set(role.as_str().to_owned()),
        object_key: Set(object_key.clone()),
        size_bytes: Set(size_bytes.cast_signed()),
        sha256: Set(sha256.clone()),
        media_type: Set(media_type.clone()),
        file_name: Set(file_name.clone()),
        created_at: Set(micros(*created_at)),
    }
}

fn read(row: rows::artifact::Model) -> Result<Artifact, Undecodable> {
    let rows::artifact::Model { id, job_id, role, object_key, size_bytes, sha256, media_type, file_name, created_at } =
        row;
    Ok(Artifact {
        id: ArtifactId::from_uuid(id),
        job_id: JobId::from_uuid(job_id),
        role: ArtifactRole::parse(&role).map_err(|why| Undecodable::new("artifacts.role", why))?,
        object_key,
        size_bytes: size_bytes.cast_unsigned(),
        sha256,
        media_type,
        file_name,
        created_at,
    })
}
