//! The registry of models: what users see and ask for, what operators change, and the document that goes in and comes out.

use domain::{
    JobId, ModelId, UserId,
    registry::{
        LocalModel, ModelKind, ModelName, ModelStatus, ModelVersion, PublishedVersion, RegisteredModel, Sighting,
        sighted,
    },
};
use persistence::{ModelAdded, ModelWritten};
use resilience::ids::random10;
use serde_json::{Value, json};

use crate::{
    harness::Harness,
    wire::{self, Answer},
};

const ADMIN: &str = "/api/v1/admin/models";
const JOBS: &str = "/api/v1/jobs/composition";

/// Digits of a version.
fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}

async fn send(harness: &Harness, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    wire::ask(harness.address, method, path, &headers, body.to_string().as_bytes()).await
}

async fn get(harness: &Harness, path: &str) -> Answer {
    harness.ask("GET", path, &[]).await
}

fn small() -> Value {
    json!({ "name": "small", "provider": "replicate", "path": "meta/musicgen", "version": hash('a') })
}

async fn with_small() -> Harness {
    let harness = Harness::open().await;
    send(&harness, "POST", ADMIN, &small()).await.expect(201);
    harness
}

fn id() -> ModelId {
    ModelId::new(chrono::Utc::now(), random10())
}

/// A model of somebody else's.
async fn add_bens(harness: &Harness) {
    let now = harness.deps.clock.now();
    let (name, ben) = (ModelName::new("bens").unwrap(), UserId::new("ben").unwrap());
    let version = Some(ModelVersion::new(&hash('c')).unwrap());
    let model = RegisteredModel {
        owner: Some(ben),
        version,
        ..RegisteredModel::bare(id(), name, ModelKind::FineTuned, "replicate", now)
    };
    let added = harness.deps.database().unwrap().models().add(&model, now).await.unwrap();
    assert!(matches!(added, ModelAdded::New(_)));
}

#[tokio::test]
async fn a_model_is_added_and_read() {
    let harness = Harness::open().await;
    assert_eq!(get(&harness, "/api/v1/models").await.expect(200), json!({ "success": true, "models": [] }));
    let mut form = small();
    form["licence"] = "CC-BY-NC-4.0".into();
    form["inputSchema"] = json!({ "type": "object" });
    form["quality"] = json!({ "mos": 3.9 });
    let added = send(&harness, "POST", ADMIN, &form).await.expect(201)["model"].clone();
    assert_eq!((&added["revision"], &added["owner"], &added["canary"]), (&json!(1), &Value::Null, &Value::Null));

    let read = get(&harness, "/api/v1/models/small").await.expect(200)["model"].clone();
    for (field, value) in [
        ("name", json!("small")),
        ("kind", json!("base")),
        ("status", json!("ready")),
        ("provider", json!("replicate")),
        ("path", json!("meta/musicgen")),
        ("version", json!(hash('a'))),
        ("licence", json!("CC-BY-NC-4.0")),
        ("private", json!(false)),
        ("quality", json!({ "mos": 3.9 })),
        ("inputSchema", json!({ "type": "object" })),
    ] {
        assert_eq!(read[field], value, "{field}: {read}");
        assert_eq!(added[field], value, "{field}: {added}");
    }
    assert!(read.get("canary").is_none() && read.get("owner").is_none(), "that is for operators: {read}");
    let listed = get(&harness, "/api/v1/models").await.expect(200)["models"][0].clone();
    assert!(listed.get("inputSchema").is_none() && listed["name"] == "small", "{listed}");

    let taken = send(&harness, "POST", ADMIN, &form).await.problem(409, "model_name_taken");
    assert!(taken["detail"].as_str().unwrap().contains("another name"), "{taken}");
    let unknown = get(&harness, "/api/v1/models/large").await.problem(404, "model_unknown");
    assert_eq!(unknown["detail"], "No model is called large; there are small.");
    get(&harness, "/api/v1/models/No%20Name").await.problem(404, "model_unknown");
}

