//! Predictions and trainings from their order to their end.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vendor_standins::{End, Options, Pace, Route, Run, Sound, Step, USER, Vendor, Vendors};

use crate::client::{BARK, Got, MUSICGEN, TRAINER, client, get, post, request, send, wav};

async fn create(vendors: &Vendors, body: &Value) -> Got {
    post(vendors, Vendor::Replicate, "/v1/predictions", body).await
}

fn bark() -> Value {
    json!({"version": BARK, "input": {"prompt": "♪ a paper boat ♪"}})
}

async fn look(vendors: &Vendors, id: &str) -> Value {
    get(vendors, Vendor::Replicate, &format!("/v1/predictions/{id}")).await.json()
}

async fn over(vendors: &Vendors, id: &str) -> Value {
    testbed::eventually("the end of a prediction", Duration::from_secs(20), || async {
        let seen = look(vendors, id).await;
        if seen["completed_at"].is_null() { Err(seen) } else { Ok(seen) }
    })
    .await
}

/// Creates a prediction that ends so, and waits for it.
async fn ended(vendors: &Vendors, end: End) -> Value {
    let run = Run { end, ..Run::default() };
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [Step::Run(run)]);
    let id = create(vendors, &bark()).await.json()["id"].as_str().unwrap().to_owned();
    over(vendors, &id).await
}

#[tokio::test]
async fn bark_speaks_as_an_object_and_musicgen_plays_as_an_address() {
    let vendors = Vendors::start().await;
    let created = create(&vendors, &bark()).await;
    assert_eq!((created.status, &created.json()["status"]), (201, &json!("starting")));
    let done = over(&vendors, created.json()["id"].as_str().unwrap()).await;
    assert_eq!(
        (&done["status"], &done["model"], &done["version"]),
        (&json!("succeeded"), &json!("suno-ai/bark"), &json!(BARK))
    );
    assert!(done["output"]["prompt_npz"].is_null() && done["metrics"]["predict_time"].as_f64().unwrap() > 0.5);
    let file = send(client().get(done["output"]["audio_out"].as_str().unwrap())).await.unwrap();
    let (rate, channels, samples) = wav(&file.bytes);
    assert_eq!((rate, channels), (24_000, 1));
    assert!(samples.iter().any(|sample| sample.unsigned_abs() > 3_000));

    let body = json!({"version": format!("meta/musicgen:{MUSICGEN}"),
        "input": {"prompt": "folk", "duration": 5, "model_version": "stereo-melody-large", "seed": 3}});
    let done = over(&vendors, create(&vendors, &body).await.json()["id"].as_str().unwrap()).await;
    let file = send(client().get(done["output"].as_str().unwrap())).await.unwrap();
    let (rate, channels, samples) = wav(&file.bytes);
    assert_eq!((rate, channels, samples.len()), (32_000, 2, 5 * 32_000 * 2));
}

#[tokio::test]
async fn waiting_holds_the_answer_until_the_end() {
    let vendors = Vendors::start().await;
    let waiting = request(&vendors, Vendor::Replicate, Method::POST, "/v1/models/google/lyria-2/predictions");
    let got = send(waiting.header("prefer", "wait=20").json(&json!({"input": {"prompt": "folk"}}))).await.unwrap();
    assert_eq!((&got.json()["status"], &got.json()["version"]), (&json!("succeeded"), &json!("hidden")));
    vendors.script(
        Vendor::Replicate,
        Route::CreatePrediction,
        [Step::Run(Run { pace: Some(Pace::Manual), ..Run::default() })],
    );
    let waiting = request(&vendors, Vendor::Replicate, Method::POST, "/v1/predictions").header("prefer", "wait=1");
    assert_eq!(send(waiting.json(&bark())).await.unwrap().json()["status"], "starting");
}

