//! Makes pieces to learn from out of the recordings, and tells of each recording what was made of it.

use ::training::NamedFile;
use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName,
    kinds::training::{self, RECORDING, TrainingRequest},
};
use providers::{ENGINE_VERSION, Stop, blocking};
use serde_json::json;

use super::{
    pack::{self, Packed},
    work,
};
use crate::{
    kinds::played::Playing,
    stage::{ReuseKey, Stage, StageOutcome, StageRun},
};

/// Of the progress, what is left for writing down.
const PACKED: f64 = 0.95;

pub struct Preparation;

#[async_trait]
impl Stage for Preparation {
    fn name(&self) -> StageName {
        training::PREPARATION
    }

    /// The recordings under their names.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let request: TrainingRequest = run.request()?;
        let named = |input: &persistence::Input| (input.file_name.clone(), input.sha256.clone());
        let recordings: Vec<_> = run.job.inputs.iter().map(named).collect();
        if recordings.iter().any(|(_, sha256)| sha256.is_empty()) {
            return Ok(None);
        }
        let words = run.tools.capabilities.content.version();
        let inputs = json!([ENGINE_VERSION, words, recordings, request.name, request.description]);
        Ok(Some(ReuseKey { inputs, provider: None }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: TrainingRequest = run.request()?;
        run.tools.capabilities.content.admit(&request.texts(), run.remaining).await?;
        let mut recordings = Vec::new();
        for input in run.job.inputs.iter().filter(|input| input.role == RECORDING) {
            let number = recordings.len() + 1;
            let name = input.file_name.clone().filter(|name| !name.is_empty());
            let file = run.fetch_input(input).await?;
            recordings.push(NamedFile { name: name.unwrap_or_else(|| format!("recording {number}")), file });
        }
        if recordings.is_empty() {
            let message = "the job has no recordings";
            return Err(Failure::new(FailureClass::Config, FailureCode::Internal, message).into());
        }
        let description = request.description.as_ref().map(|description| description.as_str().to_owned());
        let (playing, _wanted) = Playing::new(run.progress.clone());
        let packed = blocking(move || pack::packed(recordings, description, &playing)).await??;
        let Packed { archive, summary, report } = packed;
        run.report_progress(PACKED);
        run.put_file(work::DATASET, archive, "application/zip").await?;
        run.put_json(work::PREPARED, &report).await?;
        StageOutcome::done(None, json!(summary))
    }
}
