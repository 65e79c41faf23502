//! Makes a band for the melody, where one is asked for; the melody is moved into the time of its song. Where the settings name
//! somebody who plays in the band's place, that one is asked for music that goes with the tune.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName, kinds::melody_vocals, kinds::melody_vocals::MelodyToVocalsRequest,
};
use music::Melody;
use providers::{Need, OFFLINE, Stop, blocking};
use serde_json::{Value, json};

use super::work;
use crate::{
    kinds::delivered::{CAME_AS_SOUND, DELIVERED},
    stage::{FinishedStage, ReuseKey, Stage, StageOutcome, StageRun},
};

pub struct Arrangement;

#[async_trait]
impl Stage for Arrangement {
    fn name(&self) -> StageName {
        melody_vocals::ARRANGEMENT
    }

    fn applies_to(&self, request: &Value, _done: &BTreeMap<String, FinishedStage>) -> bool {
        work::has_band(request)
    }

    /// The melody, all that is asked for in words, and who plays. A band of the engine's is made in no time, and not kept.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let MelodyToVocalsRequest { prompt, genre, mood, seed, options } = run.request()?;
        let need = Need { has_melody: true, ..Need::default() };
        let preferred = run.tools.capabilities.accompanists.preferred(&need).await;
        let elsewhere = preferred.filter(|(provider, _)| **provider != *OFFLINE);
        let (Some(melody), Some((provider, version))) = (run.object_sha256(work::MELODY), elsewhere) else {
            return Ok(None);
        };
        let inputs = json!([&*provider, version, melody, prompt, genre, mood, seed, options.beat]);
        Ok(Some(ReuseKey { inputs, provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let asked = request.clone();
        let arranged = blocking(move || song::arrange(&melody, &asked)).await??;
        let arranged = arranged.ok_or_else(|| {
            Failure::new(FailureClass::Config, FailureCode::Internal, "no band was asked for".to_owned())
        })?;
        let accompanists = &run.tools.capabilities.accompanists;
        let made = song::accompany(accompanists, run.calls(), &arranged, &request).await?;
        run.put_json(work::ARRANGED, &arranged).await?;
        let detail = match &made.value {
            None => serde_json::to_value(&arranged.band.summary).unwrap_or_default(),
            Some((delivered, sound)) => {
                run.put_file(DELIVERED, sound.reopen()?, &delivered.sound.media_type).await?;
                run.put_json(work::PLAYED, delivered).await?;
                json!({ CAME_AS_SOUND: true, "seconds": delivered.sound.seconds, "agreement": delivered.agreement })
            }
        };
        StageOutcome::done(Some(made.provider.to_string()), detail)
    }
}
