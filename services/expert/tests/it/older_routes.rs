//! The routes that older clients know: what they take, how much of it, and from whom.

use std::io::Cursor;

use media::{Bounds, Encoding, Tags};
use reqwest::{Method, Response, StatusCode, multipart};
use serde_json::{Value, json};

use crate::support::{Expert, MAX_SIZE_BYTES, assert_refused, carried, hum, silence};

const PROMPT: (&str, &str) = ("prompt", "A romantic ballad about summer nights");
const KEY: &str = "0123456789abcdef";

fn seconds(file: Vec<u8>) -> f64 {
    let sound = media::decode_mono(Cursor::new(file), 44_100, &Bounds::default()).unwrap();
    assert!(sound.samples.iter().any(|sample| sample.abs() > 0.1), "there is something to be heard");
    sound.samples.len() as f64 / f64::from(sound.sample_rate_hz)
}

#[tokio::test]
async fn a_sentence_becomes_music() {
    let expert = Expert::start();
    let call = json!({
        "prompt": "upbeat electronic dance music", "duration": 8, "bpm": 120, "instruments": ["piano", "metro_drums"],
        "model_version": "medium", "include_vocals": false, "key": "A minor", "seed": 7, "output_format": "wav",
    });
    let answer = expert.post_json("generate", &call).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let song: Value = answer.json().await.unwrap();
    for field in ["success", "audio_url", "prediction_id", "model_used", "message", "duration"] {
        assert!(song.get(field).is_some(), "{field} is there: {song}");
    }
    assert_eq!((&song["success"], &song["model_used"]), (&json!(true), &json!("offline")));
    assert_eq!((&song["duration"], &song["seed"]), (&json!(8.0), &json!(7)));
    assert!(song["warnings"][0].as_str().unwrap().contains("metro_drums"), "{song}");
    let (media_type, wav) = carried(&song["audio_url"]);
    assert_eq!(media_type, "audio/wav");
    assert!((seconds(wav.clone()) - 8.0).abs() < 0.01);
    let again: Value = expert.post_json("generate", &call).await.json().await.unwrap();
    assert_eq!(carried(&again["audio_url"]).1, wav, "the same seed gives the same song");
}

#[tokio::test]
async fn a_sentence_becomes_a_song_that_is_sung() {
    let expert = Expert::start();
    let call = json!({ "prompt": "a folk song about the sea", "duration": 20, "include_vocals": true, "seed": 7 });
    let song: Value = expert.post_json("generate", &call).await.json().await.unwrap();
    assert_eq!(song["success"], true, "{song}");
    assert!(song["lyrics"].as_str().unwrap().lines().count() > 1, "{song}");
    let lines = song["lyrics_lines"].as_array().unwrap();
    assert!(lines.len() > 1 && lines[0][0]["startSeconds"].is_number(), "{song}");
    assert!((seconds(carried(&song["audio_url"]).1) - 20.0).abs() < 0.2);
}

#[tokio::test]
async fn models_of_the_registry_are_listed_and_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let registry = json!({
        "base": { "small": "meta/musicgen:b05b1dff" },
        "fine_tuned": { "telecaster": { "model_id": "someone/telecaster:1f2e", "description": "twang" } },
    });
    std::fs::write(folder.path().join("registry.json"), registry.to_string()).unwrap();
    let path = folder.path().display().to_string();
    let expert = Expert::start_with(&[("DESCANT_ENGINE__MODELS_DIR", &path)]);
    let models = expert.get_json("models").await;
    assert_eq!(models["base"]["small"], "meta/musicgen:b05b1dff");
    assert_eq!(models["fine_tuned"], json!({ "telecaster": "someone/telecaster:1f2e" }));

    let call = |model: &str| json!({ "prompt": "calm guitar", "duration": 5, "model": model });
    let elsewhere = expert.post_json("generate", &call("telecaster")).await;
    let detail = assert_refused("nobody here has it", elsewhere, 422, "impossible_options").await;
    assert!(detail.contains("telecaster"), "{detail}");
    let unknown = expert.post_json("generate", &call("strat")).await;
    let detail = assert_refused("unknown", unknown, 400, "provider_rejected").await;
    assert!(detail.contains("telecaster, small"), "{detail}");
}

