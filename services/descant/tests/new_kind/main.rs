//! A new kind of job touches only its own files and a line in each registry: one is added here, to all services, from outside
//! of every crate; and ARCHITECTURE.md says how, in steps that name what there is. So is a composer, of the sort that vendors are.

mod composer;
mod house;
mod models;
mod reverie;
mod trainer;

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use reverie::orchestrator::Dreamer;
use serde_json::{Value, json};
use service_runtime::{CancellationToken, Service};
use settings::{LoadOptions, Settings};

const PATIENCE: Duration = Duration::from_secs(60);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_added_from_outside_runs_through_the_whole_house() {
    service_runtime::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let options = LoadOptions::default()
        .with("data_dir", folder.path().display().to_string())
        .with("http.port", "0")
        .with("jobs.reconcile_ms", "50");
    let settings = Settings::load(&options).unwrap();
    let dreamer = Arc::new(Dreamer::default());
    let (bound, address) = tokio::sync::oneshot::channel::<SocketAddr>();
    let announced = move |address| {
        // A test that has given up waits no more.
        let _ = bound.send(address);
    };
    // The three lines of the registries.
    let gateway = gateway::Gateway::announcing(announced).with_kind(Arc::new(reverie::gateway::Reverie));
    let orchestrator = orchestrator::Orchestrator::default().with_kind(reverie::orchestrator::kind(dreamer.clone()));
    let storage = storage::Storage::default().with_kind(&reverie::SPEC);

    let services: Vec<Box<dyn Service>> =
        vec![Box::new(validator::Validator), Box::new(storage), Box::new(orchestrator), Box::new(gateway)];
    let stop = CancellationToken::new();
    let running = tokio::spawn(service_runtime::run_until("test", settings, services, stop.clone()));
    let base = format!("http://{}", address.await.unwrap());
    let http = reqwest::Client::new();

    let refused = http.post(format!("{base}/api/v1/jobs/reverie")).json(&json!({})).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let accepted = http
        .post(format!("{base}/api/v1/jobs/reverie"))
        .header("idempotency-key", "once")
        .json(&json!({ "theme": "the sea" }))
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.status(), 202);
    let accepted: Value = accepted.json().await.unwrap();
    let id = accepted["jobId"].as_str().unwrap_or_else(|| panic!("no id in {accepted}"));

    let started = Instant::now();
    let mut states = BTreeSet::new();
    let job = loop {
        let job: Value = http.get(format!("{base}/api/v1/jobs/{id}")).send().await.unwrap().json().await.unwrap();
        states.insert(job["state"].as_str().unwrap().to_owned());
        if job["state"] == "completed" {
            break job;
        }
        assert!(started.elapsed() < PATIENCE && job["state"] != "failed", "{job}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(job["kind"], "reverie");
    assert_eq!(job["result"]["line"], "I dreamt of the sea");
    assert_eq!(dreamer.asked.load(Ordering::SeqCst), 1, "the vendor was asked once");

    let song = http.get(format!("{base}/api/v1/jobs/{id}/result")).send().await.unwrap();
    assert_eq!(song.text().await.unwrap(), "I dreamt of the sea", "the kind's own default role");
    // An older API's aliases are for its own kind.
    for (method, route) in [("GET", "status"), ("POST", "cancel"), ("POST", "feedback")] {
        let address = format!("{base}/api/v1/melody-vocals/{route}/{id}");
        let asked = http.request(method.parse().unwrap(), address).json(&json!({ "rating": 5 })).send().await.unwrap();
        assert_eq!(asked.status(), 404, "{route}");
    }
    let history = http.get(format!("{base}/api/v1/melody-vocals/history")).send().await.unwrap();
    let history: Value = history.json().await.unwrap();
    assert_eq!(history["conversions"], json!([]));
    let events = http.get(format!("{base}/api/v1/jobs/{id}/events")).send().await.unwrap().text().await.unwrap();
    assert!(events.contains("event: parked"), "{events}");

    stop.cancel();
    running.await.unwrap();
    println!("states seen: {states:?}");
}

#[test]
fn a_new_kind_touches_only_its_own_files_and_the_registries() {
    let root = repository();
    let own = root.join("services/descant/tests/new_kind");
    println!("files of the kind:");
    for file in sources(&own.join("reverie")) {
        println!("  {}", file.strip_prefix(&root).unwrap().display());
    }
    println!("and with_kind(…) of the gateway, the orchestrator and storage, a line each");
    let knows = |file: &PathBuf| fs::read_to_string(file).unwrap().to_lowercase().contains("reverie");
    let others: Vec<PathBuf> = ["crates", "services", "migrations"]
        .into_iter()
        .flat_map(|folder| sources(&root.join(folder)))
        .filter(|file| !file.starts_with(&own))
        .filter(knows)
        .collect();
    assert_eq!(others, Vec::<PathBuf>::new(), "the deployment knows the kind");
}

/// The platform asks no kind for its name: outside of the registries and of what is the kinds' own, no source names one.
#[test]
fn the_platform_names_no_kind() {
    let root = repository();
    let platform = [
        "crates/blob-store/src",
        "crates/contracts/src",
        "crates/domain/src",
        "crates/messaging/src",
        "crates/persistence/src",
        "crates/providers/src",
        "crates/resilience/src",
        "crates/service-runtime/src",
        "crates/settings/src",
        "crates/telemetry/src",
        "services/orchestrator/src",
        "services/storage/src",
        "services/validator/src",
        "services/gateway/src",
    ];
    let mut named = Vec::new();
    for file in platform.into_iter().flat_map(|folder| sources(&root.join(folder))) {
        let inside = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        // Tests below the code may use a kind that there is.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        // An error's example may name it.
        let is_code = |line: &&str| !line.trim_start().starts_with("//") && !line.contains("such as");
        let is_named = code.lines().filter(is_code).any(|line| {
            const NAMES: [&str; 9] = [
                "melody_vocals",
                "melody-vocals",
                "MelodyVocals",
                "MelodyToVocals",
                "melody-to-vocals",
                "kinds::blend",
                "BlendRequest",
                "kinds::composition",
                "CompositionRequest",
            ];
            NAMES.iter().any(|name| line.contains(name))
        });
        if is_named && !inside.contains("/kinds/") && !inside.ends_with("tests.rs") {
            named.push(inside);
        }
    }
    assert_eq!(named, Vec::<String>::new());
}

#[test]
fn the_steps_of_the_architecture_page_name_what_there_is() {
    let root = repository();
    let page = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, section) = page.split_once("## How do I add a kind of job?").expect("the page answers the question");
    let section = section.split("\n## ").next().unwrap();
    let steps: Vec<&str> = section.lines().filter(|line| !line.trim().is_empty()).collect();
    assert!(steps.len() <= 10, "ten lines, not {}", steps.len());
    // NAME stands for the module's name; the kind that there is has every file that the steps speak of.
    let paths: Vec<String> = section
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && (word.ends_with(".rs") || word.ends_with('/')))
        .map(|word| word.replace("NAME", "melody_vocals"))
        .collect();
    assert!(paths.len() >= 5, "{paths:?}");
    for path in &paths {
        assert!(root.join(path).exists(), "{path} is not there");
    }
    for word in ["KindSpec", "SubmitKind", "Kind::new", "Stage"] {
        assert!(section.contains(word), "the steps do not name {word}");
    }
}
