//! Several processes behind one address that keeps nobody to one of them: whoever is asked, the song is there.

use std::{io::Write as _, time::Duration};

use lyrics::LyricsRequest;
use providers::{
    AudioInput, DirectCalls, ExpertClient, LyricsWriter, MelodyExtractor, ProviderCall, VocalSynthesizer, no_progress,
};
use reqwest::{StatusCode, multipart};
use serde_json::{Value, json};
use voice::VoiceOptions;

use crate::support::{Expert, balancer, carried, hum};

const PROMPT: &str = "A romantic ballad about summer nights";

#[tokio::test]
async fn a_song_is_made_through_both_stage_by_stage() {
    let (one, two) = (Expert::start(), Expert::start());
    let address = balancer(&[&one, &two]).await;
    let client =
        ExpertClient::new(&providers::Outside::default().outbound().unwrap(), "expert", address, None).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&hum()).unwrap();
    let audio = AudioInput::new(file).unwrap();
    let calls = DirectCalls::default();
    let call = ProviderCall::alone(&calls, "expert", Duration::from_secs(600));
    let melody = client.extract(&audio, no_progress(), &call).await.unwrap();
    let request = LyricsRequest { prompt: PROMPT.to_owned(), seed: 7, ..LyricsRequest::default() };
    let lyrics = client.write(&melody, &request, &call).await.unwrap();
    let voice = VoiceOptions { seed: 7, ..VoiceOptions::default() };
    // Each turn begins with the other process.
    let sung = client.sing(&melody, &lyrics, &voice, no_progress(), &call).await.unwrap();
    let again = client.sing(&melody, &lyrics, &voice, no_progress(), &call).await.unwrap();
    assert_eq!(sung, again);
    assert!(sung.samples.len() > sung.sample_rate_hz as usize);
    for expert in [&one, &two] {
        let metrics = expert.get("metrics").await.text().await.unwrap();
        assert!(metrics.contains("route=\"/v1/vocals\""), "each of them has sung: {metrics}");
        assert!(!metrics.contains("route=\"/files/{id}\""), "nobody has fetched a file: {metrics}");
    }
}

#[tokio::test]
async fn older_clients_get_their_songs_whoever_answers() {
    let (one, two) = (Expert::start(), Expert::start());
    let address = balancer(&[&one, &two]).await;
    for turn in 0..2 {
        let part = multipart::Part::bytes(hum()).file_name("hum.wav");
        let form = multipart::Form::new().part("audio", part).text("prompt", PROMPT);
        let url = address.join("melody-to-vocals").unwrap();
        let answer = one.http.post(url).multipart(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{turn}");
        let song: Value = answer.json().await.unwrap();
        let (media_type, mp3) = carried(&song["audio_url"]);
        assert_eq!(media_type, "audio/mpeg");
        assert!(mp3.len() > 10_000, "{}", mp3.len());
        let call = json!({ "prompt": "calm piano", "duration": 5, "seed": 7 });
        let answer = one.http.post(address.join("generate").unwrap()).json(&call).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{turn}");
        carried(&answer.json::<Value>().await.unwrap()["audio_url"]);
        // One more, so that each process makes each kind of song.
        one.http.get(address.clone()).send().await.unwrap();
    }
}
