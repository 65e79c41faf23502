//! Chat, speech, models and moderations.

use serde_json::{Value, json};
use vendor_standins::{Vendor, Vendors};

use crate::client::{Got, client, get, post, wav};

async fn chat(vendors: &Vendors, extra: Value) -> Got {
    let mut body = json!({"model": "gpt-5.5", "messages": [
        {"role": "system", "content": "You write lyrics."}, {"role": "user", "content": "Syllables per line: 7, 5, 6"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    post(vendors, Vendor::OpenAi, "/v1/chat/completions", &body).await
}

async fn speech(vendors: &Vendors, extra: Value) -> Got {
    let mut body = json!({"model": "tts-1", "voice": "alloy", "input": "A paper boat", "response_format": "wav"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    post(vendors, Vendor::OpenAi, "/v1/audio/speech", &body).await
}

#[tokio::test]
async fn lyrics_in_the_schema_that_was_asked_for() {
    let vendors = Vendors::start().await;
    let schema = json!({"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}});
    let named = |name: &str| json!({"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}});
    let got = chat(&vendors, named("lyrics")).await;
    let answer = got.json();
    assert_eq!((got.status, &answer["choices"][0]["finish_reason"]), (200, &json!("stop")));
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(content).unwrap()["lines"].as_array().unwrap().len(), 3);
    for name in ["", "with space", &"x".repeat(65)] {
        let got = chat(&vendors, named(name)).await;
        assert_eq!((got.status, &got.json()["error"]["param"]), (400, &json!("response_format.json_schema.name")));
    }
    let cut = chat(&vendors, json!({"max_completion_tokens": 2})).await.json();
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn errors_have_all_four_fields() {
    let vendors = Vendors::start().await;
    for (extra, status, code) in [
        (json!({"model": "gpt-9"}), 404, json!("model_not_found")),
        (json!({"temperature": 0.2}), 400, json!("unsupported_value")),
        (json!({"max_tokens": 10}), 400, json!("unsupported_parameter")),
        (json!({"messages": []}), 400, Value::Null),
        (json!({"response_format": {"type": "xml"}}), 400, Value::Null),
    ] {
        let got = chat(&vendors, extra.clone()).await;
        let error = &got.json()["error"];
        assert_eq!((got.status, &error["code"]), (status, &code), "{extra}: {error}");
        for field in ["message", "type", "param", "code"] {
            assert!(error.get(field).is_some(), "{error} has no {field}");
        }
    }
    let keyless = client().get(format!("{}/v1/models", vendors.url_of(Vendor::OpenAi))).send().await.unwrap();
    assert_eq!(keyless.status(), 401);
    assert_eq!(chat(&vendors, json!({"model": "gpt-4o", "temperature": 0.2, "max_tokens": 500})).await.status, 200);
}

#[tokio::test]
async fn speech_lasts_as_long_as_its_words_take() {
    let vendors = Vendors::start().await;
    let short = speech(&vendors, json!({})).await;
    assert_eq!((short.status, short.header("content-type")), (200, "audio/wav"));
    let (rate, channels, samples) = wav(&short.bytes);
    assert_eq!((rate, channels), (24_000, 1));
    assert!(samples.len() > 24_000 / 2 && samples.iter().any(|sample| sample.unsigned_abs() > 3_000));
    let fast = speech(&vendors, json!({"speed": 2.0})).await;
    let (_, _, fast) = wav(&fast.bytes);
    assert!((fast.len() * 2).abs_diff(samples.len()) < 50);
    let pcm = speech(&vendors, json!({"response_format": "pcm"})).await;
    assert_eq!(pcm.bytes.len(), samples.len() * 2);
    let mp3 = speech(&vendors, json!({"response_format": "mp3"})).await;
    assert_eq!((mp3.header("content-type"), mp3.bytes[0], mp3.bytes[1] & 0xe0), ("audio/mpeg", 0xff, 0xe0));
    assert_eq!(speech(&vendors, json!({"model": "kokoro", "voice": "af_heart"})).await.status, 200);
    let voices = get(&vendors, Vendor::OpenAi, "/v1/audio/voices").await.json();
    assert!(voices["voices"].as_array().unwrap().contains(&json!("af_heart")));
    for (extra, status) in [
        (json!({"input": ""}), 400),
        (json!({"input": "x".repeat(4_097)}), 400),
        (json!({"voice": "nobody"}), 400),
        (json!({"speed": 4.5}), 400),
        (json!({"response_format": "midi"}), 400),
        (json!({"response_format": "opus"}), 501),
        (json!({"model": "gpt-4o"}), 404),
    ] {
        assert_eq!(speech(&vendors, extra.clone()).await.status, status, "{extra}");
    }
}

#[tokio::test]
async fn models_and_moderations() {
    let vendors = Vendors::start().await;
    let models = get(&vendors, Vendor::OpenAi, "/v1/models").await.json();
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "gpt-5.5"));
    let body = json!({"input": ["a paper boat", "I will kill the idiot"]});
    let got = post(&vendors, Vendor::OpenAi, "/v1/moderations", &body).await.json();
    assert_eq!((&got["results"][0]["flagged"], &got["results"][1]["flagged"]), (&json!(false), &json!(true)));
    assert_eq!(got["results"][1]["categories"]["violence"], true);
    assert_eq!(post(&vendors, Vendor::OpenAi, "/v1/moderations", &json!({"input": []})).await.status, 400);
    assert_eq!(vendors.ledger().len(), 0);
}
