//! What every service shows to those who run it: health, metrics, and the description of the API.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use telemetry::metrics;

use crate::harness::{Answer, Flavour, Part, Submission, User, hum, shared};

over_both!(
    every_service_tells_of_its_health,
    every_service_has_metrics,
    every_documented_route_is_there,
    unknown_paths_are_problems,
    answers_carry_the_callers_trace,
);

async fn plain(url: String) -> Answer {
    Answer::of(reqwest::Client::new().get(url)).await
}

async fn every_service_tells_of_its_health(flavour: Flavour) {
    let deployment = shared(flavour).await;
    for part in deployment.parts() {
        let url = deployment.url(part);
        if part == Part::Expert {
            assert_eq!(plain(format!("{url}/health")).await.expect(200)["status"], "healthy");
            assert_eq!(plain(url).await.expect(200)["status"], "running");
            continue;
        }
        assert_eq!(plain(format!("{url}/api/health")).await.expect(200)["status"], "healthy", "{part}");
        assert_eq!(plain(format!("{url}/api/health/live")).await.expect(200)["status"], "healthy", "{part}");
        assert_eq!(plain(format!("{url}/api/health/ready")).await.expect(200)["status"], "ready", "{part}");
        let detailed = plain(format!("{url}/api/health/detailed")).await.expect(200);
        assert_eq!((&detailed["healthy"], &detailed["phase"]), (&true.into(), &"ready".into()), "{part}: {detailed}");
        let checks = detailed["checks"].as_array().expect("dependencies are named");
        assert!(!checks.is_empty() && checks.iter().all(|check| check["healthy"] == true), "{part}: {detailed}");
        assert_eq!(detailed["version"], env!("CARGO_PKG_VERSION"), "{part}");
        let text = detailed.to_string();
        assert!(!text.contains("://"), "{part}: addresses and passwords are nobody's business: {text}");
    }
}

/// Names of metrics that have values, and not a `# HELP` alone.
fn metric_names(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    samples.map(|line| line.split(['{', ' ']).next().unwrap_or_default().to_owned()).collect()
}

async fn every_service_has_metrics(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    // A name that lies draws a finding.
    let job = User::accepted(&user.submit(&Submission::of("hum.mp3", hum().wav())).await);
    user.completed(&job).await;
    let mut everything = BTreeSet::new();
    let mut texts = String::new();
    for part in deployment.parts() {
        let answer = plain(format!("{}/metrics", deployment.url(part))).await;
        assert_eq!(answer.status, 200, "{part}");
        assert_eq!(answer.header("content-type"), Some(metrics::CONTENT_TYPE), "{part}");
        let text = answer.text();
        let names = metric_names(&text);
        assert!(names.contains("descant_build_info"), "{part}: {text}");
        let known = |name: &str| {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            metrics::ALL.iter().any(|metric| metric.name == name || metric.name == base)
        };
        let strange: Vec<_> = names.iter().filter(|name| !known(name)).collect();
        assert!(strange.is_empty(), "{part} has metrics that nobody documented: {strange:?}");
        everything.extend(names);
        texts.push_str(&text);
    }
    for name in [
        "descant_http_requests_total",
        "descant_http_request_duration_seconds_count",
        "descant_uploads_total",
        "descant_upload_bytes_total",
        "descant_messages_published_total",
        "descant_messages_consumed_total",
        "descant_validations_total",
        "descant_validation_findings_total",
        "descant_jobs_accepted_total",
        "descant_jobs_finished_total",
        "descant_stage_duration_seconds_count",
        "descant_leases_held",
        "descant_outbox_pending",
        "descant_outbox_lag_seconds",
        "descant_object_operations_total",
    ] {
        assert!(everything.contains(name), "nobody has {name}: {everything:?}");
    }
    for text in [job.as_str(), user.claims.subject.as_str(), "rivers"] {
        assert!(!texts.contains(text), "{text} has become a label");
    }
}

