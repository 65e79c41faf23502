//! One flow for every kind: kinds of the tests' own, with several files a role and with none.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use domain::{
    ArtifactRole, JobId, KindName, KindSpec, StageName, StageSpec, artifact,
    kind::{InputCheck, InputSpec, KindLimits},
    progress::ProgressSpan,
};
use gateway::{Accepted, ApiError, Asked, Fields, SubmitKind};
use persistence::Job;
use serde_json::{Map, Value, json};

use crate::{
    forms::form,
    harness::Harness,
    wire::{self, Answer},
};

const STAGES: &[StageSpec] = &[StageSpec {
    name: StageName::new("making"),
    label: "Making",
    progress: ProgressSpan::new(0, 100),
    error_word: "UNKNOWN_ERROR",
}];
const LIMITS: KindLimits = KindLimits::NONE;

static SKETCH: KindSpec = KindSpec {
    name: KindName::new("sketch"),
    inputs: &[],
    stages: STAGES,
    artifacts: &[artifact::AUDIO_MP3],
    default_role: ArtifactRole::AUDIO_MP3,
    limits: LIMITS,
    announcements: None,
    overtime_advice: "",
    error_words: &[],
};

static BRAID: KindSpec = KindSpec {
    name: KindName::new("braid"),
    inputs: &[
        InputSpec { role: "lead", min: 1, max: 1, what: "the first voice", check: InputCheck::Audio },
        InputSpec { role: "takes", min: 2, max: 3, what: "what is blended in", check: InputCheck::Audio },
    ],
    stages: STAGES,
    artifacts: &[artifact::AUDIO_MP3],
    default_role: ArtifactRole::AUDIO_MP3,
    limits: LIMITS,
    announcements: None,
    overtime_advice: "",
    error_words: &[],
};

/// A kind with one text and one list.
struct Sample(&'static KindSpec);

impl SubmitKind for Sample {
    fn spec(&self) -> &'static KindSpec {
        self.0
    }

    fn fields(&self) -> &'static [&'static str] {
        &["prompt", "bars", "chords"]
    }

    fn structured_fields(&self) -> &'static [&'static str] {
        &["chords"]
    }

    fn read(&self, fields: &Fields) -> Result<Asked, ApiError> {
        let prompt = fields.text("prompt").unwrap_or("none");
        let bars = fields.text("bars").unwrap_or("8").parse::<u32>();
        let bars =
            bars.map_err(|_| ApiError::InvalidField { field: "bars", detail: "expected a whole number".to_owned() })?;
        let params = json!({ "prompt": prompt, "bars": bars, "chords": fields.structured("chords") });
        Ok(Asked { params, texts: vec![("prompt", prompt.to_owned())] })
    }

    fn accepted(&self, accepted: &Accepted<'_>) -> Map<String, Value> {
        Map::from_iter([("bars".to_owned(), accepted.job.params["bars"].clone())])
    }

    fn result(&self, _: &Job, made: &Value) -> Value {
        made.clone()
    }

    fn routes(&self, app: &mut ServiceConfig) {
        app.route("/sample/{tail}", actix_web::web::get().to(async || "its own"));
    }
}

async fn harness(more: &[(&'static str, &'static str)]) -> Harness {
    Harness::with_kinds(more, &[Arc::new(Sample(&SKETCH)), Arc::new(Sample(&BRAID))]).await
}

async fn posted_json(harness: &Harness, kind: &str, body: &str, more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "application/json")], more].concat();
    wire::ask(harness.address, "POST", &format!("/api/v1/jobs/{kind}"), &headers, body.as_bytes()).await
}

async fn posted_form(harness: &Harness, kind: &str, parts: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "multipart/form-data; boundary=edge")], more].concat();
    wire::ask(harness.address, "POST", &format!("/api/v1/jobs/{kind}"), &headers, &form(parts)).await
}

