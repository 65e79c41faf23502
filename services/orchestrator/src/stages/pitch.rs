//! Follows the melody: F0, notes, phrases, key and tempo; and corrects the notes as asked.

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode, StageName, kind::melody_to_vocals};
use providers::AudioInput;
use song::MelodySummary;

use super::work;
use crate::stage::{Stage, StageOutput, StageRun, of_blob};

pub struct Pitch;

#[async_trait]
impl Stage for Pitch {
    fn name(&self) -> StageName {
        melody_to_vocals::PITCH
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let input = &run.job.input;
        let file = run.tools.blobs.fetch_to_file(&input.key, input.size_bytes).await.map_err(|e| of_blob(&e))?;
        let audio = AudioInput::new(file).map_err(|error| {
            Failure::new(
                FailureClass::Transient,
                FailureCode::Storage,
                format!("the recording cannot be read: {error}"),
            )
        })?;
        let request = run.request()?;
        let extracted =
            song::extract_melody(&run.tools.capabilities, run.remaining, &audio, &request, &run.progress).await?;
        let melody = extracted.value;
        let object = run.put_json(work::MELODY, &melody).await?;
        let detail = serde_json::to_value(MelodySummary::of(&melody)).unwrap_or_default();
        Ok(StageOutput { provider: Some(extracted.provider.to_owned()), object: Some(object), detail })
    }
}
