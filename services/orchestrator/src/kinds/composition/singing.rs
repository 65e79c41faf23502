//! Sings the words to the composed melody, again and again until the quality gate has nothing against the voice; the best take is
//! kept with its figures and whatever is still against it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, StageName, artifact, kinds::composition, kinds::composition::CompositionRequest,
};
use lyrics::Lyrics;
use media::{Encoding, Tags};
use providers::{ComposedSong, Need, Stop};
use serde_json::{Value, json};

use super::work::{self, SungDetail};
use crate::stage::{FinishedStage, ReuseKey, Stage, StageOutcome, StageRun};

pub struct Singing;

#[async_trait]
impl Stage for Singing {
    fn name(&self) -> StageName {
        composition::SINGING
    }

    fn applies_to(&self, request: &Value, done: &BTreeMap<String, FinishedStage>) -> bool {
        work::is_sung_here(request, done)
    }

    /// What is sung, by whom, how, and until when it is good enough.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let CompositionRequest { seed, options, .. } = run.request()?;
        let preferred =
            run.tools.capabilities.vocals.preferred(&Need { language: options.language, ..Need::default() }).await;
        let (Some(song), Some(lyrics), Some((provider, version))) =
            (run.object_sha256(work::COMPOSED), run.object_sha256(work::LYRICS), preferred)
        else {
            return Ok(None);
        };
        let gate = format!("{:?}", run.tools.gate);
        let inputs = json!([&*provider, version, gate, song, lyrics, seed, options.language, options.voice]);
        Ok(Some(ReuseKey { inputs, provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: CompositionRequest = run.request()?;
        let song: ComposedSong = run.get_json(work::COMPOSED).await?;
        let lyrics: Lyrics = run.get_json(work::LYRICS).await?;
        let vocals = arrangement::vocals_request(&request, &song)?;
        let (tools, parts) = (run.tools, (&song.melody, &lyrics));
        let sung = song::sing(&tools.capabilities, &tools.gate, run.calls(), parts, &vocals, &run.progress).await?;
        let song::Sung { mastered, figures } = sung.value;
        arrangement::check_voice(&figures, &sung.shortfalls, sung.takes)?;
        let performance = mastered.performance.clone();
        let wav = providers::blocking(move || {
            media::encode(&mastered.samples, mastered.sample_rate_hz, 1, Encoding::Wav16, &Tags::default())
        })
        .await?;
        let wav = wav.map_err(|error| {
            let message = format!("the voice was not written: {error}");
            Failure::new(FailureClass::Config, FailureCode::AudioProcessing, message)
        })?;
        run.put_bytes(work::VOCALS, wav, artifact::AUDIO_WAV.media_type).await?;
        let detail = SungDetail {
            voice: performance.voice,
            syllables_placed: performance.syllables_placed,
            octave_shift: performance.octave_shift,
            takes: sung.takes,
            quality: Some(figures),
            shortfalls: sung.shortfalls,
        };
        StageOutcome::done(Some(sung.provider.to_string()), serde_json::to_value(detail).unwrap_or_default())
    }
}
