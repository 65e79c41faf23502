//! The service that blends songs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use vendor_standins::{Route, Sound, Step, Vendor, Vendors};

use crate::client::{MIDI, client, post};

#[tokio::test]
async fn three_songs_become_one_and_sound() {
    let vendors = Vendors::start().await;
    let body =
        json!({"midi_files": vec![MIDI; 3], "options": {"temperature": 0.8, "creativity": 0.7, "length_seconds": 20}});
    let got = post(&vendors, Vendor::Ml, "/generate", &body).await;
    let song = got.json()["midi_data"].as_str().unwrap().to_owned();
    assert!(STANDARD.decode(&song).unwrap().starts_with(b"MThd"));
    let body = json!({"midi_data": song, "options": {"quality": "medium", "sample_rate": 44_100}});
    let got = post(&vendors, Vendor::Ml, "/convert-to-mp3", &body).await;
    let mp3 = STANDARD.decode(got.json()["mp3_data"].as_str().unwrap()).unwrap();
    assert!((mp3.len() as f64 / 16_000.0 - 20.0).abs() < 0.1, "{}", mp3.len());
    assert_eq!(vendors.ledger().len(), 2);
    vendors.script(Vendor::Ml, Route::ConvertToMp3, [Sound::Long, Sound::Short].map(Step::Audio));
    for times in [3.0, 0.1] {
        let got = post(&vendors, Vendor::Ml, "/convert-to-mp3", &body).await;
        let amiss = STANDARD.decode(got.json()["mp3_data"].as_str().unwrap()).unwrap();
        assert!((amiss.len() as f64 / 16_000.0 - 20.0 * times).abs() < 0.1, "{}", amiss.len());
    }
}

#[tokio::test]
async fn what_is_no_song_is_refused() {
    let vendors = Vendors::start().await;
    for body in [
        json!({}),
        json!({"midi_files": [MIDI, MIDI]}),
        json!({"midi_files": [MIDI, MIDI, "AAAA"]}),
        json!({"midi_files": vec![MIDI; 3], "options": {"temperature": 3}}),
        json!({"midi_files": vec![MIDI; 3], "options": {"length_seconds": 601}}),
    ] {
        assert_eq!(post(&vendors, Vendor::Ml, "/generate", &body).await.status, 400, "{body}");
    }
    let url = format!("{}/generate", vendors.url_of(Vendor::Ml));
    assert_eq!(client().post(url).json(&json!({})).send().await.unwrap().status(), 401);
    assert_eq!(vendors.ledger().len(), 0);
}