fn id(answer: &Answer) -> JobId {
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["jobId"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

#[tokio::test]
async fn a_kind_without_files_takes_json_and_forms_alike() {
    let harness = harness(&[]).await;
    let key = [("idempotency-key", "one")];
    let body = r#"{"prompt": "a quiet sea", "bars": 16, "chords": ["C", "G"], "reuse": false}"#;
    let first = posted_json(&harness, "sketch", body, &key).await;
    let job = id(&first);
    let told = first.json();
    assert_eq!((&told["kind"], &told["reuse"], &told["bars"]), (&"sketch".into(), &false.into(), &16.into()));
    assert_eq!(told["parameters"]["chords"], json!(["C", "G"]));
    let address = harness.url(&format!("/api/v1/jobs/{job}"));
    assert_eq!((first.header("location"), told["links"]["status"].as_str()), (Some(&*address), Some(&*address)));
    let stored = harness.deps.database().expect("rows").jobs().get(job).await.expect("rows").expect("it is there");
    assert!(!stored.reuse);

    // The same as a form is the same request.
    let parts = [
        ("name=\"prompt\"", "a quiet sea"),
        ("name=\"bars\"", "16"),
        ("name=\"chords\"", "[\"C\",\"G\"]"),
        ("name=\"reuse\"", "false"),
    ];
    let again = posted_form(&harness, "sketch", &parts, &key).await;
    assert_eq!((id(&again), again.header("idempotent-replayed")), (job, Some("true")));
    assert_eq!(again.header("location"), Some(&*address));
    posted_form(&harness, "sketch", &parts[..3], &key).await.problem(422, "idempotency_mismatch");
    assert_eq!(harness.ask("GET", "/sample/x", &[]).await.text(), "its own", "a kind brings its own routes");

    let read = harness.ask("GET", &address, &[]).await.json();
    assert_eq!((&read["kind"], &read["inputs"], &read["reuse"]), (&"sketch".into(), &json!([]), &false.into()));
    let spec = harness.ask("GET", "/openapi.json", &[]).await.json();
    assert!(spec["paths"]["/api/v1/jobs"].is_object());
}

#[tokio::test]
async fn json_with_a_mistake_is_refused_by_name() {
    let harness = harness(&[]).await;
    for (body, code, says) in [
        (r#"{"promt": "a"}"#, "invalid_body", "`promt`"),
        (r#"{"bars": "many"}"#, "invalid_field", "bars"),
        (r#"{"prompt": {"a": 1}}"#, "invalid_field", "prompt"),
        (r#"{"reuse": "perhaps"}"#, "invalid_field", "reuse"),
        ("[1]", "invalid_body", "map"),
        ("{", "invalid_body", "EOF"),
    ] {
        let problem = posted_json(&harness, "sketch", body, &[]).await.problem(400, code);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{body}: {problem}");
    }
    let files = posted_json(&harness, "braid", "{}", &[]).await.problem(415, "unsupported_media_type");
    assert!(files["detail"].as_str().is_some_and(|detail| detail.contains("`lead`") && detail.contains("`takes`")));
    posted_json(&harness, "melody-to-vocals", "{}", &[]).await.problem(415, "unsupported_media_type");
    posted_json(&harness, "nothing", "{}", &[]).await.problem(404, "unknown_kind");
}

#[tokio::test]
async fn several_files_of_several_roles_become_inputs_in_order() {
    let harness = harness(&[]).await;
    let parts = [
        ("name=\"takes\"; filename=\"b.wav\"", "BB"),
        ("name=\"lead\"; filename=\"a.wav\"", "A"),
        ("name=\"takes\"; filename=\"c.wav\"", "CCC"),
        ("name=\"takes\"; filename=\"\"", ""),
    ];
    let answer = posted_form(&harness, "braid", &parts, &[]).await;
    let job = id(&answer);
    let names = |body: &Value| -> Vec<String> {
        let inputs = body["inputs"].as_array().expect("a list").iter();
        inputs.map(|input| format!("{} {} {}", input["role"], input["fileName"], input["sizeBytes"])).collect()
    };
    let expected = [r#""lead" "a.wav" 1"#, r#""takes" "b.wav" 2"#, r#""takes" "c.wav" 3"#];
    assert_eq!(names(&answer.json()), expected);
    assert_eq!(names(&harness.ask("GET", &format!("/api/v1/jobs/{job}"), &[]).await.json()), expected);
    let database = harness.deps.database().expect("rows");
    assert_eq!(database.uploads().of_job(job).await.expect("rows").len(), 3);
    let stored = database.jobs().inputs(job).await.expect("rows");
    assert_eq!(stored.iter().map(|input| input.position).collect::<Vec<_>>(), [0, 0, 1]);
    assert!(stored.iter().all(|input| input.verdict.is_some() && input.sha256.len() == 64));
}

/// PostgreSQL keeps no NUL in a text, and nobody wants to see one.
#[tokio::test]
async fn a_file_name_is_kept_as_far_as_it_can_be_shown() {
    let harness = harness(&[]).await;
    let long = format!("name=\"takes\"; filename=\"{}.wav\"", "x".repeat(400));
    let parts = [("name=\"lead\"; filename*=UTF-8''a%00b%0ac.wav", "A"), (long.as_str(), "B"), ("name=\"takes\"", "C")];
    let told = posted_form(&harness, "braid", &parts, &[]).await;
    id(&told);
    let inputs = told.json()["inputs"].clone();
    assert_eq!((&inputs[0]["fileName"], &inputs[2]["fileName"]), (&"abc.wav".into(), &Value::Null));
    assert_eq!(inputs[1]["fileName"].as_str().map(str::len), Some(255));
}

#[tokio::test]
async fn too_few_too_many_and_bad_files_are_named_and_leave_nothing() {
    let harness = harness(&[]).await;
    let lead = ("name=\"lead\"; filename=\"a.wav\"", "A");
    let take = ("name=\"takes\"; filename=\"b.wav\"", "B");
    let silent = ("name=\"takes\"; filename=\"silent.wav\"", "S");
    for (parts, code, field, says) in [
        (vec![take, take], "invalid_field", "lead", "the first voice"),
        (vec![lead, take], "invalid_field", "takes", "at least 2"),
        (vec![lead, take, take, take, take], "invalid_field", "takes", "at most 3"),
        (vec![lead, lead, take, take], "invalid_field", "lead", "one file only"),
        (vec![lead, take, silent], "audio_refused", "takes", "takes, file 2: It is silent."),
    ] {
        let problem = posted_form(&harness, "braid", &parts, &[]).await.problem(400, code);
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{problem}");
    }
    let far = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let left = harness.deps.database().expect("rows").uploads().condemn_orphans(far, 10, far).await.expect("rows");
    assert!(left.is_empty(), "{left:?}");
}

/// The older API and the kind's own address are one flow with two answers.
#[tokio::test]
async fn the_older_api_is_another_door_to_the_same_flow() {
    let harness = harness(&[]).await;
    let parts = [
        ("name=\"audio\"; filename=\"hum.wav\"", "RIFF"),
        ("name=\"prompt\"", "A quiet song about rivers"),
        ("name=\"seed\"", "7"),
    ];
    let own = posted_form(&harness, "melody-to-vocals", &parts, &[]).await;
    let (job, told) = (id(&own), own.json());
    assert_eq!((&told["estimatedTime"], &told["inputs"][0]["role"]), (&"1-3 minutes".into(), &"audio".into()));
    assert_eq!((&told["parameters"]["seed"], &told["reuse"]), (&7.into(), &true.into()));
    assert_eq!(own.header("location"), Some(&*harness.url(&format!("/api/v1/jobs/{job}"))));

    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    let older = wire::ask(harness.address, "POST", "/api/v1/melody-vocals/convert", &headers, &form(&parts)).await;
    let (job, told) = (id(&older), older.json());
    assert_eq!(told["message"], "Conversion job submitted successfully");
    assert_eq!(told["links"]["status"], harness.url(&format!("/api/v1/melody-vocals/status/{job}")));
    assert_eq!(told["links"]["job"], harness.url(&format!("/api/v1/jobs/{job}")));
    assert_eq!(older.header("location"), told["links"]["status"].as_str());
}

/// A repeat is answered whatever the quota is; a new key opens no way around it.
#[tokio::test]
async fn over_the_quota_a_new_key_is_refused_before_its_files_and_a_known_one_is_answered() {
    let harness = harness(&[("quota.enterprise.daily", "1")]).await;
    let parts = [("name=\"audio\"; filename=\"hum.wav\"", "RIFF"), ("name=\"prompt\"", "A quiet song about rivers")];
    let known = [("idempotency-key", "known")];
    let first = posted_form(&harness, "melody-to-vocals", &parts, &known).await;
    let job = id(&first);
    let judged = || harness.judged.lock().expect("no test panicked").len();
    let before = judged();
    for key in ["new", "newer"] {
        let refused = posted_form(&harness, "melody-to-vocals", &parts, &[("idempotency-key", key)]).await;
        refused.problem(429, "quota_exceeded");
    }
    posted_form(&harness, "melody-to-vocals", &parts, &[]).await.problem(429, "quota_exceeded");
    // The key of another route is another key.
    posted_json(&harness, "sketch", "{}", &known).await.problem(429, "quota_exceeded");
    let metrics = harness.ask("GET", "/metrics", &[]).await.text();
    let bytes = metrics.lines().find(|line| line.starts_with("descant_upload_bytes_total ")).expect("it is counted");
    assert_eq!((judged(), bytes), (before, "descant_upload_bytes_total 4"), "nothing of them was stored");
    let again = posted_form(&harness, "melody-to-vocals", &parts, &known).await;
    assert_eq!((id(&again), again.header("idempotent-replayed")), (job, Some("true")));
}
