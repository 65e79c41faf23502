//! Deletes what a job left in the object store.

use blob_store::{KeyPrefix, ObjectKey};
use domain::JobId;
use persistence::Job;

use crate::{error::StorageError, service::StorageService};

impl StorageService {
    /// Deletes a finished job's uploads and working objects, and its results when `artifacts_too`. Safe to repeat. A job
    /// whose row is gone has no uploads any more that could be found; its prefix is cleaned all the same.
    pub async fn delete_job_objects(&self, id: JobId, artifacts_too: bool) -> Result<u64, StorageError> {
        let Some(job) = self.tools.database.jobs().get(id).await? else {
            let prefix = if artifacts_too { KeyPrefix::job(id) } else { KeyPrefix::job_work(id) };
            return Ok(self.tools.objects.delete_prefix(&prefix).await?);
        };
        if !job.state.is_final() {
            return Err(StorageError::JobNotOver { job: id, state: job.state });
        }
        if artifacts_too {
            return self.delete_everything_of(&job).await;
        }
        let deleted = self.tools.objects.delete_prefix(&KeyPrefix::job_work(id)).await?;
        Ok(deleted + self.delete_uploads_of(id).await?)
    }

    /// Deletes all objects of a finished job and remembers that they are gone. Objects go first: what a crash leaves is
    /// found again, because the row still says that files are there.
    pub(crate) async fn delete_everything_of(&self, job: &Job) -> Result<u64, StorageError> {
        let mut deleted = self.tools.objects.delete_prefix(&KeyPrefix::job(job.id)).await?;
        deleted += self.delete_uploads_of(job.id).await?;
        self.tools.database.artifacts().delete_of_job(job.id).await?;
        self.tools.database.jobs().mark_files_deleted(job.id, self.tools.clock.now()).await?;
        Ok(deleted)
    }

    /// Every upload that the job was made from. Their rows stay until the job's own goes.
    async fn delete_uploads_of(&self, job: JobId) -> Result<u64, StorageError> {
        let uploads = self.tools.database.uploads().of_job(job).await?;
        for upload in &uploads {
            self.tools.objects.delete(&ObjectKey::upload(upload.id)).await?;
        }
        Ok(uploads.len() as u64)
    }
}
