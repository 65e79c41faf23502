//! Sound that comes amiss.

use serde_json::json;
use vendor_standins::{Route, Sound, Step, Vendor, Vendors};

use crate::client::post;

#[tokio::test]
async fn speech_and_music_that_are_none() {
    let speech =
        json!({"model": "tts-1", "voice": "alloy", "input": "A paper boat sails on", "response_format": "pcm"});
    let music = json!({"prompt": "folk", "music_length_ms": 3_000});
    for (vendor, route, path, body) in [
        (Vendor::OpenAi, Route::Speech, "/v1/audio/speech", speech),
        (Vendor::ElevenLabs, Route::Music, "/v1/music?output_format=pcm_8000", music),
    ] {
        let vendors = Vendors::start().await;
        let proper = post(&vendors, vendor, path, &body).await;
        let steps = [Sound::NotAudio, Sound::Empty, Sound::Silent, Sound::Short].map(Step::Audio);
        vendors.script(vendor, route, steps);
        let next = async || post(&vendors, vendor, path, &body).await;
        let page = next().await;
        assert_eq!(page.header("content-type"), proper.header("content-type"));
        assert!(page.bytes.starts_with(b"<!doctype html>"));
        assert_eq!(next().await.bytes.len(), 0);
        let silent = next().await.bytes;
        assert!(silent.len() == proper.bytes.len() && silent.iter().all(|byte| *byte == 0));
        assert!(next().await.bytes.len().abs_diff(proper.bytes.len() / 10) < 64);
        assert_eq!(vendors.ledger().iter().filter(|charge| charge.delivered).count(), 5);
    }
}
