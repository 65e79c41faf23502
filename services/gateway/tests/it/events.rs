//! Event streams on the wire.

use domain::{JobEvent, JobId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::Harness,
    wire::{read, send},
};

fn events(job: JobId) -> String {
    format!("/api/v1/jobs/{job}/events")
}

#[tokio::test]
async fn a_browser_is_told_when_to_come_back_and_when_not_to() {
    let harness = Harness::open().await;
    let job = harness.finished_job().await;
    let all = harness.ask("GET", &events(job), &[]).await;
    assert_eq!((all.status, all.header("transfer-encoding")), (200, Some("chunked")));
    assert!(all.text().starts_with("retry: 1000\n\nid: 1\nevent: accepted\n"), "{}", all.text());
    assert!(all.text().contains("id: 2\nevent: completed\n"), "{}", all.text());
    let rest = harness.ask("GET", &events(job), &[("last-event-id", "1")]).await;
    assert!(rest.text().starts_with("retry: 1000\n\nid: 2\n"), "{}", rest.text());
    for seen in ["2", "3", "1000000"] {
        for method in ["GET", "HEAD"] {
            let done = harness.ask(method, &events(job), &[("last-event-id", seen)]).await;
            assert_eq!((done.status, done.body.len()), (204, 0), "{method} behind {seen}");
        }
        let by_query = harness.ask("GET", &format!("{}?lastEventId={seen}", events(job)), &[]).await;
        assert_eq!(by_query.status, 204, "behind {seen}");
    }
}

/// Who has seen everything so far of a job that goes on waits for the rest.
#[tokio::test]
async fn a_job_that_goes_on_is_followed() {
    let harness = Harness::open().await;
    let job = harness.running_job().await;
    let mut stream = TcpStream::connect(harness.address).await.expect("it listens");
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nlast-event-id: 1\r\nconnection: close\r\n\r\n",
        events(job),
        harness.address
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.expect("a head at once");
    assert_eq!(&first, b"HTTP/1.1 200");
    let head = harness.ask("HEAD", &events(job), &[]).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "a head does not wait");
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(job, event).await;
    }
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("it ends");
    assert!(rest.contains("id: 2\nevent: completed\n"), "{rest}");
}

#[tokio::test]
async fn to_http_1_0_a_stream_ends_with_the_connection() {
    let harness = Harness::open().await;
    let path = events(harness.finished_job().await);
    for keep in ["", "Connection: keep-alive\r\n"] {
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n{keep}\r\n", harness.address);
        let answer = send(harness.address, request.as_bytes()).await;
        assert_eq!((answer.status, answer.header("transfer-encoding")), (200, None), "{answer:?}");
        assert_eq!(answer.header("content-length"), None, "{answer:?}");
        let text = answer.text();
        assert!(text.starts_with("retry: 1000\n\nid: 1\n") && text.ends_with("\n\n"), "no chunks: {text}");
        assert!(!answer.header("connection").is_some_and(|told| told.eq_ignore_ascii_case("keep-alive")));
    }
    // What has a length keeps it, and needs no Host.
    let mut stream = TcpStream::connect(harness.address).await.expect("it listens");
    stream.write_all(b"GET /api/health HTTP/1.0\r\n\r\n").await.expect("it reads");
    let health = read(stream).await;
    assert_eq!((health.status, health.header("content-length")), (200, Some("20")), "{health:?}");
}
