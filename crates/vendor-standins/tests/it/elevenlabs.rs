//! Music, its details and its plans.

use reqwest::Method;
use serde_json::{Value, json};
use vendor_standins::{Options, Pace, Route, Step, Vendor, Vendors};

use crate::client::{Got, client, get, post, request, send};

async fn music(vendors: &Vendors, path: &str, body: &Value) -> Got {
    post(vendors, Vendor::ElevenLabs, path, body).await
}

#[tokio::test]
async fn music_has_the_length_and_format_that_were_asked_for() {
    let vendors = Vendors::start().await;
    let body = json!({"prompt": "a quiet evening", "music_length_ms": 4_500});
    let got = music(&vendors, "/v1/music?output_format=pcm_44100", &body).await;
    assert_eq!((got.status, got.header("content-type")), (200, "audio/pcm"));
    // Two channels of two bytes.
    assert_eq!(got.bytes.len(), 44_100 * 9 / 2 * 4);
    assert!(got.header("song-id").starts_with("song-"));
    assert_eq!((got.header("current-concurrent-requests"), got.header("maximum-concurrent-requests")), ("1", "10"));
    let got = music(&vendors, "/v1/music", &body).await;
    assert_eq!(got.header("content-type"), "audio/mpeg");
    // 4.5 s of 128 kbit/s, in whole frames.
    assert!((got.bytes.len() as f64 / 16_000.0 - 4.5).abs() < 0.06, "{}", got.bytes.len());
    let streamed = music(&vendors, "/v1/music/stream", &body).await;
    assert_eq!((streamed.header("transfer-encoding"), &streamed.bytes), ("chunked", &got.bytes));
    assert_eq!(music(&vendors, "/v1/music?output_format=ulaw_8000", &body).await.bytes.len(), 36_000);
    assert_eq!(music(&vendors, "/v1/music?output_format=wav", &body).await.status, 422);
    assert_eq!(music(&vendors, "/v1/music?output_format=opus_48000_96", &body).await.status, 501);
    assert_eq!(vendors.ledger().iter().map(|charge| charge.amount_micros).collect::<Vec<_>>(), [22_500; 4]);
}

#[tokio::test]
async fn details_come_as_two_parts() {
    let vendors = Vendors::start().await;
    let plan = json!({"positive_global_styles": ["folk"], "negative_global_styles": [], "sections": [
        {"section_name": "Verse", "positive_local_styles": [], "negative_local_styles": [], "duration_ms": 4_000,
         "lines": ["A paper boat", "goes by"]}]});
    let body = json!({"composition_plan": plan, "with_timestamps": true});
    let got = music(&vendors, "/v1/music/detailed", &body).await;
    let boundary = got.header("content-type").strip_prefix("multipart/mixed; boundary=").unwrap().to_owned();
    let text = String::from_utf8_lossy(&got.bytes).into_owned();
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    assert_eq!((parts.len(), parts[3]), (4, "--\r\n"));
    let detail: Value = serde_json::from_str(parts[1].split("\r\n\r\n").nth(1).unwrap().trim()).unwrap();
    assert_eq!(detail["composition_plan"], plan);
    let words = detail["words_timestamps"].as_array().unwrap();
    assert_eq!((words.len(), &words[4]["word"], &words[4]["end_ms"]), (5, &json!("by"), &json!(4_000)));
    assert!(parts[2].contains("filename=\"song.mp3\"") && parts[2].contains("Content-Type: audio/mpeg"));
}

#[tokio::test]
async fn plans_can_be_made_into_music() {
    let vendors = Vendors::start().await;
    for model in ["music_v1", "music_v2"] {
        let body = json!({"prompt": "a song of rain", "music_length_ms": 75_000, "model_id": model});
        let plan = music(&vendors, "/v1/music/plan", &body).await.json();
        assert_eq!(vendors.ledger().len(), if model == "music_v1" { 0 } else { 1 }, "plans are free");
        let body = json!({"composition_plan": plan, "model_id": model});
        let got = music(&vendors, "/v1/music?output_format=pcm_8000", &body).await;
        assert_eq!((got.status, got.bytes.len()), (200, 75 * 8_000 * 4), "{plan}");
    }
}

#[tokio::test]
async fn refusals_have_their_shapes() {
    let vendors = Vendors::start().await;
    let got = music(&vendors, "/v1/music", &json!({"prompt": "x", "music_length_ms": 2_999})).await;
    assert_eq!((got.status, &got.json()["detail"][0]["loc"]), (422, &json!(["body", "music_length_ms"])));
    let got = music(&vendors, "/v1/music", &json!({"prompt": "like the Beatles"})).await;
    assert_eq!((got.status, &got.json()["detail"]["status"]), (400, &json!("bad_prompt")));
    assert!(got.json()["detail"]["data"]["prompt_suggestion"].is_string());
    let url = format!("{}/v1/music", vendors.url_of(Vendor::ElevenLabs));
    let keyless = send(client().post(&url).json(&json!({"prompt": "x"}))).await.unwrap();
    assert_eq!(keyless.status, 401);
    let small = client().post(format!("{url}?output_format=pcm_44100")).header("xi-api-key", "starter");
    let got = send(small.json(&json!({"prompt": "x"}))).await.unwrap();
    assert_eq!((got.status, &got.json()["detail"]["status"]), (403, &json!("only_for_creator+")));
    assert_eq!(vendors.ledger().len(), 0);
}

#[tokio::test]
async fn the_account_of_a_key_costs_nothing() {
    let vendors = Vendors::start().await;
    let account = get(&vendors, Vendor::ElevenLabs, "/v1/user/subscription").await.json();
    assert!(account["character_count"].as_u64() < account["character_limit"].as_u64(), "{account}");
    let url = format!("{}/v1/user/subscription", vendors.url_of(Vendor::ElevenLabs));
    let unknown = send(client().get(&url).header("xi-api-key", "invalid")).await.unwrap();
    assert_eq!((unknown.status, &unknown.json()["detail"]["status"]), (401, &json!("invalid_api_key")));
    assert_eq!((vendors.asked(Vendor::ElevenLabs, Route::Subscription), vendors.ledger().len()), (2, 0));
}

#[tokio::test]
async fn too_many_at_once_are_turned_away() {
    let options = Options { concurrent: 1, pace: Pace::Manual, ..Options::default() };
    let vendors = Vendors::start_with(options).await.unwrap();
    vendors.script(Vendor::ElevenLabs, Route::Music, [Step::Hang { after_work: false }]);
    let body = json!({"prompt": "x", "music_length_ms": 3_000});
    let hanging = tokio::spawn(send(request(&vendors, Vendor::ElevenLabs, Method::POST, "/v1/music").json(&body)));
    testbed::eventually("the first request", std::time::Duration::from_secs(10), || async {
        if vendors.asked(Vendor::ElevenLabs, Route::Music) == 1 { Ok(()) } else { Err("not yet") }
    })
    .await;
    let got = music(&vendors, "/v1/music", &body).await;
    assert_eq!((got.status, &got.json()["detail"]["status"]), (429, &json!("too_many_concurrent_requests")));
    assert_eq!(got.header("current-concurrent-requests"), "2");
    // A client that has given up makes room.
    hanging.abort();
    testbed::eventually("room for another", std::time::Duration::from_secs(10), || async {
        let status = music(&vendors, "/v1/music", &body).await.status;
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
}
