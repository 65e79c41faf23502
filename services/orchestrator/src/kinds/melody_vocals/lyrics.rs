//! Writes lyrics that fit the notes.

use async_trait::async_trait;
use domain::{Failure, StageName, kinds::melody_vocals, kinds::melody_vocals::MelodyToVocalsRequest};
use providers::Stop;
use serde_json::json;
use song::LyricsSummary;

use super::work;
use crate::stage::{ReuseKey, Stage, StageOutcome, StageRun};

pub struct LyricsWriting;

#[async_trait]
impl Stage for LyricsWriting {
    fn name(&self) -> StageName {
        melody_vocals::LYRICS
    }

    /// The melody, all that is asked for in words, and what writers and gates make of it.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let sung = work::sung(&request);
        let MelodyToVocalsRequest { prompt, genre, mood, seed, options } = request;
        let capabilities = &run.tools.capabilities;
        let (Some(melody), Some((provider, version))) =
            (run.object_sha256(sung), capabilities.lyrics.preferred(&song::lyrics_need(&options)).await)
        else {
            return Ok(None);
        };
        let gates = (format!("{:?}", run.tools.gate), capabilities.content.version());
        let inputs = json!([&*provider, version, gates, melody, prompt, genre, mood, seed, options.language]);
        Ok(Some(ReuseKey { inputs, provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: MelodyToVocalsRequest = run.request()?;
        let (melody, _) = work::melody(run, &request).await?;
        let tools = run.tools;
        let written = song::write_lyrics(&tools.capabilities, &tools.gate, run.calls(), &melody, &request).await?;
        run.put_json(work::LYRICS, &written.value).await?;
        let summary = LyricsSummary::of(&written.value, &request);
        StageOutcome::done(Some(written.provider.to_string()), serde_json::to_value(summary).unwrap_or_default())
    }
}