#[tokio::test]
async fn what_cannot_be_a_model_is_refused_by_its_field() {
    let harness = Harness::open().await;
    let check = async |change: Value, field: &str, says: &str| {
        let mut form = small();
        for (name, value) in change.as_object().unwrap() {
            form[name] = value.clone();
        }
        let problem = send(&harness, "POST", ADMIN, &form).await.problem(400, "invalid_field");
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    };
    check(json!({ "name": "Small" }), "name", "lower-case").await;
    check(json!({ "name": "export" }), "name", "another name").await;
    check(json!({ "kind": "local" }), "kind", "base or fine-tuned").await;
    check(json!({ "provider": "No One" }), "provider", "settings").await;
    check(json!({ "path": "musicgen" }), "path", "owner/name").await;
    check(json!({ "version": "version-id" }), "version", "64 hexadecimal digits").await;
    check(json!({ "version": "version-id", "path": null }), "version", "owner/name:version").await;
    check(json!({ "licence": "x".repeat(201) }), "licence", "200").await;
    check(json!({ "owner": "" }), "owner", "user id").await;
    send(&harness, "POST", ADMIN, &json!({ "name": "x" })).await.problem(400, "invalid_body");
    let mut elsewhere = json!({ "name": "music", "provider": "elevenlabs", "version": "music_v1" });
    send(&harness, "POST", ADMIN, &elsewhere).await.expect(201);
    elsewhere["name"] = "whole".into();
    elsewhere["version"] = format!("meta/musicgen:{}", hash('B')).into();
    let whole = send(&harness, "POST", ADMIN, &elsewhere).await.expect(201)["model"].clone();
    assert_eq!((&whole["path"], &whole["version"]), (&json!("meta/musicgen"), &json!(hash('b'))));
}

/// Where the provider can be asked, an operator's word waits for the provider's.
#[tokio::test]
async fn a_model_of_a_provider_that_is_set_up_waits_until_that_was_asked() {
    let harness = Harness::with(&[
        ("providers.replicate.api_key", "r8_key"),
        ("providers.replicate.base_url", "http://127.0.0.1:9/v1"),
    ])
    .await;
    let add = async |change: Value| {
        let mut form = small();
        for (name, value) in change.as_object().unwrap() {
            form[name] = value.clone();
        }
        send(&harness, "POST", ADMIN, &form).await
    };
    let check = async |change: Value, status: &str, version: Value| {
        let model = add(change).await.expect(201)["model"].clone();
        assert_eq!((&model["status"], &model["version"]), (&json!(status), &version), "{model}");
    };
    check(json!({}), "pending", json!(hash('a'))).await;
    check(json!({ "name": "latest", "version": null }), "pending", Value::Null).await;
    check(json!({ "name": "other", "provider": "somebody" }), "ready", json!(hash('a'))).await;
    for change in [json!({ "path": null, "version": null }), json!({ "provider": "somebody", "version": null })] {
        let refused = add(change).await.problem(400, "invalid_field");
        assert!(refused["field"] == "version" && refused["detail"].as_str().unwrap().contains("latest"), "{refused}");
    }

    let song = json!({ "prompt": "a calm waltz", "model": "small" });
    let refused = async |says: &str| {
        let problem = send(&harness, "POST", JOBS, &song).await.problem(409, "model_state");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says) && detail.contains("ask for one of other"), "{detail}");
    };
    refused("until its provider has been asked").await;
    send(&harness, "PATCH", &format!("{ADMIN}/small"), &json!({ "disabled": false })).await.problem(409, "model_state");
    // As the orchestrator writes it down when the provider has been asked.
    let seen = async |found: Option<PublishedVersion>| {
        let asked = Some(ModelVersion::new(&hash('a')).unwrap());
        let (database, name) = (harness.deps.database().unwrap(), ModelName::new("small").unwrap());
        let told = |model: &RegisteredModel| {
            Ok::<_, ()>(sighted(model, &Sighting { asked: asked.clone(), found: found.clone(), is_second_look: false }))
        };
        let written = database.models().change(&name, harness.deps.clock.now(), told).await.unwrap();
        assert!(matches!(written, ModelWritten::Written(_)), "{written:?}");
    };
    seen(None).await;
    refused("its provider does not have the version").await;
    let input_schema = Some(json!({ "properties": { "prompt": { "type": "string" } } }));
    let there =
        PublishedVersion { version: ModelVersion::new(&hash('a')).unwrap(), input_schema: input_schema.clone() };
    seen(Some(there)).await;
    send(&harness, "POST", JOBS, &song).await.expect(202);
    let read = get(&harness, "/api/v1/models/small").await.expect(200)["model"].clone();
    assert_eq!((&read["status"], &read["inputSchema"]), (&json!("ready"), &json!(input_schema)), "{read}");
}