#[tokio::test]
async fn runs_go_by_polls_or_by_hand() {
    let options = Options { pace: Pace::Polls { starting: 1, processing: 2 }, ..Options::default() };
    let vendors = Vendors::start_with(options).await.unwrap();
    let id = create(&vendors, &bark()).await.json()["id"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(look(&vendors, &id).await["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["starting", "processing", "processing", "succeeded", "succeeded"]);
    vendors.script(
        Vendor::Replicate,
        Route::CreatePrediction,
        [Step::Run(Run { pace: Some(Pace::Manual), ..Run::default() })],
    );
    let id = create(&vendors, &bark()).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(look(&vendors, &id).await["status"], "starting");
    assert!(vendors.advance(&id));
    assert_eq!(look(&vendors, &id).await["status"], "processing");
    assert!(vendors.advance(&id) && !vendors.advance(&id) && !vendors.advance("nobody"));
    assert_eq!(look(&vendors, &id).await["status"], "succeeded");
    assert!(vendors.expire(&id));
    let expired = look(&vendors, &id).await;
    assert_eq!((&expired["output"], &expired["data_removed"]), (&Value::Null, &json!(true)));
    let path = format!("{}/delivery/{id}/out.wav", vendors.url());
    assert_eq!(client().get(path).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn every_end_looks_as_documented() {
    let vendors = Vendors::start().await;
    let failed = ended(&vendors, End::Fails("PA: out of memory".to_owned())).await;
    assert_eq!((&failed["status"], &failed["error"]), (&json!("failed"), &json!("PA: out of memory")));
    assert_eq!(ended(&vendors, End::Canceled).await["status"], "canceled");
    let aborted = ended(&vendors, End::Aborted).await;
    assert_eq!((&aborted["status"], &aborted["started_at"]), (&json!("aborted"), &Value::Null));
    let unknown = ended(&vendors, End::UnknownStatus).await;
    assert!(unknown["status"] == "expired" && unknown["completed_at"].is_string());
    let removed = ended(&vendors, End::Removed).await;
    assert_eq!(
        (&removed["status"], &removed["output"], &removed["data_removed"]),
        (&json!("succeeded"), &Value::Null, &json!(true))
    );
    let private = json!({"audio_out": "http://169.254.169.254/latest/meta-data"});
    assert_eq!(ended(&vendors, End::Output(private.clone())).await["output"], private);
    let page = ended(&vendors, End::Audio(Sound::NotAudio)).await;
    let file = client().get(page["output"]["audio_out"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "audio/wav");
    assert!(file.text().await.unwrap().starts_with("<!doctype html>"));
    let paid: Vec<bool> = vendors.ledger().iter().map(|charge| charge.amount_micros > 0).collect();
    assert_eq!(paid, [true, true, false, true, true, true, true], "only what was aborted is free");
}

#[tokio::test]
async fn cancel_and_deadline_end_what_runs() {
    let vendors = Vendors::start_with(Options { pace: Pace::Manual, ..Options::default() }).await.unwrap();
    let id = create(&vendors, &bark()).await.json()["id"].as_str().unwrap().to_owned();
    let cancel = format!("/v1/predictions/{id}/cancel");
    for _ in 0..2 {
        assert_eq!(post(&vendors, Vendor::Replicate, &cancel, &json!({})).await.json()["status"], "canceled");
    }
    for (start, end, amount_is_zero) in [(false, "aborted", true), (true, "canceled", false)] {
        let create = request(&vendors, Vendor::Replicate, Method::POST, "/v1/predictions").header("cancel-after", "1s");
        let created = send(create.json(&bark())).await.unwrap().json();
        assert!(created["deadline"].is_string());
        let id = created["id"].as_str().unwrap();
        if start {
            vendors.advance(id);
        }
        assert_eq!(over(&vendors, id).await["status"], end);
        assert_eq!(vendors.ledger().last().unwrap().amount_micros == 0, amount_is_zero);
    }
}

#[tokio::test]
async fn a_training_makes_a_version_that_can_be_used() {
    let vendors = Vendors::start().await;
    let path = format!("/v1/models/sakemin/musicgen-fine-tuner/versions/{TRAINER}/trainings");
    let destination = format!("{USER}/harbor");
    let body = json!({"destination": destination, "input": {"dataset_path": "https://files.test/data.zip"}});
    assert_eq!(post(&vendors, Vendor::Replicate, &path, &body).await.status, 404, "the destination must exist");
    let model = json!({"owner": USER, "name": "harbor", "visibility": "private", "hardware": "gpu-t4"});
    let made = post(&vendors, Vendor::Replicate, "/v1/models", &model).await;
    assert_eq!(
        (made.status, &made.json()["visibility"], &made.json()["run_count"]),
        (201, &json!("private"), &json!(0))
    );
    assert_eq!(post(&vendors, Vendor::Replicate, "/v1/models", &model).await.status, 409);
    let created = post(&vendors, Vendor::Replicate, &path, &body).await;
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let done = testbed::eventually("the end of a training", Duration::from_secs(20), || async {
        let seen = get(&vendors, Vendor::Replicate, &format!("/v1/trainings/{id}")).await.json();
        if seen["completed_at"].is_null() { Err(seen) } else { Ok(seen) }
    })
    .await;
    let version = done["output"]["version"].as_str().unwrap();
    let weights = client().get(done["output"]["weights"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(weights.status(), 200);
    let body = json!({"version": version, "input": {"prompt": "folk", "duration": 2}});
    let played = over(&vendors, create(&vendors, &body).await.json()["id"].as_str().unwrap()).await;
    assert_eq!((&played["status"], &played["model"]), (&json!("succeeded"), &json!(destination)));
    assert_eq!(get(&vendors, Vendor::Replicate, &format!("/v1/predictions/{id}")).await.status, 404);
    let listed = get(&vendors, Vendor::Replicate, "/v1/trainings").await.json();
    assert_eq!(listed["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_without_a_charge() {
    let vendors = Vendors::start().await;
    let input = json!({"prompt": "la"});
    for (body, status) in [
        (json!({"input": input}), 422),
        (json!({"version": BARK}), 422),
        (json!({"version": BARK, "input": {}}), 422),
        (json!({"version": BARK, "input": {"prompt": 5}}), 422),
        (json!({"version": &BARK[..63], "input": input}), 422),
        (json!({"version": "f".repeat(64), "input": input}), 422),
        (json!({"version": format!("meta/musicgen:{BARK}"), "input": input}), 422),
        (json!({"version": "suno-ai/bark", "input": input}), 422),
        (json!({"version": TRAINER, "input": input}), 422),
        (json!({"version": BARK, "input": input, "webhook": "http://example.com/hook"}), 422),
        (json!({"version": BARK, "input": input, "webhook_events_filter": ["end"]}), 422),
    ] {
        let got = create(&vendors, &body).await;
        assert_eq!((got.status, got.json()["status"].as_u64()), (status, Some(422)), "{body}");
        assert!(got.json()["detail"].is_string() && got.json()["title"].is_string());
    }
    let unofficial =
        post(&vendors, Vendor::Replicate, "/v1/models/suno-ai/bark/predictions", &json!({"input": input})).await;
    assert_eq!(unofficial.status, 404);
    assert_eq!(vendors.ledger().len(), 0);
}
