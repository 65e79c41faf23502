//! Writes the report and hands it to storage, with what the new model made.

use async_trait::async_trait;
use contracts::IngestPlan;
use domain::{
    ArtifactRole, StageName,
    kinds::training::{self, TrainingRequest},
};
use providers::Stop;
use serde_json::{Value, json};

use super::{
    pack::Preparing,
    report::TrainingReport,
    trial::TrialOutcome,
    work::{self, Trained},
};
use crate::stage::{Stage, StageOutcome, StageRun};

pub struct Finalization;

#[async_trait]
impl Stage for Finalization {
    fn name(&self) -> StageName {
        training::FINALIZATION
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: TrainingRequest = run.request()?;
        let trained: Trained = work::detail(run, training::TRAINING)?;
        let trial: TrialOutcome = run.get_json(work::TRIAL).await?;
        let has_sample = trial.passed;
        let report = TrainingReport::of(run, &request, &trained, trial).await?;
        run.put_json(work::REPORT, &report).await?;
        let mut files = vec![run.result_file(&ArtifactRole::REPORT, work::REPORT).await?];
        if has_sample {
            files.push(run.result_file(&training::SAMPLE, work::SAMPLE).await?);
        }
        run.ingest(IngestPlan { title: request.name.to_string(), files, ..IngestPlan::default() }).await?;
        let prepared: Preparing = work::detail(run, training::PREPARATION)?;
        StageOutcome::done(None, result(&report, &prepared))
    }
}

/// The job's result as its row keeps it; the gateway shows it.
fn result(report: &TrainingReport<'_>, prepared: &Preparing) -> Value {
    json!({
        "title": report.model.name,
        "model": report.model,
        "recordings": prepared,
        "training": report.training,
        "trial": report.trial,
    })
}