#[tokio::test]
async fn music_that_cannot_be_made() {
    let expert = Expert::start();
    let check = async |call: Value, status: u16, code: &str, word: &str| {
        let answer = expert.post_json("generate", &call).await;
        let detail = assert_refused(&call.to_string(), answer, status, code).await;
        assert!(detail.contains(word), "{word}: {detail}");
    };
    check(json!({}), 400, "provider_rejected", "prompt").await;
    check(json!({ "prompt": "calm piano", "duration": 601 }), 400, "provider_rejected", "lengthMs").await;
    check(json!({ "prompt": "calm piano", "key": "H" }), 400, "provider_rejected", "key").await;
    check(json!({ "prompt": "calm piano", "mood": "nonsense" }), 400, "provider_rejected", "mood").await;
    check(json!({ "prompt": "calm piano", "output_format": "ogg" }), 400, "provider_rejected", "mp3 or wav").await;
    check(json!({ "prompt": "calm", "include_vocals": true, "duration": 5 }), 400, "provider_rejected", "words").await;
    check(json!("calm piano"), 400, "provider_rejected", "body").await;
}

#[tokio::test]
async fn trainings_are_looked_at_and_people_are_told_where_they_are_done() {
    let url = "https://music.example.org/trainings";
    let expert = Expert::start_with(&[("DESCANT_EXPERT__TRAINING_URL", url)]);
    let part = |sound: Vec<u8>, name: &'static str| multipart::Part::bytes(sound).file_name(name);
    let train = async |form: multipart::Form| -> Response {
        expert.http.post(expert.url("train")).multipart(form).send().await.unwrap()
    };
    let good = || {
        multipart::Form::new()
            .text("instrument_name", "telecaster")
            .part("files", part(hum(), "a.wav"))
            .part("files", part(hum(), "b.wav"))
    };
    let answer = train(good()).await;
    assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((&problem["success"], &problem["training_url"]), (&json!(false), &json!(url)));
    assert!(problem["message"].as_str().unwrap().contains(url), "{problem}");

    let call =
        json!({ "instrument_name": "telecaster", "description": "", "dataset_url": "https://example.org/a.zip" });
    assert_refused("by address", expert.post_json("train", &call).await, 501, "provider_config").await;
    for call in [json!({}), json!({ "instrument_name": "../x", "dataset_url": "https://example.org/a.zip" })] {
        assert_refused("no call", expert.post_json("train", &call).await, 400, "provider_rejected").await;
    }
    let nameless = multipart::Form::new().part("files", part(hum(), "a.wav"));
    assert_refused("nameless", train(nameless).await, 400, "provider_rejected").await;
    let empty = multipart::Form::new().text("instrument_name", "telecaster");
    assert_refused("no recordings", train(empty).await, 400, "provider_rejected").await;
    let silent = good().part("files", part(silence(), "c.wav"));
    assert_refused("a silent one", train(silent).await, 422, "invalid_audio").await;
    let large = good().part("files", part(vec![0; MAX_SIZE_BYTES as usize + 1], "c.wav"));
    assert_refused("a large one", train(large).await, 413, "invalid_audio").await;
    let mut many = good();
    for _ in 0..20 {
        many = many.part("files", part(Vec::new(), "d.wav"));
    }
    assert_refused("too many", train(many).await, 400, "provider_rejected").await;
}

