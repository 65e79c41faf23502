//! Makes sure that what will be worked on is what the validator accepted: the verdict is there, and the object is still
//! the one that it was about.

use async_trait::async_trait;
use blob_store::{BlobError, ObjectKey};
use domain::{Failure, FailureClass, FailureCode, StageName, audio::Verdict, kinds::melody_vocals};
use providers::Stop;
use serde_json::json;

use crate::{
    stage::{Stage, StageOutcome, StageRun},
    work_objects::of_blob,
};

pub struct Validation;

#[async_trait]
impl Stage for Validation {
    fn name(&self) -> StageName {
        melody_vocals::VALIDATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let refused = |message: &str| Failure::new(FailureClass::Caller, FailureCode::InvalidAudio, message);
        let input = run.job.input(melody_vocals::AUDIO)?;
        let verdict: Option<Verdict> =
            input.verdict.clone().and_then(|verdict| serde_json::from_value(verdict).ok()).filter(Verdict::accepted);
        let facts = verdict
            .and_then(|verdict| verdict.facts)
            .ok_or_else(|| refused("the recording was never accepted; send it again"))?;
        let key: ObjectKey =
            input.object_key.parse().map_err(|error: blob_store::InvalidKey| of_blob(&error.into()))?;
        let head = match run.tools.blobs.head(&key).await {
            Ok(head) => head,
            Err(BlobError::NotFound { .. }) => {
                return Err(Failure::new(
                    FailureClass::Config,
                    FailureCode::Storage,
                    "the recording is no longer in the object store; send it again",
                )
                .into());
            }
            Err(error) => return Err(of_blob(&error).into()),
        };
        if head.size_bytes != facts.size_bytes {
            return Err(refused("the recording changed after it was accepted; send it again").into());
        }
        let detail = json!({
            "format": facts.format,
            "durationSeconds": facts.duration_seconds,
            "sampleRateHz": facts.sample_rate_hz,
            "channels": facts.channels,
        });
        StageOutcome::done(None, detail)
    }
}
