//! Makes sure that what will be worked on is what the validator accepted: the verdict is there, and the object is still
//! the one that it was about.

use async_trait::async_trait;
use blob_store::BlobError;
use domain::{Failure, FailureClass, FailureCode, StageName, kind::melody_to_vocals};
use serde_json::json;

use crate::stage::{Stage, StageOutput, StageRun, of_blob};

pub struct Validation;

#[async_trait]
impl Stage for Validation {
    fn name(&self) -> StageName {
        melody_to_vocals::VALIDATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let refused = |message: &str| Failure::new(FailureClass::Caller, FailureCode::InvalidAudio, message);
        let verdict = run.job.verdict.as_ref().filter(|verdict| verdict.accepted());
        let facts = verdict
            .and_then(|verdict| verdict.facts.as_ref())
            .ok_or_else(|| refused("the recording was never accepted; send it again"))?;
        let head = match run.tools.blobs.head(&run.job.input.key).await {
            Ok(head) => head,
            Err(BlobError::NotFound { .. }) => {
                return Err(Failure::new(
                    FailureClass::Config,
                    FailureCode::Storage,
                    "the recording is no longer in the object store; send it again",
                ));
            }
            Err(error) => return Err(of_blob(&error)),
        };
        if head.size_bytes != run.job.input.size_bytes {
            return Err(refused("the recording changed after it was accepted; send it again"));
        }
        Ok(StageOutput {
            detail: json!({
                "format": facts.format,
                "durationSeconds": facts.duration_seconds,
                "sampleRateHz": facts.sample_rate_hz,
                "channels": facts.channels,
            }),
            ..StageOutput::default()
        })
    }
}
