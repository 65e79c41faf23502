//! Scripts and the ledger over HTTP.

use serde_json::{Value, json};
use vendor_standins::{End, Fault, Pace, Retry, Run, Sound, Step, Stop, Vendor, Vendors, Webhook, Words};

use crate::client::{Got, ask, client, post, send};

async fn tell(vendors: &Vendors, path: &str, body: Value) -> Got {
    send(client().post(format!("{}/_control/{path}", vendors.url())).json(&body)).await.unwrap()
}

async fn read(vendors: &Vendors, path: &str) -> Value {
    send(client().get(format!("{}/_control/{path}", vendors.url()))).await.unwrap().json()
}

#[tokio::test]
async fn a_script_over_http_is_as_good_as_one_in_process() {
    let vendors = Vendors::start().await;
    let steps = json!(["proper", {"fail": {"fault": "rate_limited", "retry": {"seconds": 3}}}, {"reset": {"after_work": true}}]);
    let script = json!({"vendor": "anthropic", "route": "messages", "steps": steps});
    assert_eq!(tell(&vendors, "script", script).await.status, 204);
    assert_eq!(ask(&vendors, Vendor::Anthropic).await.unwrap().status, 200);
    let got = ask(&vendors, Vendor::Anthropic).await.unwrap();
    assert_eq!((got.status, got.header("retry-after")), (429, "3"));
    assert!(ask(&vendors, Vendor::Anthropic).await.is_err());
    let ledger = read(&vendors, "ledger").await;
    assert_eq!(ledger["charges"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&ledger["charges"][0]["vendor"], &ledger["charges"][0]["delivered"]),
        (&json!("anthropic"), &json!(true))
    );
    assert_eq!(ledger["total_micros"], ledger["charges"][0]["amount_micros"].as_u64().unwrap() * 2);
    assert_eq!(ledger["paid_twice"].as_array().unwrap().len(), 1);
    assert_eq!(ledger["asked"], json!([{"vendor": "anthropic", "route": "messages", "times": 3}]));
    assert_eq!(tell(&vendors, "reset", json!({})).await.status, 204);
    assert_eq!(read(&vendors, "ledger").await["charges"], json!([]));
}

#[tokio::test]
async fn dice_and_runs_over_http() {
    let vendors = Vendors::start().await;
    let dice = json!({"vendor": "ml", "share": 1.0, "seed": 2});
    assert_eq!(tell(&vendors, "random", dice).await.status, 204);
    assert_eq!(tell(&vendors, "random", json!({"vendor": "ml", "share": 0.0})).await.status, 204);
    assert_eq!(ask(&vendors, Vendor::Ml).await.unwrap().status, 200);
    for (share, status) in [(1.5, 400), (0.0, 204)] {
        assert_eq!(tell(&vendors, "random_runs", json!({"share": share})).await.status, status);
    }
    let script = json!({"vendor": "replicate", "route": "create_prediction", "steps": [{"run": {"pace": "manual"}}]});
    assert_eq!(tell(&vendors, "script", script).await.status, 204);
    let id = ask(&vendors, Vendor::Replicate).await.unwrap().json()["id"].clone();
    for _ in 0..2 {
        assert_eq!(tell(&vendors, "advance", json!({"id": id})).await.status, 204);
    }
    assert_eq!(tell(&vendors, "advance", json!({"id": id})).await.status, 400);
    assert_eq!(tell(&vendors, "expire", json!({"id": id})).await.status, 204);
    assert_eq!(read(&vendors, "webhooks").await, json!({"webhooks": []}));
}

#[tokio::test]
async fn what_is_no_script_is_refused_in_words() {
    let vendors = Vendors::start().await;
    for (path, body, word) in [
        ("script", json!({"vendor": "nobody", "route": "messages", "steps": []}), "unknown variant"),
        ("script", json!({"vendor": "openai", "route": "chat", "steps": [{"run": {}}]}), "cannot happen"),
        ("script", json!({"vendor": "openai", "route": "chat", "steps": [{"hang": {"for": 1}}]}), "unknown field"),
        ("random", json!({"vendor": "openai", "share": 2.0}), "from 0 to 1"),
        ("advance", json!({"id": "x"}), "no such"),
    ] {
        let got = tell(&vendors, path, body).await;
        let error = got.json()["error"].as_str().unwrap().to_owned();
        assert!(got.status == 400 && error.contains(word), "{error}");
    }
    assert_eq!(tell(&vendors, "nothing", json!({})).await.status, 404);
    assert_eq!(post(&vendors, Vendor::OpenAi, "/v1/models", &json!({})).await.status, 404);
}

/// Scripts are written by hand: their words are an interface.
#[test]
fn every_step_has_its_words() {
    let run = Run {
        end: End::Fails("E".to_owned()),
        pace: Some(Pace::Polls { starting: 1, processing: 2 }),
        webhooks: vec![Webhook::BeforeAnswer, Webhook::OldTimestamp],
    };
    for (step, words) in [
        (Step::Proper, json!("proper")),
        (
            Step::Fail { fault: Fault::BadCompositionPlan, retry: Retry::Millis(5), after_work: true },
            json!({"fail": {"fault": "bad_composition_plan", "retry": {"millis": 5}, "after_work": true}}),
        ),
        (Step::Hang { after_work: false }, json!({"hang": {}})),
        (Step::Close { after_work: true }, json!({"close": {"after_work": true}})),
        (Step::Delay { ms: 5 }, json!({"delay": {"ms": 5}})),
        (Step::SlowBody { ms: 5 }, json!({"slow_body": {"ms": 5}})),
        (Step::CutBody, json!("cut_body")),
        (Step::ContentType("a/b".to_owned()), json!({"content_type": "a/b"})),
        (Step::Oversized { bytes: 5 }, json!({"oversized": {"bytes": 5}})),
        (Step::Redirect { to: "x".to_owned() }, json!({"redirect": {"to": "x"}})),
        (Step::Text(Words::CodeFence), json!({"text": "code_fence"})),
        (Step::Text(Words::Literal("x".to_owned())), json!({"text": {"literal": "x"}})),
        (Step::Stop(Stop::ContentFilter), json!({"stop": "content_filter"})),
        (Step::Audio(Sound::NotAudio), json!({"audio": "not_audio"})),
        (
            Step::Run(run),
            json!({"run": {"end": {"fails": "E"}, "pace": {"polls": {"starting": 1, "processing": 2}},
                "webhooks": ["before_answer", "old_timestamp"]}}),
        ),
        (
            Step::Run(Run { end: End::Output(json!({"a": 1})), ..Run::default() }),
            json!({"run": {"end": {"output": {"a": 1}}}}),
        ),
    ] {
        assert_eq!(serde_json::from_value::<Step>(words).unwrap(), step);
        let again = serde_json::to_value(&step).unwrap();
        assert_eq!(serde_json::from_value::<Step>(again).unwrap(), step);
    }
}