#[tokio::test]
async fn a_version_is_tried_promoted_and_rolled_back() {
    let harness = with_small().await;
    let at = |action: &str| format!("{ADMIN}/small/{action}");
    let versions = |answer: &Answer| {
        let model = answer.expect(200)["model"].clone();
        (model["version"].clone(), model["previousVersion"].clone(), model["canary"].clone())
    };
    send(&harness, "POST", &at("promote"), &json!({})).await.problem(409, "model_state");
    send(&harness, "POST", &at("rollback"), &json!({})).await.problem(409, "model_state");
    let start = async |version: String, share: f64| {
        send(&harness, "POST", &at("canary"), &json!({ "version": version, "share": share })).await
    };
    assert_eq!(start(hash('b'), 1.5).await.problem(400, "invalid_field")["field"], "share");
    assert_eq!(start("latest".to_owned(), 0.1).await.problem(400, "invalid_field")["field"], "version");
    let same = start(hash('a'), 0.1).await.problem(409, "model_state");
    assert!(same["detail"].as_str().unwrap().contains("name another one"), "{same}");
    let tried = versions(&start(hash('b'), 0.25).await);
    assert_eq!(tried, (json!(hash('a')), Value::Null, json!({ "version": hash('b'), "share": 0.25 })));

    let promoted = harness.ask("POST", &at("promote"), &[]).await;
    assert_eq!(versions(&promoted), (json!(hash('b')), json!(hash('a')), Value::Null), "no body, the one on trial");
    let back = harness.ask("POST", &at("rollback"), &[]).await;
    assert_eq!(versions(&back), (json!(hash('a')), json!(hash('b')), Value::Null));
    let named = send(&harness, "POST", &at("promote"), &json!({ "version": hash('c') })).await;
    assert_eq!(versions(&named), (json!(hash('c')), json!(hash('a')), Value::Null));
    let gone = format!("{ADMIN}/large/rollback");
    harness.ask("POST", &gone, &[]).await.problem(404, "model_unknown");
}

#[tokio::test]
async fn a_model_is_described_and_taken_out_of_use() {
    let harness = with_small().await;
    let patch = async |body: Value| send(&harness, "PATCH", &format!("{ADMIN}/small"), &body).await;
    let told = patch(json!({ "licence": " MIT ", "description": "Small.", "disabled": true })).await.expect(200);
    let model = &told["model"];
    assert_eq!(
        (&model["licence"], &model["status"], &model["revision"]),
        (&json!("MIT"), &json!("disabled"), &json!(2))
    );
    let back = patch(json!({ "licence": null, "disabled": false })).await.expect(200)["model"].clone();
    assert_eq!((&back["licence"], &back["status"]), (&Value::Null, &json!("ready")));
    assert_eq!(back["description"], "Small.", "what is absent stays");
    let again = patch(json!({ "disabled": false })).await.expect(200)["model"].clone();
    assert_eq!(again["revision"], back["revision"], "what is so already is not written");
    patch(json!({})).await.problem(400, "invalid_body");
    patch(json!({ "status": "ready" })).await.problem(400, "invalid_body");
    assert_eq!(patch(json!({ "licence": "a\u{7}" })).await.problem(400, "invalid_field")["field"], "licence");
    let read = get(&harness, &format!("{ADMIN}/small")).await.expect(200);
    assert_eq!(read["model"], again);
}

/// As the Expert Music AI service kept it, with a version that nobody has filled in.
#[tokio::test]
async fn a_registry_goes_in_and_comes_out() {
    let harness = Harness::open().await;
    let document = json!({
        "base": { "small": format!("meta/musicgen:{}", hash('a')), "large": format!("meta/musicgen:{}", hash('b')) },
        "fine_tuned": { "telecaster": "your-username/telecaster-model:version-id" },
        "updated": "2024-09-01",
    });
    let import = async |document: &Value| send(&harness, "POST", &format!("{ADMIN}/import"), document).await;
    let first = import(&document).await.expect(200);
    assert_eq!((&first["added"], &first["refused"]), (&json!(3), &json!(0)), "{first}");
    let of = |answer: &Value, name: &str| {
        answer["models"].as_array().unwrap().iter().find(|model| model["name"] == name).unwrap().clone()
    };
    assert!(of(&first, "telecaster")["why"].as_str().unwrap().contains("64 hexadecimal digits"), "{first}");
    assert_eq!(of(&first, "small")["why"], Value::Null);
    let listed = get(&harness, "/api/v1/models").await.expect(200);
    assert_eq!(of(&listed, "telecaster")["status"], "missing");
    assert_eq!(import(&document).await.expect(200)["unchanged"], 3);
    let out = get(&harness, &format!("{ADMIN}/export")).await;
    assert!(out.header("content-disposition").unwrap().contains("registry.json"));
    assert_eq!(out.expect(200), document, "as it went in");

    let mended = json!({ "version": hash('d') });
    let mended = send(&harness, "POST", &format!("{ADMIN}/telecaster/promote"), &mended).await.expect(200);
    assert_eq!(mended["model"]["status"], "ready");
    let out = get(&harness, &format!("{ADMIN}/export")).await.expect(200);
    assert_eq!(out["fine_tuned"]["telecaster"], format!("your-username/telecaster-model:{}", hash('d')));
    let worse = import(&document).await.expect(200);
    assert_eq!((&worse["refused"], &worse["unchanged"]), (&json!(1), &json!(2)), "a good version stays: {worse}");

    let other = json!({ "base": { "small": format!("meta/musicgen:{}", hash('c')), "No Name": "x" } });
    let other = import(&other).await.expect(200);
    assert_eq!((&other["updated"], &other["refused"]), (&json!(1), &json!(1)), "{other}");
    import(&json!([1])).await.problem(400, "invalid_body");
}

