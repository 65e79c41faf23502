//! Words of chat models that come amiss.

use serde_json::{Value, json};
use vendor_standins::{Step, Stop, Vendor, Vendors, Words};

use crate::client::{Got, post, usual};

const CHATS: [Vendor; 2] = [Vendor::Anthropic, Vendor::OpenAi];

/// Lyrics in a schema, of a call that meets this step.
async fn written(vendor: Vendor, step: Step) -> Got {
    let vendors = Vendors::start().await;
    let (route, path, mut body) = usual(vendor);
    let schema = json!({"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}});
    match vendor {
        Vendor::Anthropic => body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}}),
        _ => {
            body["response_format"] =
                json!({"type": "json_schema", "json_schema": {"name": "lyrics", "schema": schema}})
        }
    }
    vendors.script(vendor, route, [step]);
    let got = post(&vendors, vendor, path, &body).await;
    assert_eq!((got.status, vendors.ledger().len()), (200, 1), "a failed lyric is paid for");
    got
}

/// The text and the reason to stop of a chat's answer.
fn said(vendor: Vendor, answer: &Value) -> (Option<String>, String) {
    let (text, reason) = match vendor {
        Vendor::Anthropic => (&answer["content"][0]["text"], &answer["stop_reason"]),
        _ => (&answer["choices"][0]["message"]["content"], &answer["choices"][0]["finish_reason"]),
    };
    (text.as_str().map(str::to_owned), reason.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn json_that_is_none_or_holds_what_no_line_may() {
    for vendor in CHATS {
        let text = async |words| said(vendor, &written(vendor, Step::Text(words)).await.json()).0.unwrap();
        let lines = |text: &str| serde_json::from_str::<Value>(text).map(|value| value["lines"].clone());
        assert_eq!(lines(&text(Words::Literal("{\"lines\": []}".to_owned())).await).unwrap(), json!([]));
        assert!(lines(&text(Words::Nul).await).unwrap()[0].as_str().unwrap().contains('\0'));
        assert!(lines(&text(Words::Arrays).await).unwrap()[0].is_array());
        for words in [Words::LoneSurrogate, Words::Truncated, Words::Prose, Words::CodeFence, Words::Empty] {
            assert!(lines(&text(words.clone()).await).is_err(), "{words:?}");
        }
        let body = written(vendor, Step::Text(Words::LoneSurrogateInBody)).await.bytes;
        assert!(
            String::from_utf8_lossy(&body).contains("\"\\ud800") && serde_json::from_slice::<Value>(&body).is_err()
        );
    }
}

#[tokio::test]
async fn models_stop_for_every_reason() {
    for (stop, of_anthropic, of_openai) in [
        (Stop::Refusal, "refusal", "stop"),
        (Stop::Length, "max_tokens", "length"),
        (Stop::ContentFilter, "refusal", "content_filter"),
        (Stop::PauseTurn, "pause_turn", "length"),
        (Stop::ContextWindow, "model_context_window_exceeded", "length"),
        (Stop::Unknown, "stop_of_another_kind", "stop_of_another_kind"),
    ] {
        for (vendor, reason) in [(Vendor::Anthropic, of_anthropic), (Vendor::OpenAi, of_openai)] {
            let answer = written(vendor, Step::Stop(stop)).await.json();
            assert_eq!(said(vendor, &answer).1, reason, "{vendor:?} {stop:?}");
            if (vendor, stop) == (Vendor::OpenAi, Stop::Refusal) {
                let message = &answer["choices"][0]["message"];
                assert!(message["refusal"].is_string() && message["content"].is_null());
            }
        }
    }
}
