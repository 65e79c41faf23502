//! Writes lyrics that fit the notes.

use async_trait::async_trait;
use domain::{Failure, StageName, kind::melody_to_vocals, request::MelodyToVocalsRequest};
use engine::lyrics::LyricsRequest;
use music::Melody;
use providers::song::LyricsSummary;

use super::work;
use crate::stage::{Stage, StageOutput, StageRun};

pub struct LyricsWriting;

#[async_trait]
impl Stage for LyricsWriting {
    fn name(&self) -> StageName {
        melody_to_vocals::LYRICS
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let wanted = LyricsRequest {
            prompt: request.prompt.as_str().to_owned(),
            genre: request.genre.as_ref().map(ToString::to_string),
            mood: request.mood.as_ref().map(ToString::to_string),
            seed: request.seed,
            ..LyricsRequest::default()
        };
        let (melody, wanted) = (&melody, &wanted);
        let written = run
            .tools
            .capabilities
            .lyrics
            .call(run.remaining, |writer| async move { writer.write(melody, wanted).await })
            .await?;
        // The prompt is checked with the words that came of it: one call outside, and nothing sung that was refused.
        let text = written.value.text();
        run.tools.content.admit(&[("prompt", wanted.prompt.as_str()), ("lyrics", &text)], run.remaining).await?;
        let object = run.put_json(work::LYRICS, &written.value).await?;
        let summary = LyricsSummary::of(&written.value, wanted.genre.as_deref(), wanted.mood.as_deref());
        let detail = serde_json::to_value(summary).unwrap_or_default();
        Ok(StageOutput { provider: Some(written.provider.to_owned()), object: Some(object), detail })
    }
}
