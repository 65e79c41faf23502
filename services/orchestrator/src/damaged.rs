//! Checkpoints whose objects are gone or are not what was written. Such a checkpoint would fail its job at every try, and
//! a kept stage result with such objects every new job of the same inputs, so both are taken back and the stage that made
//! them runs again.

use blob_store::{BlobError, ObjectKey};
use domain::{Failure, FailureClass, FailureCode};
use persistence::{PersistenceError, WorkObject};
use service_runtime::error_chain;

use crate::stage::StageRun;

impl StageRun<'_> {
    /// Looks at every object of the finished stages and takes back the first stage whose objects are gone or altered, and
    /// every finished one after it: what runs again may come out otherwise (another provider answers, another version), and
    /// later stages follow from it. The attempt that found it counts against this stage, which bounds how often that
    /// happens.
    ///
    /// Gives the failure to end this attempt with, or `None` when nothing is wrong with them.
    pub(crate) async fn reopen_damaged(&self) -> Option<Failure> {
        let mut found: Option<Failure> = None;
        for stage in self.job.spec.stages.iter().map(|stage| stage.name.as_str()) {
            let Some(finished) = self.done.get(stage) else { continue };
            let mut fault = found.clone();
            for (name, object) in finished.objects.iter().flatten() {
                let Some(wrong) = self.fault_of(object).await else { continue };
                let message = format!("{name} of the stage {stage} {wrong}; the stage runs again");
                fault = Some(Failure::new(FailureClass::Transient, FailureCode::Storage, message));
                if let Err(error) = self.withdraw_result_of(object).await {
                    tracing::warn!(
                        error = error_chain(&error),
                        key = object.key,
                        "damaged stage result not taken back"
                    );
                }
            }
            let Some(fault) = fault else { continue };
            tracing::warn!(%stage, fault = fault.message, "a checkpoint cannot be used any more");
            let stages = self.tools.database.stages();
            if let Err(error) = stages.reopen(self.job.id, self.job.generation, stage, &fault).await {
                tracing::warn!(error = error_chain(&error), %stage, "stage not taken back");
            }
            found = Some(fault);
        }
        found
    }

    /// What is wrong with an object; `None` also when the store does not answer, which says nothing about the object.
    async fn fault_of(&self, object: &WorkObject) -> Option<&'static str> {
        let Ok(key) = object.key.parse::<ObjectKey>() else { return Some("has a name that no object can have") };
        let body = match self.tools.blobs.get(&key, None).await {
            Ok(found) => found.body,
            Err(BlobError::NotFound { .. }) => return Some("is gone"),
            Err(_) => return None,
        };
        let found = blob_store::digest(body).await.ok()?;
        (found.sha256 != object.sha256).then_some("is not what was written")
    }

    async fn withdraw_result_of(&self, object: &WorkObject) -> Result<(), PersistenceError> {
        let id = object.key.parse::<ObjectKey>().ok().and_then(|key| key.stage_result_id());
        let Some(id) = id else { return Ok(()) };
        self.tools.database.stage_results().withdraw(id, self.tools.clock.now()).await
    }
}
