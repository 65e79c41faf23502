//! Follows the melody: F0, notes, phrases, key and tempo; and corrects the notes as asked.

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode, StageName, kinds::melody_vocals};
use providers::AudioInput;
use song::MelodySummary;

use super::work;
use crate::stage::{Stage, StageOutcome, StageRun};

pub struct Pitch;

#[async_trait]
impl Stage for Pitch {
    fn name(&self) -> StageName {
        melody_vocals::PITCH
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Failure> {
        let file = run.fetch_input(run.job.input(melody_vocals::AUDIO)?).await?;
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
        run.put_json(work::MELODY, &melody).await?;
        let detail = serde_json::to_value(MelodySummary::of(&melody)).unwrap_or_default();
        StageOutcome::done(Some(extracted.provider.to_owned()), detail)
    }
}
