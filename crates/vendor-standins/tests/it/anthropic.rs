//! The Messages API.

use serde_json::{Value, json};
use vendor_standins::{Vendor, Vendors};

use crate::client::{client, post, send};

const PATH: &str = "/v1/messages";

fn message(extra: Value) -> Value {
    let mut body = json!({"model": "claude-sonnet-5", "max_tokens": 1_000,
        "messages": [{"role": "user", "content": "Line 1: 7 syllables\nLine 2: 5 syllables"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

async fn refused(vendors: &Vendors, extra: Value) -> (u16, String, String) {
    let got = post(vendors, Vendor::Anthropic, PATH, &message(extra)).await;
    let error = got.json();
    assert_eq!(error["type"], "error", "{error}");
    assert_eq!(error["request_id"], got.header("request-id"));
    let text = |name: &str| error["error"][name].as_str().unwrap().to_owned();
    (got.status, text("type"), text("message"))
}

#[tokio::test]
async fn lyrics_in_the_schema_that_was_asked_for() {
    let vendors = Vendors::start().await;
    let schema = json!({"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}});
    let format = json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let got = post(&vendors, Vendor::Anthropic, PATH, &message(format)).await;
    let answer = got.json();
    assert_eq!((got.status, &answer["type"], &answer["stop_reason"]), (200, &json!("message"), &json!("end_turn")));
    let text: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["lines"].as_array().unwrap().len(), 2);
    assert!(answer["usage"]["output_tokens"].as_u64().unwrap() > 0);
    assert!(got.header("anthropic-ratelimit-requests-reset").ends_with('Z'));
    // As a tool.
    let tool =
        json!({"tools": [{"name": "sing", "input_schema": schema}], "tool_choice": {"type": "tool", "name": "sing"}});
    let answer = post(&vendors, Vendor::Anthropic, PATH, &message(tool)).await.json();
    assert_eq!((&answer["stop_reason"], &answer["content"][0]["type"]), (&json!("tool_use"), &json!("tool_use")));
    assert_eq!(answer["content"][0]["input"]["lines"].as_array().unwrap().len(), 2);
    assert_eq!(vendors.ledger().len(), 2);
}

#[tokio::test]
async fn a_text_longer_than_its_tokens_is_cut() {
    let vendors = Vendors::start().await;
    let answer = post(&vendors, Vendor::Anthropic, PATH, &message(json!({"max_tokens": 2}))).await.json();
    assert_eq!(answer["stop_reason"], "max_tokens");
    assert_eq!(answer["content"][0]["text"].as_str().unwrap().chars().count(), 8);
}

#[tokio::test]
async fn keys_models_and_parameters_are_held_against_the_rules() {
    let vendors = Vendors::start().await;
    let client = client();
    let url = format!("{}{PATH}", vendors.url_of(Vendor::Anthropic));
    let got =
        send(client.post(&url).header("anthropic-version", "2023-06-01").json(&message(json!({})))).await.unwrap();
    assert_eq!((got.status, &got.json()["error"]["type"]), (401, &json!("authentication_error")));
    let got = send(client.post(&url).header("x-api-key", "key").json(&message(json!({})))).await.unwrap();
    assert_eq!((got.status, &got.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(refused(&vendors, json!({"model": "claude-3-opus-20240229"})).await.0, 404);
    for extra in [
        json!({"max_tokens": null}),
        json!({"messages": []}),
        json!({"messages": [{"role": "system", "content": "x"}]}),
        json!({"temperature": 0.5}),
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]}),
        json!({"output_config": {"format": {"type": "json_object"}}}),
    ] {
        let (status, kind, message) = refused(&vendors, extra.clone()).await;
        assert_eq!((status, kind.as_str()), (400, "invalid_request_error"), "{extra}: {message}");
    }
    // An older model takes sampling parameters, and the newer version of the API takes none.
    let older = message(json!({"model": "claude-haiku-4-5-20251001", "temperature": 0.5}));
    assert_eq!(post(&vendors, Vendor::Anthropic, PATH, &older).await.status, 200);
    let newer = client.post(&url).header("x-api-key", "key").header("anthropic-version", "2026-10-21").json(&older);
    assert_eq!(send(newer).await.unwrap().status, 400);
    assert_eq!(vendors.ledger().len(), 1);
}

#[tokio::test]
async fn a_model_is_told_of_by_its_name() {
    let vendors = Vendors::start().await;
    let client = client();
    let ask = async |model: &str, key: &str| {
        let url = format!("{}/v1/models/{model}", vendors.url_of(Vendor::Anthropic));
        send(client.get(&url).header("x-api-key", key).header("anthropic-version", "2023-06-01")).await.unwrap()
    };
    let there = ask("claude-haiku-4-5", "key").await;
    assert_eq!((there.status, &there.json()["id"]), (200, &json!("claude-haiku-4-5")));
    let gone = ask("claude-3-opus-20240229", "key").await;
    assert_eq!((gone.status, &gone.json()["error"]["type"]), (404, &json!("not_found_error")));
    assert_eq!(ask("claude-haiku-4-5", "invalid").await.status, 401);
    assert!(vendors.ledger().is_empty());
}
