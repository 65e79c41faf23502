//! How the kind is run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use contracts::IngestPlan;
use domain::{ArtifactRole, Failure, StageName};
use orchestrator::{Asked, CallError, Kind, OutsideProgress, OutsideService, Stage, StageOutcome, StageRun, Stop, ask};
use serde_json::{Value, json};

use super::{DREAM, SPEC, THINK, WRITE};

pub fn kind(dreamer: Arc<Dreamer>) -> Kind {
    Kind::new(&SPEC, vec![Box::new(Think), Box::new(Dream(dreamer.clone())), Box::new(Write)]).waiting_for(dreamer)
}

struct Think;

#[async_trait]
impl Stage for Think {
    fn name(&self) -> StageName {
        THINK
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        run.put_json("thought.json", &json!({ "about": run.job.request["theme"] })).await?;
        StageOutcome::done(None, Value::Null)
    }
}

struct Dream(Arc<Dreamer>);

#[async_trait]
impl Stage for Dream {
    fn name(&self) -> StageName {
        DREAM
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let thought: Value = run.get_json("thought.json").await?;
        match ask(run, &*self.0, "dream", &thought).await? {
            Asked::Parked(parking) => Ok(StageOutcome::Parked(parking)),
            Asked::Answered { value, .. } => StageOutcome::done(Some(self.0.provider().to_owned()), value),
        }
    }
}

struct Write;

#[async_trait]
impl Stage for Write {
    fn name(&self) -> StageName {
        WRITE
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let dream = run.done.get(DREAM.as_str()).map(|dream| dream.detail.clone()).unwrap_or_default();
        let line = format!("I dreamt of {}", run.job.request["theme"].as_str().unwrap_or("nothing"));
        run.put_bytes("lyrics.txt", line.clone().into_bytes(), "text/plain; charset=utf-8").await?;
        run.put_json("report.json", &dream).await?;
        let plan = IngestPlan {
            title: line.clone(),
            files: vec![
                run.result_file(&ArtifactRole::LYRICS, "lyrics.txt").await?,
                run.result_file(&ArtifactRole::REPORT, "report.json").await?,
            ],
            ..IngestPlan::default()
        };
        run.ingest(plan).await?;
        StageOutcome::done(None, json!({ "title": line, "line": line }))
    }
}

/// A vendor who is done at the third look.
#[derive(Default)]
pub struct Dreamer {
    pub asked: AtomicU32,
    looks: AtomicU32,
}

#[async_trait]
impl OutsideService for Dreamer {
    fn provider(&self) -> &str {
        "dreamer"
    }

    async fn create(&self, correlation: &str, _request: &Value) -> Result<String, CallError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(format!("dream-{correlation}"))
    }

    async fn find(&self, _correlation: &str) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure> {
        if self.looks.fetch_add(1, Ordering::SeqCst) < 2 {
            return Ok(OutsideProgress::Working { fraction: None, look_again_in: Duration::from_millis(50) });
        }
        Ok(OutsideProgress::succeeded(json!({ "dreamt": outside_id }), None))
    }

    async fn cancel(&self, _outside_id: &str) -> Result<(), Failure> {
        Ok(())
    }
}
