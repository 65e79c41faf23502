//! Writes words for the composed melody.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, StageName, artifact, kinds::composition, kinds::composition::CompositionRequest};
use providers::{ComposedSong, Need, Stop};
use serde_json::{Value, json};
use song::LyricsSummary;

use super::work;
use crate::stage::{FinishedStage, ReuseKey, Stage, StageOutcome, StageRun};

pub struct Words;

#[async_trait]
impl Stage for Words {
    fn name(&self) -> StageName {
        composition::WORDS
    }

    fn applies_to(&self, request: &Value, done: &BTreeMap<String, FinishedStage>) -> bool {
        work::is_sung_here(request, done)
    }

    /// The song, all that is asked for in words, and what writers and gates make of it.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let CompositionRequest { prompt, seed, options, .. } = run.request()?;
        let capabilities = &run.tools.capabilities;
        let (Some(song), Some((provider, version))) = (
            run.object_sha256(work::COMPOSED),
            capabilities.lyrics.preferred(&Need { language: options.language, ..Need::default() }).await,
        ) else {
            return Ok(None);
        };
        let gates = (format!("{:?}", run.tools.gate), capabilities.content.version());
        let inputs = json!([&*provider, version, gates, song, prompt, seed, options.language]);
        Ok(Some(ReuseKey { inputs, provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: CompositionRequest = run.request()?;
        let song: ComposedSong = run.get_json(work::COMPOSED).await?;
        let vocals = arrangement::vocals_request(&request, &song)?;
        let tools = run.tools;
        let written = song::write_lyrics(&tools.capabilities, &tools.gate, run.calls(), &song.melody, &vocals).await?;
        let lines = arrangement::timed_lines(&song.melody, &written.value);
        let text = song::lyrics_text(&written.value);
        run.put_json(work::LYRICS, &written.value).await?;
        run.put_bytes(work::LYRICS_TEXT, text.into_bytes(), artifact::LYRICS.media_type).await?;
        let lrc = arrangement::lines_as_lrc(&lines);
        run.put_bytes(work::LYRICS_LRC, lrc.into_bytes(), artifact::LYRICS.media_type).await?;
        let mut detail = serde_json::to_value(LyricsSummary::of(&written.value, &vocals)).unwrap_or_default();
        detail[work::SHORTFALLS] = serde_json::to_value(&written.shortfalls).unwrap_or_default();
        StageOutcome::done(Some(written.provider.to_string()), detail)
    }
}
