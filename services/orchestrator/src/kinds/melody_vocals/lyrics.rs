//! Writes lyrics that fit the notes.

use async_trait::async_trait;
use domain::{Failure, StageName, kinds::melody_vocals, request::MelodyToVocalsRequest};
use music::Melody;
use song::LyricsSummary;

use super::work;
use crate::stage::{Stage, StageOutcome, StageRun};

pub struct LyricsWriting;

#[async_trait]
impl Stage for LyricsWriting {
    fn name(&self) -> StageName {
        melody_vocals::LYRICS
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let tools = run.tools;
        let written = song::write_lyrics(&tools.capabilities, &tools.gate, run.remaining, &melody, &request).await?;
        run.put_json(work::LYRICS, &written.value).await?;
        let summary = LyricsSummary::of(&written.value, &request);
        StageOutcome::done(Some(written.provider.to_owned()), serde_json::to_value(summary).unwrap_or_default())
    }
}
