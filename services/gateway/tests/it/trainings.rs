//! Trainings of models: what is taken, what is refused before anything of it is read, and which names are free.

use domain::{
    JobEvent, JobId, ModelId, UserId,
    registry::{ModelAddress, ModelName, RegisteredModel},
};
use persistence::{Applied, Authority, Journal, Patch};
use resilience::ids::random10;
use serde_json::{Value, json};

use crate::{
    forms::form,
    harness::Harness,
    wire::{self, Answer},
};

const JOBS: &str = "/api/v1/jobs/training";
/// Somebody trains: nothing is asked of them here.
const TRAINS: [(&str, &str); 3] = [
    ("providers.replicate.api_key", "r8_key"),
    ("providers.replicate.owner", "acme"),
    ("providers.replicate.base_url", "http://127.0.0.1:9/v1"),
];
const NAME: (&str, &str) = ("name=\"name\"", "my-band");
const GOOD: (&str, &str) = ("name=\"recording\"; filename=\"a.flac\"", "fLaC and so on");
const SILENT: (&str, &str) = ("name=\"recording\"; filename=\"silent.wav\"", "RIFF");

async fn posted(harness: &Harness, parts: &[(&str, &str)]) -> Answer {
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    wire::ask(harness.address, "POST", JOBS, &headers, &form(parts)).await
}

#[tokio::test]
async fn recordings_are_taken_with_what_the_model_is_to_be() {
    let harness = Harness::with(&TRAINS).await;
    let parts = [
        NAME,
        ("name=\"description\"", "slow blues, brushed drums"),
        ("name=\"epochs\"", "5"),
        ("name=\"base\"", "stereo-small"),
        GOOD,
        ("name=\"recording\"; filename=\"more.zip\"", "PK and so on"),
    ];
    let told = posted(&harness, &parts).await.expect(202);
    assert_eq!((&told["kind"], &told["status"]), (&json!("training"), &json!("pending")), "{told}");
    assert_eq!(told["model"], json!({ "name": "my-band", "files": 2, "sizeBytes": 26 }), "{told}");
    let asked = &told["parameters"];
    for (field, value) in [
        ("name", json!("my-band")),
        ("epochs", json!(5)),
        ("updatesPerEpoch", json!(100)),
        ("base", json!("stereo-small")),
        ("dropVocals", json!(true)),
    ] {
        assert_eq!(asked[field], value, "{field}: {asked}");
    }
    let id: JobId = told["jobId"].as_str().unwrap().parse().unwrap();
    let read = harness.ask("GET", &format!("/api/v1/jobs/{id}"), &[]).await.expect(200);
    assert_eq!((&read["kind"], read["inputs"].as_array().map(Vec::len)), (&json!("training"), Some(2)), "{read}");
    let listed = harness.ask("GET", "/api/v1/jobs?kind=training", &[]).await.expect(200);
    assert_eq!(listed["jobs"][0]["jobId"], told["jobId"], "{listed}");
    let cancelled = wire::ask(harness.address, "POST", &format!("/api/v1/jobs/{id}/cancel"), &[], b"").await;
    assert!((200..300).contains(&cancelled.status), "{}", cancelled.text());
}

#[tokio::test]
async fn where_nobody_trains_it_is_said_what_to_set() {
    let check = async |more: &[(&'static str, &'static str)], names: &str| {
        let harness = Harness::with(more).await;
        let refused = posted(&harness, &[NAME, GOOD]).await.problem(501, "not_set_up");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(names)), "{refused}");
        assert!(harness.judged.lock().expect("no test panicked").is_empty(), "nothing of it was read");
    };
    check(&[], "providers.replicate.api_key").await;
    check(&TRAINS[..1], "providers.replicate.owner").await;
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let harness = Harness::with(&TRAINS).await;
    let database = harness.deps.database().expect("rows");
    let address: ModelAddress = format!("meta/musicgen:{}", "b".repeat(64)).parse().expect("an address");
    let now = harness.deps.clock.now();
    let name = ModelName::new("my-band").expect("a name");
    let other = RegisteredModel::base(ModelId::new(now, random10()), name, "replicate", address, now);
    database.models().add(&other, now).await.expect("rows");
    posted(&harness, &[NAME, GOOD]).await.problem(409, "model_name_taken");
    let own = ModelName::new("my-choir").expect("a name");
    let owner = (UserId::local(), JobId::new(now, random10()));
    let own = RegisteredModel::in_training(ModelId::new(now, random10()), own, "replicate", owner, now);
    database.models().add(&own, now).await.expect("rows");
    posted(&harness, &[("name=\"name\"", "my-choir"), GOOD]).await.expect(202);
    posted(&harness, &[("name=\"name\"", "my-band-2"), GOOD]).await.expect(202);
}

