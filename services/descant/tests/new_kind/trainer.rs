//! A model trained through the whole house: recordings over HTTP, a vendor that trains, a name in the registry, a sample.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use media::{Encoding, Tags};
use orchestrator::Orchestrator;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use service_runtime::{CancellationToken, Service};
use settings::{LoadOptions, Settings};
use vendor_standins::{Options, Pace, Route, Vendor, Vendors};

use super::PATIENCE;

const RATE: u32 = 32_000;
/// As the settings call it.
const NAME: &str = "replicate";

/// Notes that die away, one a second, with quiet places between them.
fn recording(seconds: u32, number: u32) -> Vec<u8> {
    let hertz = |second: u32| 110.0 * 2f32.powf(((second * 7 + number * 5) % 24) as f32 / 12.0);
    let tone = |frame: u32| {
        let (second, within) = (frame / RATE, frame % RATE);
        let level = 0.4 * (1.0 - within as f32 / RATE as f32);
        level * (std::f32::consts::TAU * hertz(second) * frame as f32 / RATE as f32).sin()
    };
    let samples: Vec<f32> = (0..RATE * seconds).map(tone).collect();
    media::encode(&samples, RATE, 1, Encoding::Flac, &Tags::default()).unwrap()
}

/// Two recordings in a folder of an archive, with what is no recording beside them.
fn archive() -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let files = [
        ("band/one.flac", recording(70, 1)),
        ("band/two.flac", recording(70, 2)),
        ("band/notes.wav", b"this is no sound".to_vec()),
    ];
    for (name, bytes) in files {
        let how = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, how).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_become_a_model_through_the_whole_house() {
    service_runtime::install_crypto();
    let pace = Pace::Polls { starting: 1, processing: 1 };
    let vendors = Vendors::start_with(Options { pace, ..Options::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = LoadOptions::default()
        .with("data_dir", folder.path().display().to_string())
        .with("http.port", "0")
        .with("jobs.reconcile_ms", "50")
        .with("providers.replicate.base_url", format!("{}/v1", vendors.url_of(Vendor::Replicate)))
        .with("providers.replicate.api_key", "a-key")
        .with("providers.replicate.owner", vendor_standins::USER)
        .with("providers.replicate.output_hosts", "127.0.0.1")
        .with("providers.replicate.price_per_compute_second", "0.001")
        .with("outbound.allow_hosts", "127.0.0.1");
    let settings = Settings::load(&options).unwrap_or_else(|problems| panic!("{problems}"));
    let (bound, address) = tokio::sync::oneshot::channel::<SocketAddr>();
    let announced = move |address| {
        // A test that has given up waits no more.
        let _ = bound.send(address);
    };
    let services: Vec<Box<dyn Service>> = vec![
        Box::new(validator::Validator),
        Box::new(storage::Storage::default()),
        Box::new(Orchestrator::default()),
        Box::new(gateway::Gateway::announcing(announced)),
    ];
    let stop = CancellationToken::new();
    let running = tokio::spawn(service_runtime::run_until("test", settings, services, stop.clone()));
    let (base, http) = (format!("http://{}", address.await.unwrap()), reqwest::Client::new());

    let form = || {
        Form::new()
            .text("name", "my-band")
            .text("description", "slow blues, brushed drums")
            .part("recording", Part::bytes(archive()).file_name("band.zip"))
    };
    let submit = async || http.post(format!("{base}/api/v1/jobs/training")).multipart(form()).send().await.unwrap();
    let answer = submit().await;
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
    let accepted: Value = answer.json().await.unwrap();
    let id = accepted["jobId"].as_str().unwrap().to_owned();

    let started = Instant::now();
    let get =
        async |path: &str| -> Value { http.get(format!("{base}{path}")).send().await.unwrap().json().await.unwrap() };
    let job = loop {
        let job = get(&format!("/api/v1/jobs/{id}")).await;
        if job["state"] == "completed" {
            break job;
        }
        assert!(started.elapsed() < PATIENCE && job["state"] != "failed", "{job}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let made = &job["result"];
    assert_eq!((&made["model"]["name"], &made["model"]["provider"]), (&json!("my-band"), &json!(NAME)), "{made}");
    let version = made["model"]["version"].as_str().unwrap();
    assert!(version.len() == 64 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
    assert_eq!((&made["recordings"]["used"], &made["recordings"]["refused"]), (&json!(2), &json!(1)), "{made}");
    assert!(made["training"]["cost"]["micros"].as_i64().is_some_and(|micros| micros > 0), "{made}");
    assert_eq!(made["trial"]["passed"], true, "{made}");

    let report = get(&format!("/api/v1/jobs/{id}/result?role=report")).await;
    assert!(report["recordings"].to_string().contains("notes.wav"), "a bad recording is told of: {report}");
    let sample = http.get(format!("{base}/api/v1/jobs/{id}/result?role=sample")).send().await.unwrap();
    assert_eq!(sample.status(), 200);
    assert!(sample.bytes().await.unwrap().starts_with(b"RIFF"));

    let model = get("/api/v1/models/my-band").await;
    assert!(model.to_string().contains(version), "it is in the registry: {model}");
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreateTraining), 1);
    assert!(vendors.paid_twice().is_empty(), "{:?}", vendors.paid_twice());
    let again = submit().await;
    assert_eq!(again.status(), 202, "its next version: {}", again.text().await.unwrap());
    stop.cancel();
    running.await.unwrap();
}
