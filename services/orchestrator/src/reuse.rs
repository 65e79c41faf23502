//! Finished stages of earlier jobs, reused: equal inputs, equal stage, equal providers, same owner. Copies of the
//! stage's objects are kept apart from the job, because a job's working objects go when it ends.

use std::collections::BTreeMap;

use blob_store::{BlobError, KeyPrefix, ObjectKey};
use chrono::TimeDelta;
use domain::{StageName, StageResultId};
use persistence::{Checkpoint, Job, PersistenceError, StageResult, WorkObject};
use providers::ENGINE_VERSION;
use resilience::ids::random10;
use serde_json::Value;
use service_runtime::error_chain;
use sha2::{Digest, Sha256};

use crate::context::Context;

/// A reused result stays for as long as a job may need it at least.
const NEEDED: TimeDelta = TimeDelta::hours(6);
/// Longest time that copies may take; what was announced before that and is not complete was given up.
const COPYING: TimeDelta = TimeDelta::hours(6);

/// A digest over a stage's key of reuse and what this version makes of it: whoever the provider is, its answers are
/// checked, corrected, mixed and measured by sources of our own.
pub fn inputs_hash(job: &Job, stage: StageName, key: &Value) -> String {
    let mut hash = Sha256::new();
    for part in [ENGINE_VERSION, job.kind.as_str(), stage.as_str(), &key.to_string()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// What an earlier job of the same owner made of the same inputs.
pub async fn find(context: &Context, job: &Job, inputs_hash: &str) -> Result<Option<StageResult>, PersistenceError> {
    if !job.reuse || context.keep_results.is_none() {
        return Ok(None);
    }
    let now = context.tools.clock.now();
    context.tools.database.stage_results().find(&job.owner, inputs_hash, now, now + NEEDED).await
}

/// Keeps what a stage has made for later jobs. A failure costs a later job its time and is only logged. The row comes
/// first: whatever a crash, or a job that is stopped meanwhile, leaves of the copies is found by it and swept.
pub async fn keep(context: &Context, job: &Job, stage: StageName, inputs_hash: &str, checkpoint: &Checkpoint) {
    let Some(usual) = context.keep_results.filter(|_| job.reuse) else { return };
    let keep_for = context.kinds.get(&job.kind).map_or(usual, |kind| kind.spec.limits.keeping(usual));
    let now = context.tools.clock.now();
    let mut result = StageResult {
        id: StageResultId::new(now, random10()),
        owner: job.owner.clone(),
        stage: stage.to_string(),
        inputs_hash: inputs_hash.to_owned(),
        provider: checkpoint.provider.clone(),
        detail: checkpoint.output.clone().unwrap_or_default(),
        objects: BTreeMap::new(),
        created_at: now,
        expires_at: now + COPYING,
    };
    let results = context.tools.database.stage_results();
    match results.announce(&result).await {
        Ok(true) => {}
        // Another job was quicker.
        Ok(false) => return,
        Err(error) => {
            return tracing::warn!(error = error_chain(&error), %stage, "stage result not kept for later jobs");
        }
    }
    let kept = async {
        for (name, object) in checkpoint.objects.iter().flatten() {
            result.objects.insert(name.clone(), copy(context, result.id, name, object).await?);
        }
        result.expires_at = now + keep_for;
        results.complete(&result).await.map_err(KeepError::Rows)
    };
    match kept.await {
        Ok(true) => return,
        Ok(false) => {}
        Err(error) => tracing::warn!(error = error_chain(&error), %stage, "stage result not kept for later jobs"),
    }
    if let Err(error) = drop_copies(context, result.id).await {
        tracing::warn!(error = error_chain(&error), "copies of a stage result left to the sweep");
    }
}

/// The objects first: the row finds what is left of them.
async fn drop_copies(context: &Context, id: StageResultId) -> Result<(), KeepError> {
    context.tools.blobs.delete_prefix(&KeyPrefix::stage_result(id)).await?;
    context.tools.database.stage_results().forget(id).await.map_err(KeepError::Rows)
}

async fn copy(context: &Context, id: StageResultId, name: &str, object: &WorkObject) -> Result<WorkObject, KeepError> {
    let blobs = &context.tools.blobs;
    let from: ObjectKey = object.key.parse().map_err(BlobError::from)?;
    let to = ObjectKey::stage_result(id, name).map_err(BlobError::from)?;
    let source = blobs.get(&from, None).await?;
    let stored = blobs.put(&to, source.body, &source.media_type, object.size_bytes).await?;
    if stored.sha256 != object.sha256 {
        return Err(KeepError::Changed);
    }
    Ok(WorkObject { key: to.to_string(), sha256: stored.sha256, size_bytes: stored.size_bytes })
}

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("its objects cannot be copied")]
    Objects(#[from] BlobError),
    #[error("one of its objects is not what was written")]
    Changed,
    #[error("it cannot be written down")]
    Rows(#[source] PersistenceError),
}
