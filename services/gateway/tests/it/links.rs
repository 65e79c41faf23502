//! Links in answers: whole addresses, under the name that was asked, and in that answer only.

use domain::{Failure, FailureClass, FailureCode, JobEvent};
use persistence::Patch;
use serde_json::{Value, json};

use crate::{
    harness::{Harness, SONG},
    wire::{self, Answer},
};

const JOBS: &str = "/api/v1/jobs/composition";

async fn submitted(harness: &Harness, path: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "prompt": "a calm bossa nova", "seed": 1 }).to_string();
    let headers = [&[("content-type", "application/json")], headers].concat();
    wire::ask(harness.address, "POST", path, &headers, body.as_bytes()).await
}

/// Every link of an answer, wherever it stands.
fn links(body: &Value) -> Vec<String> {
    const URLS: [&str; 3] = ["url", "audioUrl", "downloadUrl"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match body {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value {
                Value::Object(group) if name == "links" => group.values().filter_map(text).collect(),
                Value::String(url) if URLS.contains(&name.as_str()) => vec![url.clone()],
                value => links(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn begin_with(base: &str, body: &Value) {
    let links = links(body);
    assert!(!links.is_empty(), "{body}");
    for link in links {
        assert!(link.starts_with(&format!("{base}/api/")), "{link} begins with {base}: {body}");
    }
}

#[tokio::test]
async fn every_answer_has_whole_addresses_under_the_name_that_was_asked() {
    let harness = Harness::open().await;
    let done = harness.finished_job().await;
    let failed = harness.running_job().await;
    let failure = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "It is away.");
    harness.happens_so(failed, JobEvent::Failed, Patch { failure: Some(failure), ..Patch::default() }).await;
    for host in [harness.address.to_string(), format!("localhost:{}", harness.address.port()), "[::1]:9".to_owned()] {
        let (base, headers) = (format!("http://{host}"), [("host", host.as_str())]);
        for path in [
            "/api/v1/jobs".to_owned(),
            format!("/api/v1/jobs/{done}"),
            format!("/api/v1/melody-vocals/status/{done}"),
            "/api/v1/melody-vocals/history".to_owned(),
        ] {
            begin_with(&base, &harness.ask("GET", &path, &headers).await.expect(200));
        }
        begin_with(&base, &harness.ask("POST", &format!("/api/v1/jobs/{failed}/retry"), &headers).await.expect(202));
        let answer = submitted(&harness, JOBS, &headers).await;
        let body = answer.expect(202);
        begin_with(&base, &body);
        assert_eq!(answer.header("location"), body["links"]["status"].as_str());
        let answer = submitted(&harness, "/api/music-generator/generate", &headers).await;
        answer.expect(202);
    }
    // A whole address in the request line stands above the header.
    let whole = format!("http://localhost:7/api/v1/jobs/{done}");
    let headers = [("host", "127.0.0.1:8")];
    let body = wire::ask(harness.address, "GET", &whole, &headers, b"").await.expect(200);
    begin_with("http://localhost:7", &body);
}

#[tokio::test]
async fn a_link_that_needs_no_token_is_whole_too() {
    let harness = Harness::open().await;
    let accepted = submitted(&harness, "/api/music-generator/generate", &[]).await.expect(202);
    let id = accepted["data"]["musicId"].as_str().unwrap();
    let job = id.parse().unwrap();
    harness.claim(job).await;
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(job, event).await;
    }
    harness.add_artifact(job, domain::ArtifactRole::AUDIO_MP3, "Song.mp3").await;
    let headers = [("host", "localhost")];
    for (route, field) in [("status", "audioUrl"), ("download", "downloadUrl")] {
        let body = harness.ask("GET", &format!("/api/music-generator/{route}/{id}"), &headers).await.expect(200);
        begin_with("http://localhost", &body);
        let path = body["data"][field].as_str().and_then(|url| url.strip_prefix("http://localhost")).unwrap();
        assert_eq!(harness.ask("GET", path, &[]).await.body, SONG);
    }
}

#[tokio::test]
async fn the_name_that_one_client_used_is_told_to_no_other() {
    let harness = Harness::with(&[("http.allowed_hosts", "studio.lan")]).await;
    let keyed = async |headers: &[(&str, &str)]| {
        let headers = [&[("idempotency-key", "once")], headers].concat();
        let answer = submitted(&harness, JOBS, &headers).await;
        let location = answer.header("location").unwrap().to_owned();
        (answer.expect(202), location)
    };
    let (first, location) = keyed(&[("host", "studio.lan:9")]).await;
    begin_with("http://studio.lan:9", &first);
    assert!(location.starts_with("http://studio.lan:9/"), "{location}");
    let (repeat, location) = keyed(&[("host", "localhost:7")]).await;
    assert_eq!(repeat["jobId"], first["jobId"]);
    begin_with("http://localhost:7", &repeat);
    assert!(location.starts_with("http://localhost:7/"), "{location}");
    // Behind a proxy that the settings do not tell of, they are paths, whatever it says of itself.
    for told in [("forwarded", "host=evil.example;proto=https"), ("x-forwarded-host", "evil.example"), ("via", "1.1 x")]
    {
        let (repeat, location) = keyed(&[told]).await;
        begin_with("", &repeat);
        assert!(location.starts_with("/api/") && !repeat.to_string().contains("evil"), "{location}: {repeat}");
    }
    // Nothing of it is in what others are told.
    let job = first["jobId"].as_str().unwrap();
    let database = harness.deps.database().unwrap();
    let row = database.jobs().get(job.parse().unwrap()).await.unwrap().unwrap();
    assert!(!format!("{row:?}").contains("studio.lan"), "{row:?}");
}

#[tokio::test]
async fn the_public_address_stands_above_every_name() {
    let harness = Harness::with(&[("http.public_url", "https://music.example/base/")]).await;
    let done = harness.finished_job().await;
    for headers in [vec![], vec![("host", "localhost")], vec![("x-forwarded-host", "evil.example")]] {
        let body = harness.ask("GET", &format!("/api/v1/jobs/{done}"), &headers).await.expect(200);
        begin_with("https://music.example/base", &body);
        begin_with("https://music.example/base", &submitted(&harness, JOBS, &headers).await.expect(202));
    }
}
