//! Trainings on their way to the gateway: what is handed over, in whose name, and what its answers read as.

use providers::vendors::replicate::ModelRef;
use reqwest::{Response, StatusCode, multipart};
use serde_json::{Value, json};
use testbed::{Manner, StandIn};
use vendor_standins::{Vendor, Vendors};

use crate::support::{Expert, assert_refused, hum};

const KEY: &str = "0123456789abcdef";
const ROUTE: &str = "/api/v1/jobs/training";
const JOB_URL: &str = "https://music.example.org/api/v1/jobs/01a1fd29";

fn answers(status: u16, body: &Value) -> Manner {
    Manner::Answers(status, body.to_string().into_bytes())
}

/// The caller's list of jobs, which is asked for first.
fn known() -> Manner {
    answers(200, &json!({ "success": true, "jobs": [], "next": null }))
}

fn accepted() -> Manner {
    let links = json!({ "job": JOB_URL, "status": JOB_URL });
    answers(
        202,
        &json!({ "success": true, "jobId": "01a1fd29", "status": "pending", "state": "queued", "links": links }),
    )
}

fn problem(status: u16, code: &str) -> Manner {
    answers(status, &json!({ "status": status, "code": code, "detail": format!("the gateway's word: {code}") }))
}

fn expert_of(gateway: &StandIn, more: &[(&str, &str)]) -> Expert {
    let url = format!("{}{ROUTE}", gateway.url());
    Expert::start_with(&[&[("DESCANT_EXPERT__TRAINING_URL", url.as_str())][..], more].concat())
}

