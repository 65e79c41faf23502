//! A failed job, tried again.

use domain::{Failure, FailureClass, FailureCode, JobEvent, JobId};
use persistence::Patch;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::Harness;

async fn failed_job(harness: &Harness) -> JobId {
    let job = harness.running_job().await;
    let failure = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "It is away.");
    harness.happens_so(job, JobEvent::Failed, Patch { failure: Some(failure), ..Patch::default() }).await;
    job
}

#[tokio::test]
async fn a_failed_job_is_put_back_and_counts_again() {
    let harness = Harness::with(&[("quota.enterprise.daily", "2")]).await;
    let id = failed_job(&harness).await;
    let job = harness.ask("GET", &format!("/api/v1/jobs/{id}"), &[]).await.json();
    assert_eq!((&job["errorCode"], &job["errorType"]), (&"provider_unavailable".into(), &"AI_SERVICE_ERROR".into()));
    let path = format!("/api/v1/jobs/{id}/retry");
    for _ in 0..2 {
        let answer = harness.ask("POST", &path, &[]).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let body = answer.json();
        assert_eq!((&body["state"], &body["jobId"]), (&"queued".into(), &id.to_string().into()));
        assert_eq!(body["quota"]["dailyUsed"], 1, "once, however often it is asked");
    }
    let job = harness.ask("GET", &format!("/api/v1/jobs/{id}"), &[]).await.json();
    assert_eq!((&job["error"], &job["state"]), (&serde_json::Value::Null, &"queued".into()));
    // While it works, and once it is done, there is nothing to try again.
    harness.claim(id).await;
    harness.ask("POST", &path, &[]).await.problem(409, "job_state");
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(id, event).await;
    }
    harness.ask("POST", &path, &[]).await.problem(409, "job_state");
}

#[tokio::test]
async fn what_cannot_be_tried_again_says_why() {
    let harness = Harness::with(&[("quota.enterprise.daily", "1")]).await;
    let id = failed_job(&harness).await;
    harness.running_job().await;
    let path = format!("/api/v1/jobs/{id}/retry");
    let problem = harness.ask("POST", &path, &[]).await.problem(429, "quota_exceeded");
    assert_eq!(problem["quota"]["dailyLimit"], 1, "{problem}");
    let database = harness.deps.database().expect("rows");
    assert!(database.jobs().mark_files_deleted(id, chrono::Utc::now()).await.expect("rows"));
    harness.ask("POST", &path, &[]).await.problem(410, "gone");
}

/// Who follows a job that failed and is tried again sees both ends.
#[tokio::test]
async fn a_stream_goes_on_behind_a_failure_that_is_tried_again() {
    let harness = Harness::open().await;
    let id = failed_job(&harness).await;
    let path = format!("/api/v1/jobs/{id}/events");
    let ended = harness.ask("GET", &path, &[]).await.text();
    assert!(ended.trim_end().lines().any(|line| line == "event: failed"), "{ended}");
    assert_eq!(harness.ask("POST", &format!("/api/v1/jobs/{id}/retry"), &[]).await.status, 202);

    let mut stream = TcpStream::connect(harness.address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", harness.address);
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut told = String::new();
    while !told.contains("event: retry_requested") {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.expect("it goes on");
        assert!(count > 0, "it ended: {told}");
        told += std::str::from_utf8(&chunk[..count]).expect("text");
    }
    assert!(told.contains("event: failed"), "{told}");
    harness.claim(id).await;
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(id, event).await;
    }
    stream.read_to_string(&mut told).await.expect("it ends");
    assert!(told.contains("event: completed"), "{told}");
}
