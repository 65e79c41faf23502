//! Reading and listing jobs of any kind, and the older API beside it.

use std::collections::BTreeSet;

use domain::{ArtifactRole, JobEvent, JobId, KindName, kinds::melody_vocals};
use persistence::Patch;
use serde_json::Value;

use crate::{harness::Harness, wire};

const NEWER: KindName = KindName::new("from-the-future");

async fn read(harness: &Harness, path: &str) -> Value {
    let answer = harness.ask("GET", path, &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn ids(list: &Value) -> Vec<String> {
    let jobs = list["jobs"].as_array().expect("a list").iter();
    jobs.map(|job| job["jobId"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_walked_by_its_cursor_and_each_job_comes_once() {
    let harness = Harness::open().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(harness.waiting_job(melody_vocals::NAME).await.to_string());
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/jobs?limit=2".to_owned();
    loop {
        let page = read(&harness, &path).await;
        seen.extend(ids(&page));
        // What is added meanwhile comes before the first page, not again.
        harness.waiting_job(melody_vocals::NAME).await;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/jobs?limit=2&cursor={next}");
    }
    made.reverse();
    assert_eq!(seen, made, "newest first");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=abc", "cursor"),
        ("state=done", "state"),
        ("kind=No%20Kind", "kind"),
        ("createdFrom=yesterday", "createdFrom"),
        ("createdBefore=2026-11-21", "createdBefore"),
    ] {
        let problem = harness.ask("GET", &format!("/api/v1/jobs?{query}"), &[]).await.problem(400, "invalid_field");
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_list_is_narrowed_by_kind_state_and_time() {
    let harness = Harness::open().await;
    let done = harness.finished_job().await.to_string();
    let waiting = harness.waiting_job(melody_vocals::NAME).await.to_string();
    let newer = harness.waiting_job(NEWER).await.to_string();
    let listed = async |query: &str| -> BTreeSet<String> {
        ids(&read(&harness, &format!("/api/v1/jobs?{query}")).await).into_iter().collect()
    };
    let set = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
    assert_eq!(listed("").await, set(&[&done, &waiting, &newer]));
    assert_eq!(listed("kind=melody-to-vocals").await, set(&[&done, &waiting]));
    assert_eq!(listed("kind=from-the-future").await, set(&[&newer]));
    assert_eq!(listed("kind=nothing-yet").await, set(&[]));
    assert_eq!(listed("state=completed,cancelled").await, set(&[&done]));
    assert_eq!(listed("state=pending&kind=melody-to-vocals").await, set(&[&waiting]));
    let created = read(&harness, &format!("/api/v1/jobs/{waiting}")).await["createdAt"].as_str().unwrap().to_owned();
    assert_eq!(listed(&format!("createdFrom={created}")).await, set(&[&waiting, &newer]));
    assert_eq!(listed(&format!("createdBefore={created}")).await, set(&[&done]));
}

#[tokio::test]
async fn a_finished_job_tells_everything_and_no_key() {
    let harness = Harness::open().await;
    let id = harness.finished_job().await;
    harness.add_artifact(id, ArtifactRole::new("stems_zip"), "Stems.zip").await;
    let job = read(&harness, &format!("/api/v1/jobs/{id}")).await;
    assert_eq!(job["kind"], "melody-to-vocals");
    assert_eq!((&job["status"], &job["progress"], &job["attempts"]), (&"completed".into(), &100.into(), &0.into()));
    let roles: Vec<_> = job["artifacts"].as_array().unwrap().iter().map(|file| file["role"].clone()).collect();
    assert_eq!(roles, ["audio_mp3", "stems_zip"]);
    assert_eq!(job["links"]["job"], harness.url(&format!("/api/v1/jobs/{id}")));
    assert_eq!(job["links"]["status"], job["links"]["job"]);
    assert!(!job.to_string().contains("jobs/work") && !job.to_string().contains("uploads/"), "{job}");

    // A role that only a newer version knows is served when the job has it.
    let file = harness.ask("GET", &format!("/api/v1/jobs/{id}/result?role=stems_zip"), &[]).await;
    assert_eq!((file.status, file.body.as_slice()), (200, crate::harness::SONG));
    let result = |role: &str| format!("/api/v1/jobs/{id}/result?role={role}");
    assert_eq!(harness.ask("GET", &result("score"), &[]).await.problem(400, "invalid_field")["field"], "role");
    harness.ask("GET", &result("No%20Role"), &[]).await.problem(400, "invalid_field");
    harness.ask("GET", &result("lyrics"), &[]).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_parked_job_says_what_it_waits_for_and_reads_as_processing() {
    let harness = Harness::open().await;
    let id = harness.running_job().await;
    let due = chrono::Utc::now() + chrono::TimeDelta::minutes(3);
    let parked = Patch { waits_for: Some("the vendor".to_owned()), due_at: Some(due), ..Patch::default() };
    harness.happens_so(id, JobEvent::Parked, parked).await;
    let job = read(&harness, &format!("/api/v1/jobs/{id}")).await;
    assert_eq!((&job["state"], &job["status"]), (&"parked".into(), &"processing".into()));
    assert_eq!(job["waitsFor"], "the vendor");
    assert!(job["dueAt"].as_str().is_some(), "{job}");
    let older = read(&harness, &format!("/api/v1/melody-vocals/status/{id}")).await;
    assert_eq!(older["status"], "processing");
}

#[tokio::test]
async fn a_job_of_a_newer_version_is_shown_with_what_is_known() {
    let harness = Harness::open().await;
    let id = harness.waiting_job(NEWER).await;
    let job = read(&harness, &format!("/api/v1/jobs/{id}")).await;
    assert_eq!((&job["kind"], &job["state"]), (&"from-the-future".into(), &"queued".into()));
    assert_eq!((&job["stageLabel"], &job["result"]), (&Value::Null, &Value::Null));
    harness.claim(id).await;
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(id, event).await;
    }
    harness.add_artifact(id, ArtifactRole::new("hologram"), "Hologram.bin").await;
    let result = format!("/api/v1/jobs/{id}/result");
    let which = harness.ask("GET", &result, &[]).await.problem(400, "invalid_field");
    assert!(which["detail"].as_str().is_some_and(|detail| detail.contains("hologram")), "{which}");
    assert_eq!(harness.ask("GET", &format!("{result}?role=hologram"), &[]).await.status, 200);
    let events = harness.ask("GET", &format!("/api/v1/jobs/{id}/events"), &[]).await;
    assert!(events.text().contains("event: completed"), "{}", events.text());
    let json = [("content-type", "application/json")];
    let rated =
        wire::ask(harness.address, "POST", &format!("/api/v1/jobs/{id}/feedback"), &json, b"{\"rating\":4}").await;
    assert_eq!(rated.status, 200, "{}", rated.text());

    // To the older API it is none of its jobs.
    harness.ask("GET", &format!("/api/v1/melody-vocals/status/{id}"), &[]).await.problem(404, "not_found");
    harness.ask("POST", &format!("/api/v1/melody-vocals/cancel/{id}"), &[]).await.problem(404, "not_found");
    let feedback = format!("/api/v1/melody-vocals/feedback/{id}");
    wire::ask(harness.address, "POST", &feedback, &json, b"{\"rating\":4}").await.problem(404, "not_found");
    assert_eq!(read(&harness, "/api/v1/melody-vocals/history").await["conversions"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn what_was_said_of_a_result_is_read_back() {
    let harness = Harness::open().await;
    let id = harness.finished_job().await;
    let path = format!("/api/v1/jobs/{id}/feedback");
    let nothing = read(&harness, &path).await;
    assert_eq!((&nothing["rating"], &nothing["at"]), (&Value::Null, &Value::Null));
    let json = [("content-type", "application/json")];
    for (alias, said) in [
        (path.clone(), r#"{"rating": 3, "feedback": " A bit thin. "}"#),
        (format!("/api/v1/melody-vocals/feedback/{id}"), r#"{"rating": 5}"#),
    ] {
        let answer = wire::ask(harness.address, "POST", &alias, &json, said.as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = read(&harness, &path).await;
        let expected: Value = serde_json::from_str(said).unwrap();
        assert_eq!(told["rating"], expected["rating"]);
        assert_eq!(told["feedback"].as_str(), expected["feedback"].as_str().map(str::trim));
    }
    let waiting = harness.waiting_job(melody_vocals::NAME).await;
    let path = format!("/api/v1/jobs/{waiting}/feedback");
    wire::ask(harness.address, "POST", &path, &json, b"{\"rating\":4}").await.problem(409, "job_state");
}

#[tokio::test]
async fn nobody_reads_an_unknown_job() {
    let harness = Harness::open().await;
    let unknown: JobId = "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap();
    for id in [unknown.to_string(), "nothing".to_owned()] {
        for (method, path) in [
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/result"),
            ("GET", "/feedback"),
            ("POST", "/feedback"),
            ("POST", "/cancel"),
            ("POST", "/retry"),
        ] {
            harness.ask(method, &format!("/api/v1/jobs/{id}{path}"), &[]).await.problem(404, "not_found");
        }
    }
    let none = harness.ask("POST", &format!("/api/v1/jobs/{unknown}"), &[]).await.problem(404, "unknown_kind");
    assert!(none["detail"].as_str().is_some_and(|detail| detail.contains("melody-to-vocals")), "{none}");
}

/// Bodies of strangers are not waited for: the answer comes before the body has.
#[tokio::test]
async fn who_asks_is_checked_before_a_body_is_read() {
    let secret = "a secret that only the tests of this project use";
    let harness = Harness::with(&[("auth.mode", "hs256"), ("auth.secret", secret)]).await;
    let longer = [("content-type", "application/json"), ("content-length", "1000")];
    for path in [
        "/api/v1/jobs/x/feedback",
        "/api/v1/melody-vocals/feedback/x",
        "/api/v1/operator/breakers/reset",
        "/api/v1/jobs/melody-to-vocals",
        "/api/v1/jobs/unknown",
    ] {
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", harness.address);
        for (name, value) in longer {
            head += &format!("{name}: {value}\r\n");
        }
        wire::send(harness.address, format!("{head}\r\n{{").as_bytes()).await.problem(401, "unauthenticated");
    }
}