async fn every_documented_route_is_there(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let document = plain(format!("{}/openapi.json", deployment.front_url())).await.expect(200);
    let paths = document["paths"].as_object().expect("the document has paths");
    for path in [
        "/api/v1/melody-vocals/convert",
        "/api/v1/melody-vocals/status/{jobId}",
        "/api/v1/melody-vocals/cancel/{jobId}",
        "/api/v1/melody-vocals/history",
        "/api/v1/melody-vocals/quota",
        "/api/v1/melody-vocals/stats",
        "/api/v1/melody-vocals/feedback/{jobId}",
    ] {
        assert!(paths.contains_key(path), "{path} is promised: {:?}", paths.keys());
    }
    // A job of one's own, so that 404 can only mean that there is no such route.
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    user.completed(&job).await;
    let message = uuid::Uuid::now_v7().to_string();
    let mut missing = Vec::new();
    for (path, operations) in paths {
        let filled = path.replace("{jobId}", &job).replace("{id}", &job).replace("{messageId}", &message);
        let filled = filled.replace("{fileId}", &job).replace("{musicId}", &job);
        let filled = filled.replace("{name}", "nobody").replace("{provider}", "nobody");
        // There is no such song, and to the APIs of other kinds this is none of their jobs: only a method that no path takes says
        // that there is a route.
        let is_elsewhere = [
            "/api/v1/songs/{id}",
            "/api/status/{jobId}",
            "/api/download/{fileId}",
            "/api/music-generator/status/{musicId}",
            "/api/music-generator/download/{musicId}",
        ]
        .contains(&path.as_str());
        let is_elsewhere = is_elsewhere || path.contains("{name}");
        if is_elsewhere {
            let request = user.http.request(Method::PUT, format!("{}{filled}", user.base));
            let answer = Answer::of(request.bearer_auth(user.token().unwrap_or_default())).await;
            if answer.status.as_u16() != 405 {
                missing.push(format!("PUT {path}: {}", answer.status));
            }
        }
        assert!(!filled.contains('{'), "a parameter that this test does not know: {path}");
        for (method, operation) in operations.as_object().expect("a path has operations") {
            let Ok(verb) = method.to_uppercase().parse::<Method>() else { continue };
            let request = user.http.request(verb, format!("{}{filled}", user.base));
            let answer = Answer::of(request.bearer_auth(user.token().unwrap_or_default())).await;
            let is_absent = answer.status.as_u16() == 404 && !is_elsewhere;
            if is_absent || matches!(answer.status.as_u16(), 405 | 500..) {
                missing.push(format!("{method} {path}: {}", answer.status));
            }
            let documented = operation["responses"].as_object().expect("an operation has answers");
            if !documented.contains_key(answer.status.as_str()) && !is_common(answer.status.as_u16()) {
                missing.push(format!("{method} {path} answers {}, which is not documented", answer.status));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    references_hold(&document, &document);
}

/// Answers that a gateway may always give, and that documents do not repeat at every route.
fn is_common(status: u16) -> bool {
    matches!(status, 400 | 401 | 415)
}

/// Every `$ref` of the document points at something in it.
fn references_hold(document: &Value, node: &Value) {
    match node {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let pointer = target.strip_prefix('#').expect("references stay inside of the document");
                assert!(document.pointer(pointer).is_some(), "{target} points at nothing");
            }
            fields.values().for_each(|field| references_hold(document, field));
        }
        Value::Array(items) => items.iter().for_each(|item| references_hold(document, item)),
        _ => {}
    }
}

async fn unknown_paths_are_problems(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    for path in ["/", "/api", "/api/v1", "/api/v2/melody-vocals/quota", "/api/v1/song", "/.env"] {
        user.get(path).await.problem(404, "not_found");
    }
}

async fn answers_carry_the_callers_trace(flavour: Flavour) {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let request = user.getting("/api/v1/melody-vocals/quota");
    let answer = Answer::of(request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))).await;
    assert_eq!(answer.header("x-trace-id"), Some(TRACE));
    let (one, other) = (user.get("/api/health").await, user.get("/api/health").await);
    let (one, other) = (one.header("x-trace-id"), other.header("x-trace-id"));
    assert!(one.is_some() && other.is_some() && one != other, "requests without a trace get one each");
}
