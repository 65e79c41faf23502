//! Reads the request once, so that a job that cannot be understood, or must not be sung, fails before any work is paid
//! for.

use async_trait::async_trait;
use domain::{StageName, kinds::melody_vocals, kinds::melody_vocals::MelodyToVocalsRequest};
use providers::Stop;
use serde_json::json;

use crate::stage::{Stage, StageOutcome, StageRun};

pub struct Initialization;

#[async_trait]
impl Stage for Initialization {
    fn name(&self) -> StageName {
        melody_vocals::INITIALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: MelodyToVocalsRequest = run.request()?;
        song::admit(&run.tools.capabilities, run.remaining, &request).await?;
        StageOutcome::done(None, json!({ "seed": request.seed }))
    }
}