#[tokio::test]
async fn formats_are_those_of_the_settings_by_name_and_by_content() {
    let expert = Expert::start();
    let ogg =
        media::encode(&vec![0.3; 44_100 * 2], 44_100, 1, Encoding::Ogg { quality: 4.0 }, &Tags::default()).unwrap();
    for (name, file) in [("hum.ogg", ogg.clone()), ("hum.exe", hum()), ("hum.wav", ogg), ("hum.webm", hum())] {
        let answer = expert.convert_named(file, name, &[PROMPT]).await;
        assert_refused(name, answer, 415, "invalid_audio").await;
    }
    let tune = pitch::sample::hummed_tune();
    for (name, encoding) in [("hum.mp3", Encoding::Mp3 { kbps: 192 }), ("hum.flac", Encoding::Flac)] {
        let file = media::encode(&tune.samples, tune.sample_rate_hz, 1, encoding, &Tags::default()).unwrap();
        let answer = expert.convert_named(file, name, &[PROMPT]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn an_address_may_not_ask_for_more_than_its_share() {
    let expert = Expert::start_with(&[("DESCANT_EXPERT__RATE_PER_MINUTE", "2")]);
    for _ in 0..2 {
        let answer = expert.post_json("generate", &json!({})).await;
        assert_refused("counted all the same", answer, 400, "provider_rejected").await;
    }
    let third = expert.post_json("train", &json!({})).await;
    let wait: u64 = third.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_refused("one too many", third, 429, "provider_unavailable").await;
    let stage = expert.http.post(expert.url("v1/melody")).body(hum()).send().await.unwrap();
    assert_eq!(stage.status(), StatusCode::OK, "orchestrators are not counted");
    expert.get_json("health").await;
}

#[tokio::test]
async fn where_there_is_a_key_it_is_asked_for() {
    let expert = Expert::start_with(&[("EXPERT_API_KEY", KEY)]);
    for path in ["", "health", "metrics"] {
        assert_eq!(expert.get(path).await.status(), StatusCode::OK, "{path:?} is for everybody");
    }
    let ask = async |token: Option<&str>| {
        let request = expert.http.get(expert.url("models"));
        let request = match token {
            Some(token) => request.header("authorization", token),
            None => request,
        };
        request.send().await.unwrap()
    };
    for token in [None, Some("Bearer 0123456789abcdeX"), Some("Bearer 0123456789abcdef0"), Some(KEY), Some("Bearer ")] {
        let answer = ask(token).await;
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{token:?}");
        assert_refused("without the key", answer, 401, "provider_config").await;
    }
    for path in ["melody-to-vocals", "generate", "train", "v1/melody", "v1/lyrics", "v1/vocals"] {
        assert_refused(path, expert.post_json(path, &json!({})).await, 401, "provider_config").await;
    }
    assert_eq!(ask(Some(&format!("bearer {KEY}"))).await.status(), StatusCode::OK);

    let client = |key: Option<&str>| {
        let key = key.map(|key| settings::Secret::new(key.to_owned()));
        let outbound = providers::Outside::default().outbound().unwrap();
        providers::ExpertClient::new(&outbound, "studio", expert.base.clone(), key).unwrap()
    };
    providers::SetupCheck::check(&client(Some(KEY))).await.unwrap();
    let refused = providers::SetupCheck::check(&client(None)).await.unwrap_err();
    assert_eq!(refused.class, domain::FailureClass::Config, "{refused:?}");
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_others_not() {
    const PAGE: &str = "http://localhost:5173";
    let expert = Expert::start_with(&[("DESCANT_EXPERT__CORS_ORIGINS", PAGE), ("EXPERT_API_KEY", KEY)]);
    let preflight = async |origin: &str| {
        let request = expert.http.request(Method::OPTIONS, expert.url("melody-to-vocals"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "authorization,x-any").send().await.unwrap()
    };
    let allowed = preflight(PAGE).await;
    assert_eq!(allowed.headers()["access-control-allow-origin"], PAGE, "a preflight has no key");
    let refused = preflight("http://elsewhere.example.org").await;
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
    let answer = expert.http.get(expert.url("models")).header("origin", PAGE).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE, "a refusal can be read, too");
    assert_refused("no key", answer, 401, "provider_config").await;
}
