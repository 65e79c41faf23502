//! Sings the lyrics to the melody and brings the vocal to its final loudness.

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, SongOptions, StageName, artifact, kinds::melody_vocals,
    kinds::melody_vocals::MelodyToVocalsRequest,
};
use lyrics::Lyrics;
use media::{Encoding, Tags};
use providers::{Performance, Stop};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::work;
use crate::stage::{ReuseKey, Stage, StageOutcome, StageRun};

pub struct Vocals;

/// How a vocal came about; the quality stage holds the sound against it.
#[derive(Serialize, Deserialize)]
pub(super) struct VocalsPlan {
    #[serde(flatten)]
    pub performance: Performance,
    /// How often it was sung before the gate had nothing against it, or gave up.
    #[serde(default)]
    pub takes: u32,
}

#[async_trait]
impl Stage for Vocals {
    fn name(&self) -> StageName {
        melody_vocals::VOCALS
    }

    /// What is sung, by whom, how, and until when it is good enough.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let request: MelodyToVocalsRequest = run.request()?;
        let MelodyToVocalsRequest { seed, options, .. } = &request;
        let preferred = run.tools.capabilities.vocals.preferred(&song::vocals_need(options)).await;
        let (Some(melody), Some(lyrics), Some((provider, version))) =
            (run.object_sha256(work::sung(&request)), run.object_sha256(work::LYRICS), preferred)
        else {
            return Ok(None);
        };
        let gate = format!("{:?}", run.tools.gate);
        let SongOptions { voice, register, expression, backing, corrections, .. } = options;
        let how = json!([voice, register, expression, backing, corrections.octaves]);
        let inputs = json!([&*provider, version, gate, melody, lyrics, seed, how]);
        Ok(Some(ReuseKey { inputs, provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: MelodyToVocalsRequest = run.request()?;
        let (melody, _) = work::melody(run, &request).await?;
        let lyrics: Lyrics = run.get_json(work::LYRICS).await?;
        let tools = run.tools;
        let parts = (&melody, &lyrics);
        let sung = song::sing(&tools.capabilities, &tools.gate, run.calls(), parts, &request, &run.progress).await?;
        let (mastered, takes) = (sung.value.mastered, sung.takes);
        let (wav, plan, loudness) = providers::blocking(move || {
            let wav = media::encode(&mastered.samples, mastered.sample_rate_hz, 1, Encoding::Wav16, &Tags::default());
            (wav, VocalsPlan { performance: mastered.performance, takes }, mastered.loudness)
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
        run.put_bytes(work::VOCALS, wav, artifact::AUDIO_WAV.media_type).await?;
        let detail = json!({
            "voice": plan.performance.voice,
            "syllablesPlaced": plan.performance.syllables_placed,
            "octaveShift": plan.performance.octave_shift,
            "takes": plan.takes,
            "loudnessLufs": loudness.integrated_lufs,
        });
        StageOutcome::done(Some(sung.provider.to_string()), detail)
    }
}
