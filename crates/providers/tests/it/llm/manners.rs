//! What is sent, and how servers that take less are asked.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use domain::FailureClass;
use providers::Stop;
use serde_json::{Value, json};
use testbed::{Heard, Manner, StandIn};
use vendor_standins::{Fault, Retry, Step, Vendors, Words};

use super::{ANTHROPIC, BOTH, LINES, OPENAI, Who, even, fits, rows::Rows, write, writer_of};

fn refusal(body: Value) -> Step {
    Step::Verbatim { status: 400, content_type: "application/json".to_owned(), body: body.to_string() }
}

#[tokio::test]
async fn a_server_without_schemas_is_asked_once_more_and_remembered() {
    let openai = json!({"error": {"message": "Unsupported: 'response_format' of type 'json_schema'",
        "type": "invalid_request_error", "param": "response_format", "code": null}});
    let anthropic = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "output_config: Extra inputs are not permitted"}});
    for (who, body) in [(OPENAI, openai), (ANTHROPIC, anthropic)] {
        let vendors = Vendors::start().await;
        vendors.script(who.vendor, who.route, [refusal(body)]);
        let (writer, rows) = (writer_of(&who.settings(&vendors)), Rows::default());
        // Without a schema the stand-ins write plain lines.
        fits(&write(&writer, &even(&LINES), &rows, 1).await.unwrap());
        assert_eq!((vendors.asked(who.vendor, who.route), rows.all().len()), (2, 1), "{who:?}: one call");
        fits(&write(&writer, &even(&LINES), &rows, 2).await.unwrap());
        assert_eq!(vendors.asked(who.vendor, who.route), 3, "{who:?}");
        assert!(vendors.paid_twice().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_refuses_whatever_it_is_asked_is_not_asked_for_ever() {
    let vendors = Vendors::start().await;
    let body = json!({"error": {"message": "no response_format, no max_tokens, no max_completion_tokens"}});
    vendors.script(OPENAI.vendor, OPENAI.route, vec![refusal(body); 10]);
    let (writer, rows) = (writer_of(&OPENAI.settings(&vendors)), Rows::default());
    assert!(write(&writer, &even(&LINES), &rows, 1).await.is_err());
    assert_eq!(vendors.asked(OPENAI.vendor, OPENAI.route), 3);
    assert!(vendors.ledger().is_empty());
}

#[tokio::test]
async fn models_that_reason_are_told_their_limit_by_its_newer_name() {
    let vendors = Vendors::start().await;
    let mut settings = OPENAI.settings(&vendors);
    settings.model = "gpt-5.4-mini".to_owned();
    let (writer, rows) = (writer_of(&settings), Rows::default());
    fits(&write(&writer, &even(&LINES), &rows, 1).await.unwrap());
    assert_eq!(vendors.asked(OPENAI.vendor, OPENAI.route), 2);
    fits(&write(&writer, &even(&LINES), &rows, 2).await.unwrap());
    assert_eq!(vendors.asked(OPENAI.vendor, OPENAI.route), 3);
}

async fn heard(who: Who, path: &str, key: Option<&str>) -> (Heard, Value) {
    let server = StandIn::start([Manner::Answers(500, Vec::new())]).await;
    let writer = writer_of(&who.settings_at(&format!("{}{path}", server.url()), key));
    assert!(write(&writer, &even(&LINES), &Rows::default(), 1).await.is_err());
    let heard = server.heard().remove(0);
    let body = serde_json::from_slice(&heard.body).unwrap();
    (Heard { head: heard.head.to_ascii_lowercase(), ..heard }, body)
}

#[tokio::test]
async fn what_is_sent() {
    let (to_anthropic, body) = heard(ANTHROPIC, "", Some("a-key")).await;
    for line in ["post /v1/messages ", "anthropic-version: 2023-06-01\r\n", "x-api-key: a-key\r\n", "idempotency-key: "]
    {
        assert!(to_anthropic.head.contains(line), "{}", to_anthropic.head);
    }
    assert_eq!(body["output_config"]["format"]["type"], "json_schema");
    assert_eq!((&body["max_tokens"], &body["messages"].as_array().unwrap().len()), (&json!(4096), &1));
    assert!(body["messages"][0]["content"].as_str().unwrap().contains("Line 4: 6 syllables, pattern "));
    let (to_openai, other) = heard(OPENAI, "/v1", Some("a-key")).await;
    for line in ["post /v1/chat/completions ", "authorization: bearer a-key\r\n"] {
        assert!(to_openai.head.contains(line), "{}", to_openai.head);
    }
    assert_eq!(other["response_format"]["json_schema"]["strict"], true);
    assert_eq!((&other["max_tokens"], &other["messages"][1]["role"]), (&json!(4096), &json!("user")));
    for body in [body, other] {
        let schema = body.pointer("/output_config/format/schema");
        let schema = schema.or_else(|| body.pointer("/response_format/json_schema/schema")).unwrap();
        assert_eq!((&schema["additionalProperties"], &schema["required"]), (&json!(false), &json!(["title", "lines"])));
        for absent in ["temperature", "top_p", "top_k", "stream", "tools"] {
            assert!(body.get(absent).is_none(), "{absent}");
        }
        assert_ne!(body["messages"].as_array().unwrap().last().unwrap()["role"], "assistant", "no prefill");
    }
    let (local, _) = heard(OPENAI, "/v1", None).await;
    assert!(!local.head.contains("authorization"), "{}", local.head);
}

#[tokio::test]
async fn a_version_names_vendor_model_and_prompt() {
    let vendors = Vendors::start().await;
    for who in BOTH {
        let settings = who.settings(&vendors);
        let version = writer_of(&settings).version();
        for part in [who.name, settings.base_url.as_str(), &settings.model, "prompt 2"] {
            assert!(version.contains(part), "{version}");
        }
        assert!(!version.contains("stand-in"), "{version}");
        let other = settings::Vendor { model: "another".to_owned(), ..settings };
        assert_ne!(writer_of(&other).version(), version);
    }
}

/// An answer that says that it was the last for so long.
fn last_for(who: Who, wait: Duration) -> Step {
    let header = |name: &str, value: String| (name.to_owned(), value);
    let reset = Utc::now() + TimeDelta::from_std(wait).unwrap();
    Step::Headers(match who.name {
        "anthropic" => vec![
            header("anthropic-ratelimit-requests-remaining", "0".to_owned()),
            header("anthropic-ratelimit-requests-reset", reset.to_rfc3339()),
        ],
        _ => vec![
            header("x-ratelimit-remaining-requests", "0".to_owned()),
            header("x-ratelimit-reset-requests", format!("{}ms", wait.as_millis())),
        ],
    })
}

#[tokio::test]
async fn who_takes_no_more_calls_for_long_is_not_asked_meanwhile() {
    for who in BOTH {
        let vendors = Vendors::start().await;
        vendors.script(who.vendor, who.route, [last_for(who, Duration::from_secs(600))]);
        let (writer, rows) = (writer_of(&who.settings(&vendors)), Rows::default());
        assert_eq!(writer.slots().slots(), 4, "{who:?}: as many as the settings say");
        fits(&write(&writer, &even(&LINES), &rows, 1).await.unwrap());
        assert_eq!(writer.slots().slots(), 1, "{who:?}");
        let refused = write(&writer, &even(&LINES), &rows, 2).await;
        let Err(Stop::Failed(failure)) = &refused else { panic!("{who:?}: {refused:?}") };
        let wait = failure.retry_after.unwrap();
        assert_eq!(failure.class, FailureClass::RetryAfter, "{who:?}");
        assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(10), "{who:?}: {wait:?}");
        assert_eq!(vendors.asked(who.vendor, who.route), 1, "{who:?}: it is asked for all the same");
    }
}

#[tokio::test]
async fn who_takes_calls_again_soon_is_waited_for() {
    for who in BOTH {
        let vendors = Vendors::start().await;
        vendors.script(who.vendor, who.route, [last_for(who, Duration::from_millis(1_500))]);
        let (writer, rows) = (writer_of(&who.settings(&vendors)), Rows::default());
        for seed in [1, 2] {
            fits(&write(&writer, &even(&LINES), &rows, seed).await.unwrap());
        }
        assert_eq!(vendors.asked(who.vendor, who.route), 2, "{who:?}");
        assert_eq!(writer.slots().slots(), 4, "{who:?}: there is room again");
    }
}

#[tokio::test]
async fn words_that_are_paid_for_outlive_a_vendors_rest() {
    let overloaded = Step::Fail { fault: Fault::Overloaded, retry: Retry::Absent, after_work: false };
    for who in BOTH {
        let vendors = Vendors::start().await;
        vendors.script(who.vendor, who.route, [Step::Text(Words::TooLong), overloaded.clone()]);
        let rows = Rows::default();
        assert!(write(&writer_of(&who.settings(&vendors)), &even(&LINES), &rows, 1).await.is_err(), "{who:?}");
        // Another process, the same rows; somebody else's call was the last for a while.
        let writer = writer_of(&who.settings(&vendors));
        vendors.script(who.vendor, who.route, [last_for(who, Duration::from_secs(3))]);
        fits(&write(&writer, &even(&LINES), &Rows::default(), 2).await.unwrap());
        fits(&write(&writer, &even(&LINES), &rows, 1).await.unwrap());
        assert_eq!(vendors.asked(who.vendor, who.route), 4, "{who:?}: the first words are not asked for again");
    }
}
