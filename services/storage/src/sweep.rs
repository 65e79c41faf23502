//! What has to go by itself: files of jobs whose time is over, uploads that never became a job, rows whose time is over
//! too, and what crashed writers left unfinished. Takes no input but the moment and reads the truth, so it may be
//! interrupted, repeated and run by several services at once.

use blob_store::{KeyPrefix, ObjectKey};
use chrono::TimeDelta;
use domain::StageResultId;
use persistence::{Job, Upload};
use telemetry::error_chain;

use crate::{error::StorageError, service::StorageService};

/// Rows of one kind that one pass takes; the next pass goes on.
const BATCH: u64 = 100;
/// Passes of one sweep, so that a mountain of work does not keep a service from stopping.
const MAX_PASSES: usize = 50;
/// An upload or a temporary file that began this long ago has no living writer.
const UNFINISHED_AGE: TimeDelta = TimeDelta::hours(24);

/// Clocks differ: a result that has just expired here may not have for an orchestrator that is about to take it.
const STAGE_RESULT_GRACE: TimeDelta = TimeDelta::minutes(10);

/// What one sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Jobs whose files were deleted.
    pub expired_jobs: u64,
    /// Objects of those jobs.
    pub objects: u64,
    /// Uploads that never became a job.
    pub orphaned_uploads: u64,
    /// Rows of jobs whose files went long ago.
    pub tombstones: u64,
    /// Stage results whose time is over.
    pub stage_results: u64,
    /// Imports and removals of songs that had died halfway.
    pub songs: u64,
    /// Incomplete writes that were cleaned up.
    pub unfinished: u64,
    /// Things that could not be deleted now; the next sweep tries again.
    pub failures: u64,
}

impl StorageService {
    /// Deletes everything that is due at the clock's moment. What fails is logged, counted and left to the next sweep.
    pub async fn sweep(&self) -> Swept {
        let mut swept = Swept::default();
        self.sweep_expired(&mut swept).await;
        self.sweep_orphans(&mut swept).await;
        self.sweep_stage_results(&mut swept).await;
        self.sweep_rows(&mut swept).await;
        self.sweep_songs(&mut swept).await;
        let before = self.tools.clock.now() - UNFINISHED_AGE;
        match self.tools.objects.delete_unfinished(before).await {
            Ok(count) => swept.unfinished = count,
            Err(error) => swept.failed("unfinished writes not cleaned up", &error.into()),
        }
        for (what, count) in [
            ("objects", swept.objects),
            ("uploads", swept.orphaned_uploads),
            ("stage_results", swept.stage_results),
            ("jobs", swept.tombstones),
            ("songs", swept.songs),
        ] {
            self.tools.metrics.retention_deleted(what, count);
        }
        if swept != Swept::default() {
            let Swept {
                expired_jobs,
                objects,
                orphaned_uploads,
                stage_results,
                tombstones,
                songs,
                unfinished,
                failures,
            } = swept;
            tracing::info!(
                expired_jobs,
                objects,
                orphaned_uploads,
                stage_results,
                tombstones,
                songs,
                unfinished,
                failures,
                "retention sweep done"
            );
        }
        swept
    }

    async fn sweep_expired(&self, swept: &mut Swept) {
        for _ in 0..MAX_PASSES {
            let due = match self.tools.database.jobs().files_due(self.tools.clock.now(), BATCH).await {
                Ok(due) => due,
                Err(error) => return swept.failed("expired jobs not listed", &error.into()),
            };
            let found = due.len() as u64;
            let failures = swept.failures;
            for job in due {
                self.expire(&job, swept).await;
            }
            // A row that failed is found again by the next pass: leave it to the next sweep.
            if found < BATCH || swept.failures > failures {
                return;
            }
        }
    }

    async fn expire(&self, job: &Job, swept: &mut Swept) {
        match self.delete_everything_of(job).await {
            Ok(objects) => {
                swept.expired_jobs += 1;
                swept.objects += objects;
            }
            Err(error) => swept.failed("files of an expired job not deleted", &error),
        }
    }

    async fn sweep_orphans(&self, swept: &mut Swept) {
        for _ in 0..MAX_PASSES {
            let before = self.tools.clock.now() - self.settings.retention.orphaned_upload;
            let condemned = self.tools.database.uploads().condemn_orphans(before, BATCH, self.tools.clock.now()).await;
            let orphans = match condemned {
                Ok(orphans) => orphans,
                Err(error) => return swept.failed("orphaned uploads not listed", &error.into()),
            };
            let found = orphans.len() as u64;
            let failures = swept.failures;
            for upload in orphans {
                match self.delete_orphan(&upload).await {
                    Ok(()) => swept.orphaned_uploads += 1,
                    Err(error) => swept.failed("orphaned upload not deleted", &error),
                }
            }
            if found < BATCH || swept.failures > failures {
                return;
            }
        }
    }

    /// The object first: what a crash leaves is found again by its row.
    async fn delete_orphan(&self, upload: &Upload) -> Result<(), StorageError> {
        self.tools.objects.delete(&ObjectKey::upload(upload.id)).await?;
        self.tools.database.uploads().delete(upload.id).await?;
        Ok(())
    }

    /// The objects first: what a crash leaves is found again by its row, which no job takes any more.
    async fn sweep_stage_results(&self, swept: &mut Swept) {
        let results = self.tools.database.stage_results();
        for _ in 0..MAX_PASSES {
            let before = self.tools.clock.now() - STAGE_RESULT_GRACE;
            let expired = match results.expired(before, BATCH).await {
                Ok(expired) => expired,
                Err(error) => return swept.failed("expired stage results not listed", &error.into()),
            };
            let found = expired.len() as u64;
            let failures = swept.failures;
            for id in expired {
                match self.delete_stage_result(id).await {
                    Ok(()) => swept.stage_results += 1,
                    Err(error) => swept.failed("stage result not deleted", &error),
                }
            }
            if found < BATCH || swept.failures > failures {
                return;
            }
        }
    }

    async fn delete_stage_result(&self, id: StageResultId) -> Result<(), StorageError> {
        self.tools.objects.delete_prefix(&KeyPrefix::stage_result(id)).await?;
        self.tools.database.stage_results().forget(id).await?;
        Ok(())
    }

    async fn sweep_songs(&self, swept: &mut Swept) {
        for _ in 0..MAX_PASSES {
            let (found, failures) = match self.catalogue().end_abandoned(BATCH).await {
                Ok(ended) => ended,
                Err(error) => return swept.failed("abandoned songs not listed", &error),
            };
            swept.songs += found - failures.len() as u64;
            for error in &failures {
                swept.failed("abandoned song not deleted", error);
            }
            if found < BATCH || !failures.is_empty() {
                return;
            }
        }
    }

    async fn sweep_rows(&self, swept: &mut Swept) {
        for _ in 0..MAX_PASSES {
            let before = self.tools.clock.now() - self.settings.retention.tombstone;
            match self.tools.database.jobs().delete_tombstones(before, BATCH).await {
                Ok(count) => {
                    swept.tombstones += count;
                    if count < BATCH {
                        return;
                    }
                }
                Err(error) => return swept.failed("old rows not deleted", &error.into()),
            }
        }
    }
}

impl Swept {
    fn failed(&mut self, what: &'static str, error: &StorageError) {
        self.failures += 1;
        tracing::warn!(code = error.code(), error = error_chain(error), "{what}");
    }
}
