//! Vendors in the chains of the older routes: who made what, who was asked before, and what is told of a wrong key.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::{Manner, StandIn, eventually};
use vendor_standins::{Fault, Options, Pace, Retry, Route, Step, Vendor, Vendors};

use crate::support::{Expert, hum};

const FIELDS: [(&str, &str); 2] = [("prompt", "A romantic ballad about summer nights"), ("seed", "7")];

/// A service for which Anthropic's stand-in writes the words.
fn with_writer(vendors: &Vendors, key: &str) -> Expert {
    let base = vendors.url_of(Vendor::Anthropic);
    Expert::start_with(&[
        ("DESCANT_PROVIDERS__ANTHROPIC__BASE_URL", base.as_str()),
        ("DESCANT_PROVIDERS__ANTHROPIC__API_KEY", key),
    ])
}

async fn song(expert: &Expert) -> Value {
    let answer = expert.convert(hum(), &FIELDS).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// The steps of a song with who did them.
fn steps(song: &Value) -> Vec<(&str, &str)> {
    let steps = song["processing_steps"].as_array().unwrap();
    steps.iter().map(|step| (step["stage"].as_str().unwrap(), step["provider"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_routes_ask_whom_the_settings_name_and_the_stages_the_engine() {
    let vendors = Vendors::start().await;
    let expert = with_writer(&vendors, "a key");
    let health = expert.get_json("health").await;
    assert_eq!(health["providers"]["lyrics"], json!(["anthropic", "offline"]));
    assert_eq!(health["stages"]["lyrics"], json!(["offline"]));

    let song = song(&expert).await;
    assert_eq!(steps(&song), [("pitch", "offline"), ("lyrics", "anthropic"), ("vocals", "offline")], "{song}");
    let asked = vendors.asked(Vendor::Anthropic, Route::Messages);
    assert!(asked > 0);

    let recording = expert.http.post(expert.url("v1/melody")).body(hum());
    let melody: Value = recording.send().await.unwrap().json().await.unwrap();
    let call = json!({ "melody": melody, "request": { "prompt": FIELDS[0].1, "genre": null, "mood": null, "seed": 7, "language": "en" } });
    assert_eq!(expert.post_json("v1/lyrics", &call).await.status(), StatusCode::OK);
    assert_eq!(vendors.asked(Vendor::Anthropic, Route::Messages), asked, "a stage is the engine's alone");
    let models = expert.get_json("models").await;
    assert_eq!(models["stages"]["offline-lyrics-en"]["provider"], "offline", "{models}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_is_told_and_the_engine_does_its_part() {
    let vendors = Vendors::start().await;
    let expert = with_writer(&vendors, "a key");
    let no_credit = Step::Fail { fault: Fault::QuotaExceeded, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::Anthropic, Route::Messages, [no_credit]);
    let hummed = song(&expert).await;
    assert_eq!(steps(&hummed), [("pitch", "offline"), ("lyrics", "offline"), ("vocals", "offline")], "{hummed}");
    let tried = &hummed["processing_steps"][1]["tried"];
    assert_eq!((&tried[0]["provider"], &tried[0]["class"]), (&json!("anthropic"), &json!("money")), "{hummed}");
    let asked = vendors.asked(Vendor::Anthropic, Route::Messages);

    let call = json!({ "prompt": "a folk song about the sea", "duration": 20, "include_vocals": true, "seed": 7 });
    let composed: Value = expert.post_json("generate", &call).await.json().await.unwrap();
    assert_eq!(
        steps(&composed),
        [("composing", "offline"), ("words", "offline"), ("singing", "offline")],
        "{composed}"
    );
    assert_eq!(composed["processing_steps"][1]["tried"][0]["provider"], "anthropic", "{composed}");
    assert_eq!(vendors.asked(Vendor::Anthropic, Route::Messages), asked, "whoever has no credit is left alone");

    let health = expert.get_json("health").await;
    assert_eq!((&health["status"], &health["problems"][0]["name"]), (&json!("healthy"), &json!("anthropic/lyrics")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_works_on_is_called_off_when_the_client_has_gone() {
    let vendors = Vendors::start_with(Options { pace: Pace::Manual, ..Options::default() }).await.unwrap();
    let base = format!("{}/v1", vendors.url_of(Vendor::Replicate));
    let expert = Expert::start_with(&[
        ("DESCANT_PROVIDERS__REPLICATE__BASE_URL", base.as_str()),
        ("DESCANT_PROVIDERS__REPLICATE__API_KEY", "a key"),
        ("DESCANT_PROVIDERS__REPLICATE__OUTPUT_HOSTS", "127.0.0.1"),
        ("DESCANT_OUTBOUND__ALLOW_HOSTS", "127.0.0.1"),
    ]);
    let call = json!({ "prompt": "calm guitar", "duration": 5, "include_vocals": false });
    let asking = tokio::spawn(expert.http.post(expert.url("generate")).json(&call).send());
    let once = async |route: Route| {
        eventually(&format!("{route:?}"), Duration::from_secs(60), || async {
            let asked = vendors.asked(Vendor::Replicate, route);
            if asked == 1 { Ok(()) } else { Err(format!("asked {asked} times")) }
        })
        .await;
    };
    once(Route::CreatePrediction).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    once(Route::CancelPrediction).await;
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreatePrediction), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_before_anybody_needs_it() {
    let vendors = Vendors::start().await;
    let expert = with_writer(&vendors, "an invalid key");
    let service = &expert;
    let problem = eventually("the wrong key is told", Duration::from_secs(60), || async move {
        let health = service.get_json("health").await;
        assert_eq!(health["status"], "healthy", "the engine serves: {health}");
        match health["problems"].as_array().and_then(|problems| problems.first()) {
            Some(problem) => Ok(problem.clone()),
            None => Err(health),
        }
    })
    .await;
    assert_eq!(problem["name"], "anthropic/lyrics");
    assert!(!problem["problem"].as_str().unwrap().contains("an invalid key"), "{problem}");
    let song = song(&expert).await;
    assert_eq!(steps(&song)[1], ("lyrics", "offline"), "{song}");
    assert_eq!(vendors.asked(Vendor::Anthropic, Route::Messages), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_no_expert_and_least_of_all_itself() {
    let other = StandIn::start([Manner::Answers(500, Vec::new())]).await;
    let expert = Expert::start_with(&[
        ("EXPERT_MUSIC_AI_URL", other.url()),
        ("DESCANT_PROVIDERS__STUDIO__KIND", "expert"),
        ("DESCANT_PROVIDERS__STUDIO__BASE_URL", other.url()),
        ("DESCANT_CAPABILITIES__LYRICS", "studio,expert"),
        ("DESCANT_CAPABILITIES__VOCALS", "expert"),
    ]);
    let song = song(&expert).await;
    assert_eq!(steps(&song), [("pitch", "offline"), ("lyrics", "offline"), ("vocals", "offline")], "{song}");
    assert!(song["processing_steps"][1].get("tried").is_none(), "{song}");
    assert_eq!(other.asked(), 0);
}
