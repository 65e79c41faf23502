//! Makes a band for the melody, where one is asked for; the melody is moved into the time of its song.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName, kinds::melody_vocals, kinds::melody_vocals::MelodyToVocalsRequest,
};
use music::Melody;
use providers::{Stop, blocking};
use serde_json::Value;

use super::work;
use crate::stage::{FinishedStage, Stage, StageOutcome, StageRun};

pub struct Arrangement;

#[async_trait]
impl Stage for Arrangement {
    fn name(&self) -> StageName {
        melody_vocals::ARRANGEMENT
    }

    fn applies_to(&self, request: &Value, _done: &BTreeMap<String, FinishedStage>) -> bool {
        work::has_band(request)
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let arranged = blocking(move || song::arrange(&melody, &request)).await??;
        let arranged = arranged.ok_or_else(|| {
            Failure::new(FailureClass::Config, FailureCode::Internal, "no band was asked for".to_owned())
        })?;
        run.put_json(work::ARRANGED, &arranged).await?;
        StageOutcome::done(None, serde_json::to_value(&arranged.band.summary).unwrap_or_default())
    }
}