#[tokio::test]
async fn of_two_trainings_of_one_name_the_second_is_refused_until_the_first_has_ended() {
    let harness = Harness::with(&TRAINS).await;
    let first = posted(&harness, &[NAME, GOOD]).await.expect(202)["jobId"].as_str().expect("an id").to_owned();
    let held = harness.ask("GET", "/api/v1/models/my-band", &[]).await.expect(200)["model"].clone();
    assert_eq!((&held["status"], &held["trainedFrom"]), (&json!("training"), &json!(first)), "{held}");
    let refused = posted(&harness, &[NAME, GOOD]).await.problem(409, "model_state");
    for says in [first.as_str(), "/cancel", "another name"] {
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{says}: {refused}");
    }
    let jobs = harness.ask("GET", "/api/v1/jobs?kind=training", &[]).await.expect(200);
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1), "what is refused is no job: {jobs}");

    // The job ends without an orchestrator, as its deadline would have it.
    let database = harness.deps.database().expect("rows");
    let (id, now): (JobId, _) = (first.parse().expect("an id"), harness.deps.clock.now());
    let job = database.jobs().get(id).await.expect("rows").expect("the job");
    let (as_read, patch, journal) = (Authority::AsRead { version: job.version }, Patch::default(), Journal::silent());
    let ended = database.jobs().apply(id, as_read, JobEvent::DeadlinePassed, &patch, &journal, now).await;
    assert!(matches!(ended.expect("rows"), Applied::Moved(_)));
    let again = posted(&harness, &[NAME, GOOD]).await.expect(202);
    let held = harness.ask("GET", "/api/v1/models/my-band", &[]).await.expect(200)["model"].clone();
    assert_eq!((&held["status"], &held["trainedFrom"]), (&json!("training"), &again["jobId"]), "{held}");
    // The first is not tried again beside the second.
    let retry = format!("/api/v1/jobs/{first}/retry");
    let refused = harness.ask("POST", &retry, &[]).await.problem(409, "model_state");
    let second = again["jobId"].as_str().expect("an id");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(second)), "{refused}");
}

#[tokio::test]
async fn one_good_recording_is_enough_and_fields_have_bounds() {
    let harness = Harness::with(&TRAINS).await;
    let told = posted(&harness, &[NAME, SILENT, GOOD]).await.expect(202);
    let findings = |file: usize| told["inputs"][file]["findings"].as_array().map_or(0, Vec::len);
    assert_eq!((findings(0), findings(1)), (1, 0), "what is wrong with a file is told: {told}");
    let check = async |parts: &[(&str, &str)], code: &str, names: &str| {
        let problem: Value = posted(&harness, parts).await.problem(400, code);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(names)), "{problem}");
    };
    check(&[NAME, SILENT, SILENT], "audio_refused", "recording, file 1").await;
    check(&[NAME], "invalid_field", "recording").await;
    check(&[GOOD], "invalid_field", "name").await;
    check(&[("name=\"name\"", "My Band"), GOOD], "invalid_field", "name").await;
    check(&[NAME, GOOD, ("name=\"epochs\"", "1000")], "invalid_field", "from 1 to 30").await;
    check(&[NAME, GOOD, ("name=\"base\"", "huge")], "invalid_field", "stereo-melody").await;
}

#[tokio::test]
async fn uploads_have_bounds_of_their_own() {
    let small = [("training.max_file_bytes", "1048576"), ("training.max_upload_bytes", "1572864")];
    let harness = Harness::with(&[&TRAINS[..], &small].concat()).await;
    let of = |bytes: usize| "x".repeat(bytes);
    let part = "name=\"recording\"; filename=\"a.flac\"";
    let check = async |sizes: &[usize], status: u16, says: &str| {
        let contents: Vec<String> = sizes.iter().map(|bytes| of(*bytes)).collect();
        let parts: Vec<(&str, &str)> = std::iter::once(("name=\"name\"", "fits"))
            .chain(contents.iter().map(|file| (part, file.as_str())))
            .collect();
        let answer = posted(&harness, &parts).await;
        assert_eq!(answer.status, status, "{sizes:?}: {}", answer.text());
        assert!(answer.text().contains(says), "{sizes:?}: {}", answer.text());
    };
    check(&[1 << 20], 202, "jobId").await;
    check(&[(1 << 20) + 1], 413, "exceeds maximum of 1 MB").await;
    check(&[1 << 20, (1 << 19) + 1], 413, "larger than 1 MB together").await;
}
