//! Sings the lyrics to the melody and brings the vocal to its final loudness.

use async_trait::async_trait;
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, StageName, kind::melody_to_vocals, request::MelodyToVocalsRequest,
};
use engine::{lyrics::Lyrics, voice::VoiceOptions};
use media::{Encoding, Tags};
use music::{Melody, PitchTrack};
use providers::song;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::work;
use crate::stage::{Stage, StageOutput, StageRun, blocking};

pub struct Vocals;

/// How a vocal came about; the quality stage holds the sound against it.
#[derive(Serialize, Deserialize)]
pub(super) struct VocalsPlan {
    pub target: PitchTrack,
    pub syllables_placed: usize,
    pub octave_shift: i32,
}

#[async_trait]
impl Stage for Vocals {
    fn name(&self) -> StageName {
        melody_to_vocals::VOCALS
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutput, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let melody: Melody = run.get_json(work::MELODY).await?;
        let lyrics: Lyrics = run.get_json(work::LYRICS).await?;
        let voice = VoiceOptions { seed: request.seed, ..VoiceOptions::default() };
        let (melody, lyrics, voice) = (&melody, &lyrics, &voice);
        let sung = run
            .tools
            .capabilities
            .vocals
            .call(run.remaining, |singer| {
                let progress = run.progress.clone();
                async move { singer.sing(melody, lyrics, voice, progress).await }
            })
            .await?;
        let vocal = sung.value;
        let (wav, plan, loudness) = blocking(move || {
            let mastered = song::master(vocal);
            let wav = media::encode(&mastered.samples, mastered.sample_rate_hz, 1, Encoding::Wav16, &Tags::default());
            let plan = VocalsPlan {
                target: mastered.target,
                syllables_placed: mastered.syllables_placed,
                octave_shift: mastered.octave_shift,
            };
            (wav, plan, mastered.loudness)
        })
        .await?;
        let wav = wav.map_err(|error| {
            Failure::new(
                FailureClass::Config,
                FailureCode::AudioProcessing,
                format!("the vocal was not written: {error}"),
            )
        })?;
        run.put_json(work::VOCALS_PLAN, &plan).await?;
        let object = run.put_bytes(work::VOCALS, wav, ArtifactRole::AudioWav.media_type()).await?;
        let detail = json!({
            "syllablesPlaced": plan.syllables_placed,
            "octaveShift": plan.octave_shift,
            "loudnessLufs": loudness.integrated_lufs,
        });
        Ok(StageOutput { provider: Some(sung.provider.to_owned()), object: Some(object), detail })
    }
}
