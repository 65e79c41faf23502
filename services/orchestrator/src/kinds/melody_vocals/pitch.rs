//! Follows the melody: F0, notes, phrases, key and tempo; and corrects the notes as asked.

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, SongOptions, StageName, kinds::melody_vocals,
    kinds::melody_vocals::MelodyToVocalsRequest,
};
use providers::{AudioInput, Need, Stop};
use serde_json::json;
use song::MelodySummary;

use super::work;
use crate::stage::{ReuseKey, Stage, StageOutcome, StageRun};

pub struct Pitch;

#[async_trait]
impl Stage for Pitch {
    fn name(&self) -> StageName {
        melody_vocals::PITCH
    }

    /// The recording, what is mended in the notes, and the tracker.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let SongOptions { corrections, tempo_bpm, .. } = request.options;
        let recording = &run.job.input(melody_vocals::AUDIO)?.sha256;
        let preferred = run.tools.capabilities.melody.preferred(&Need::default()).await;
        Ok(preferred.filter(|_| !recording.is_empty()).map(|(provider, version)| ReuseKey {
            inputs: json!([&*provider, version, recording, corrections, tempo_bpm]),
            provider: Some(provider),
        }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let file = run.fetch_input(run.job.input(melody_vocals::AUDIO)?).await?;
        let audio = AudioInput::new(file).map_err(|error| {
            Failure::new(
                FailureClass::Transient,
                FailureCode::Storage,
                format!("the recording cannot be read: {error}"),
            )
        })?;
        let request: MelodyToVocalsRequest = run.request()?;
        let extracted =
            song::extract_melody(&run.tools.capabilities, run.calls(), &audio, &request, &run.progress).await?;
        let melody = extracted.value;
        run.put_json(work::MELODY, &melody).await?;
        let detail = serde_json::to_value(MelodySummary::of(&melody)).unwrap_or_default();
        StageOutcome::done(Some(extracted.provider.to_string()), detail)
    }
}