#[tokio::test]
async fn users_neither_see_nor_change_what_is_not_theirs() {
    let secret = "a secret that only the tests of this project use";
    let harness = Harness::with(&[("auth.mode", "hs256"), ("auth.secret", secret)]).await;
    for (method, path) in [
        ("GET", "/api/v1/models".to_owned()),
        ("GET", "/api/v1/models/small".to_owned()),
        ("GET", ADMIN.to_owned()),
        ("POST", ADMIN.to_owned()),
        ("GET", format!("{ADMIN}/small")),
        ("PATCH", format!("{ADMIN}/small")),
        ("POST", format!("{ADMIN}/small/canary")),
        ("POST", format!("{ADMIN}/small/promote")),
        ("POST", format!("{ADMIN}/small/rollback")),
        ("GET", format!("{ADMIN}/export")),
        ("POST", format!("{ADMIN}/import")),
    ] {
        harness.ask(method, &path, &[]).await.problem(401, "unauthenticated");
    }
    let harness = with_small().await;
    add_bens(&harness).await;
    let all = get(&harness, ADMIN).await.expect(200);
    assert_eq!(all["models"].as_array().unwrap().len(), 2, "the local user is an operator, too: {all}");
    let own = get(&harness, "/api/v1/models").await.expect(200);
    assert_eq!(own["models"].as_array().unwrap().len(), 1, "{own}");
    let unknown = get(&harness, "/api/v1/models/bens").await.problem(404, "model_unknown");
    assert!(!unknown["detail"].as_str().unwrap().contains("there are bens"), "{unknown}");
    let song = json!({ "prompt": "a calm waltz", "model": "bens" });
    let refused = send(&harness, "POST", JOBS, &song).await.problem(404, "model_unknown");
    assert_eq!(refused["detail"], "No model is called bens; there are small.");
}

#[tokio::test]
async fn a_song_is_asked_of_a_model_that_is_ready() {
    let harness = with_small().await;
    let ask =
        async |model: &str| send(&harness, "POST", JOBS, &json!({ "prompt": "a calm waltz", "model": model })).await;
    let accepted = ask("small").await.expect(202);
    assert_eq!(accepted["parameters"]["options"]["model"], "small", "{accepted}");
    let job: JobId = accepted["jobId"].as_str().unwrap().parse().unwrap();
    let row = harness.deps.database().unwrap().jobs().get(job).await.unwrap().unwrap();
    assert_eq!(row.params["options"]["model"], "small");

    let unknown = ask("large").await.problem(404, "model_unknown");
    assert_eq!(
        (&unknown["field"], unknown["detail"].as_str()),
        (&json!("model"), Some("No model is called large; there are small."))
    );
    assert_eq!(ask("No Model").await.problem(400, "invalid_field")["field"], "model");

    let found = LocalModel {
        name: ModelName::new("crepe-tiny").unwrap(),
        provider: "offline".to_owned(),
        sha256: ModelVersion::new(&hash('e')).unwrap(),
        is_here: true,
        description: "pitch".to_owned(),
        licence: None,
    };
    let models = harness.deps.database().unwrap();
    models.models().report_local(&[found], id, harness.deps.clock.now()).await.unwrap();
    let listed = get(&harness, "/api/v1/models/crepe-tiny").await.expect(200)["model"].clone();
    assert_eq!((&listed["kind"], &listed["status"]), (&json!("local"), &json!(ModelStatus::Ready.as_str())));
    let local = ask("crepe-tiny").await.problem(409, "model_state");
    assert!(local["detail"].as_str().unwrap().contains("ask for one of small"), "{local}");
    let fixed = send(&harness, "PATCH", &format!("{ADMIN}/crepe-tiny"), &json!({ "disabled": true })).await;
    fixed.problem(409, "model_state");

    send(&harness, "PATCH", &format!("{ADMIN}/small"), &json!({ "disabled": true })).await.expect(200);
    let disabled = ask("small").await.problem(409, "model_state");
    assert_eq!(disabled["detail"], "The model small: it is disabled; no other model is ready: leave `model` out.");
    let jobs = harness.ask("GET", "/api/v1/jobs", &[]).await.expect(200);
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1, "what is refused is no job: {jobs}");
}
