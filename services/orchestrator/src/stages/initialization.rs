//! Reads the request once, so that a job that cannot be understood, or must not be sung, fails before any work is paid
//! for.

use async_trait::async_trait;
use domain::{Failure, StageName, kind::melody_to_vocals, request::MelodyToVocalsRequest};
use serde_json::json;

use crate::stage::{Stage, StageOutput, StageRun};

pub struct Initialization;

#[async_trait]
impl Stage for Initialization {
    fn name(&self) -> StageName {
        melody_to_vocals::INITIALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        song::admit(&run.tools.capabilities, run.remaining, &request).await?;
        Ok(StageOutput { detail: json!({ "seed": request.seed }), ..StageOutput::default() })
    }
}