async fn train(expert: &Expert, headers: &[(&'static str, &str)]) -> Response {
    let part = |name: &'static str| multipart::Part::bytes(hum()).file_name(name);
    let form = multipart::Form::new()
        .text("instrument_name", "Telecaster_1")
        .text("description", "twang in a small room")
        .part("files", part("a.wav"))
        .part("files", part("b.wav"));
    let request = expert.http.post(expert.url("train")).multipart(form);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

/// Whether a body holds these bytes.
fn holds(body: &[u8], bytes: &[u8]) -> bool {
    body.windows(bytes.len()).any(|window| window == bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_handed_over_in_the_callers_name() {
    let gateway = StandIn::start([known(), accepted()]).await;
    let expert = expert_of(&gateway, &[]);
    let answer = train(&expert, &[("authorization", "Bearer a.users.token"), ("idempotency-key", "summer-1")]).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(answer.headers()["location"], JOB_URL);
    let told: Value = answer.json().await.unwrap();
    let expected = json!({ "success": true, "status": "pending", "instrument_name": "Telecaster_1",
        "model": "telecaster_1", "job_id": "01a1fd29", "job_url": JOB_URL, "message": told["message"] });
    assert_eq!(told, expected);
    assert!(told["message"].as_str().unwrap().contains("01a1fd29"), "{told}");

    let heard = gateway.heard();
    assert_eq!(heard.len(), 2);
    assert!(heard[0].head.starts_with("GET /api/v1/jobs?kind=training&limit=1 "), "{}", heard[0].head);
    assert!(heard[1].head.starts_with("POST /api/v1/jobs/training "), "{}", heard[1].head);
    for request in &heard {
        assert!(request.head.contains("authorization: Bearer a.users.token"), "{}", request.head);
    }
    assert!(heard[1].head.contains("idempotency-key: summer-1"), "{}", heard[1].head);
    let body = &heard[1].body;
    for part in ["name=\"name\"\r\n\r\ntelecaster_1\r\n", "name=\"description\"\r\n\r\ntwang in a small room\r\n"] {
        assert!(holds(body, part.as_bytes()), "{part}");
    }
    for part in ["name=\"recording\"; filename=\"a.wav\"", "name=\"recording\"; filename=\"b.wav\""] {
        assert!(holds(body, part.as_bytes()), "{part}");
    }
    assert!(holds(body, &hum()));
}

/// A model as the registry lists it.
fn listed(name: &str, status: &str, reference: Option<&str>) -> Value {
    let (path, version) = reference.and_then(|reference| reference.split_once(':')).unzip();
    json!({ "name": name, "kind": "fine-tuned", "status": status, "provider": "replicate", "path": path,
        "version": version, "licence": null, "description": "twang", "private": true, "quality": null,
        "trainedFrom": "01a1fd29", "createdAt": "2026-11-28T08:00:00Z", "updatedAt": "2026-11-28T08:00:00Z" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_trained_is_listed_and_asked_for_by_name() {
    const TOKEN: &str = "Bearer a.users.token";
    let vendors = Vendors::start().await;
    let base = format!("{}/v1", vendors.url_of(Vendor::Replicate));
    let gateway = StandIn::start([known(), accepted()]).await;
    let expert = expert_of(
        &gateway,
        &[
            ("DESCANT_PROVIDERS__REPLICATE__BASE_URL", base.as_str()),
            ("DESCANT_PROVIDERS__REPLICATE__API_KEY", "a key"),
            ("DESCANT_PROVIDERS__REPLICATE__OUTPUT_HOSTS", "127.0.0.1"),
            ("DESCANT_OUTBOUND__ALLOW_HOSTS", "127.0.0.1"),
        ],
    );
    let trained: Value = train(&expert, &[("authorization", TOKEN)]).await.json().await.unwrap();
    let name = trained["model"].as_str().unwrap();

    // What was trained makes what its base makes.
    let reference = ModelRef::musicgen().to_string();
    let models = json!({ "success": true, "models": [
        listed(name, "ready", Some(&reference)), listed("strat", "training", None),
    ] });
    gateway.behave([answers(200, &models)]);
    let before = gateway.asked();
    let request = expert.http.get(expert.url("models")).header("authorization", TOKEN);
    let told: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(told["fine_tuned"], json!({ name: reference }), "{told}");
    let generate = async |model: &str| {
        let call = json!({ "prompt": "calm guitar", "duration": 5, "include_vocals": false, "model": model });
        expert.http.post(expert.url("generate")).header("authorization", TOKEN).json(&call).send().await.unwrap()
    };
    let song: Value = generate(name).await.json().await.unwrap();
    assert_eq!((&song["model_used"], &song["provider"]), (&json!(name), &json!("replicate")), "{song}");
    assert_eq!(vendors.ledger().len(), 1);
    let detail = assert_refused("it trains", generate("strat").await, 400, "provider_rejected").await;
    assert!(detail.contains("training"), "{detail}");
    let heard = &gateway.heard()[before..];
    assert!(heard.iter().all(|request| request.head.starts_with("GET /api/v1/models ")), "{heard:?}");
    assert!(heard.iter().all(|request| request.head.contains("authorization: Bearer a.users.token")), "{heard:?}");

    let away = [Manner::Hangs, Manner::BreaksOff, Manner::Answers(500, Vec::new()), problem(401, "unauthenticated")];
    for (index, manner) in away.into_iter().enumerate() {
        gateway.behave([manner.clone()]);
        // What was said to one caller is not told to another.
        let other = format!("Bearer another.users.token.{index}");
        let request = expert.http.get(expert.url("models")).header("authorization", other);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{manner:?}");
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["fine_tuned"], json!({}), "the file alone is known: {manner:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_this_service_stays_here() {
    let gateway = StandIn::start([known(), accepted()]).await;
    let expert = expert_of(&gateway, &[("EXPERT_API_KEY", KEY)]);
    let own = format!("Bearer {KEY}");
    let check = async |headers: &[(&'static str, &str)], passed_on: Option<&str>| {
        gateway.behave([known(), accepted()]);
        let before = gateway.asked();
        assert_eq!(train(&expert, headers).await.status(), StatusCode::ACCEPTED, "{passed_on:?}");
        for request in &gateway.heard()[before..] {
            assert!(!request.head.contains(KEY), "{}", request.head);
            let token = request.head.lines().find_map(|line| line.strip_prefix("authorization: "));
            assert_eq!(token, passed_on, "{}", request.head);
        }
    };
    check(&[("authorization", own.as_str())], None).await;
    let both = [("authorization", own.as_str()), ("x-gateway-authorization", "Bearer a.users.token")];
    check(&both, Some("Bearer a.users.token")).await;
    let basic = [("authorization", own.as_str()), ("x-gateway-authorization", "Basic YTpi")];
    assert_refused("no token", train(&expert, &basic).await, 400, "provider_rejected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_refuses_is_refused_in_its_words() {
    let gateway = StandIn::start([known()]).await;
    let expert = expert_of(&gateway, &[]);
    let check = async |manners: Vec<Manner>, status: u16, code: &str, word: &str, wait: Option<&str>| {
        let (what, expected) = (format!("{manners:?}"), manners.len());
        gateway.behave(manners);
        let before = gateway.asked();
        let answer = train(&expert, &[]).await;
        let told = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), wait, "{what}");
        let detail = assert_refused(&what, answer, status, code).await;
        assert!(detail.contains(word), "{what}: {detail}");
        assert_eq!(gateway.asked() - before, expected, "{what}");
    };
    let gone = "an operator";
    check(vec![problem(401, "unauthenticated")], 401, "provider_config", "X-Gateway-Authorization", None).await;
    check(vec![problem(404, "not_found")], 503, "provider_config", gone, None).await;
    check(vec![Manner::Answers(503, Vec::new())], 503, "provider_unavailable", "503", Some("10")).await;
    check(vec![known(), problem(400, "content_rejected")], 400, "content_rejected", "word", None).await;
    check(vec![known(), problem(400, "invalid_field")], 400, "provider_rejected", "invalid_field", None).await;
    check(vec![known(), problem(402, "payment")], 402, "provider_quota", "payment", None).await;
    check(vec![known(), problem(403, "forbidden")], 403, "provider_config", "forbidden", None).await;
    check(vec![known(), problem(409, "model_name_taken")], 409, "provider_rejected", "model_name", None).await;
    check(vec![known(), problem(413, "too_large")], 413, "provider_rejected", "too_large", None).await;
    check(vec![known(), problem(422, "idempotency_mismatch")], 422, "provider_rejected", "mismatch", None).await;
    check(vec![known(), Manner::Later(7)], 429, "provider_unavailable", "429", Some("7")).await;
    check(vec![known(), problem(501, "not_set_up")], 501, "provider_config", "not_set_up", None).await;
    check(vec![known(), problem(500, "internal")], 503, "provider_unavailable", "internal", Some("10")).await;
    check(vec![known(), Manner::Answers(200, b"<html>".to_vec())], 503, "provider_config", gone, None).await;
    check(vec![known(), Manner::BreaksOff], 503, "provider_unavailable", "may have accepted", Some("10")).await;

    gateway.behave([known(), problem(409, "model_name_taken")]);
    let whole: Value = train(&expert, &[]).await.json().await.unwrap();
    assert_eq!(whole["gateway"]["code"], "model_name_taken", "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_down_is_asked_later() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    // Known by the address that links begin with, where nothing else is said.
    let expert = Expert::start_with(&[("DESCANT_HTTP__PUBLIC_URL", &base)]);
    let answer = train(&expert, &[]).await;
    assert_eq!(answer.headers()["retry-after"], "10");
    let detail = assert_refused("down", answer, 503, "provider_unavailable").await;
    assert!(detail.contains("cannot be reached"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_that_lie_elsewhere_are_brought_within_bounds() {
    const ARCHIVE: &[u8] = b"PK\x03\x04 as good as an archive";
    let gateway = StandIn::start([known()]).await;
    let files = StandIn::start([Manner::Answers(200, ARCHIVE.to_vec())]).await;
    let expert = expert_of(
        &gateway,
        &[("DESCANT_OUTBOUND__ALLOW_HOSTS", "127.0.0.1"), ("DESCANT_TRAINING__MAX_FILE_BYTES", "1048576")],
    );
    let train_at = async |address: &str| {
        gateway.behave([known(), accepted()]);
        let call = json!({ "instrument_name": "telecaster", "description": null, "epochs": 2, "dataset_url": address });
        let request = expert.http.post(expert.url("train")).header("authorization", "Bearer a.users.token");
        request.json(&call).send().await.unwrap()
    };
    let address = format!("{}/of/takes.zip?signature=abc", files.url());
    assert_eq!(train_at(&address).await.status(), StatusCode::ACCEPTED);
    let fetched = &files.heard()[0].head;
    assert!(fetched.starts_with("GET /of/takes.zip?signature=abc ") && !fetched.contains("a.users.token"), "{fetched}");
    let sent = &gateway.heard()[1].body;
    assert!(holds(sent, b"name=\"recording\"; filename=\"takes.zip\"") && holds(sent, ARCHIVE));
    assert!(holds(sent, b"name=\"epochs\"\r\n\r\n2\r\n") && !holds(sent, b"description"));

    let handed_over = || gateway.heard().iter().filter(|heard| heard.head.starts_with("POST")).count();
    let check = async |manner: Manner, status: u16, code: &str| {
        let what = format!("{manner:?}");
        files.behave([manner]);
        assert_refused(&what, train_at(&address).await, status, code).await;
        assert_eq!(handed_over(), 1, "{what}");
    };
    check(Manner::Answers(404, Vec::new()), 422, "provider_rejected").await;
    check(Manner::BreaksOff, 422, "provider_rejected").await;
    check(Manner::Floods, 413, "provider_rejected").await;
    // Listed hosts may be private; this one is not listed.
    let private = train_at("http://127.0.0.2/takes.zip").await;
    assert_refused("private", private, 400, "provider_rejected").await;

    let before = files.asked();
    gateway.behave([problem(401, "unauthenticated")]);
    let call = json!({ "instrument_name": "telecaster", "dataset_url": address });
    assert_refused("a stranger", expert.post_json("train", &call).await, 401, "provider_config").await;
    assert_eq!(files.asked(), before, "nothing is brought for a stranger");
}
