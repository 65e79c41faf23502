//! The stages of a song, each a call of the service.

use std::io::Cursor;

use async_trait::async_trait;
use domain::Failure;
use lyrics::{Lyrics, LyricsRequest};
use media::Bounds;
use music::Melody;
use outbound::header::ACCEPT;
use voice::VoiceOptions;

use super::{
    charged::{StageCall, purpose},
    client::{ExpertClient, MAX_AUDIO_BYTES, MAX_JSON_BYTES, WITH_PARTS},
    wire::{LyricsCall, VocalsCall},
};
use crate::{
    calls::ProviderCall,
    capability::{LyricsWriter, MelodyExtractor, Performance, Vocal, VocalSynthesizer},
    input::{AudioInput, ProgressSink},
    stop::Stop,
};

impl ExpertClient {
    /// A failure behind an answer that came. Where it is kept it would be the same again.
    fn unusable(&self, failure: Failure) -> Stop {
        if self.prices.is_some() { Stop::GivenUp(failure) } else { Stop::Failed(failure) }
    }
}

#[async_trait]
impl MelodyExtractor for ExpertClient {
    async fn extract(
        &self,
        audio: &AudioInput,
        progress: ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<Melody, Stop> {
        let file = audio.reopen()?;
        let request = self.post("v1/melody", MAX_JSON_BYTES).file(file, audio.size_bytes);
        let of = StageCall { purpose: "melody", seconds: 0.0, has_sound: false };
        let (melody, _) = self.stage(request, of, call).await?;
        progress(1.0);
        Ok(melody)
    }
}

#[async_trait]
impl LyricsWriter for ExpertClient {
    async fn write(&self, melody: &Melody, request: &LyricsRequest, call: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        let body = LyricsCall { melody: melody.clone(), request: request.clone() };
        let request = self.post("v1/lyrics", MAX_JSON_BYTES).json(&body);
        let of = StageCall { purpose: &purpose("lyrics", &body), seconds: 0.0, has_sound: false };
        Ok(self.stage(request, of, call).await?.0)
    }
}

#[async_trait]
impl VocalSynthesizer for ExpertClient {
    async fn sing(
        &self,
        melody: &Melody,
        lyrics: &Lyrics,
        voice: &VoiceOptions,
        progress: ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<Vocal, Stop> {
        let body = VocalsCall { melody: melody.clone(), lyrics: lyrics.clone(), voice: voice.clone() };
        let request = self.post("v1/vocals", MAX_JSON_BYTES + MAX_AUDIO_BYTES).header(ACCEPT, WITH_PARTS).json(&body);
        let of = StageCall { purpose: &purpose("vocals", &body), seconds: melody.duration_seconds, has_sound: true };
        let (performance, wav): (Performance, _) = self.stage(request, of, call).await?;
        progress(0.8);
        let wav = wav.ok_or_else(|| self.unusable(self.garbled()))?;
        let decode = move || media::decode_mono(Cursor::new(wav), voice::SAMPLE_RATE_HZ, &Bounds::default());
        let undecodable = || self.unusable(self.blame.misbehaved("sent sound that could not be decoded"));
        let sound = tokio::task::spawn_blocking(decode).await.map_err(|_| undecodable())?.map_err(|_| undecodable())?;
        progress(1.0);
        Ok(Vocal { sample_rate_hz: sound.sample_rate_hz, samples: sound.samples, performance })
    }
}
