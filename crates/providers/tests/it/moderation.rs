//! The moderation client against a service that misbehaves in every way that services do.

use std::time::Duration;

use domain::{FailureClass, FailureCode};
use providers::{
    ContentGate, Outside,
    moderation::{Judgement, Moderator},
};
use resilience::{BreakerRegistry, BreakerSettings};
use safety::Severity;
use settings::{ModerationSettings, SafetySettings, Secret};
use telemetry::Metrics;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// What the stand-in does with a request.
#[derive(Clone)]
enum Manner {
    Says(&'static str, String),
    Endless,
    Silent,
    HangsUp,
}

const CLEAN: &str = r#"{"id":"m","model":"x","results":[{"flagged":false,"categories":{"hate":false}}]}"#;
const FLAGGED: &str =
    r#"{"id":"m","results":[{"flagged":true,"categories":{"violence":true,"hate":false,"<script>":true,"new":null}}]}"#;

/// Serves until the test ends; what it was sent comes out of the receiver.
async fn stand_in(manner: Manner) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}/v1", listener.local_addr().expect("bound"));
    let (heard, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, manner.clone(), heard.clone()));
        }
    });
    (address, receiver)
}

async fn answer(mut stream: TcpStream, manner: Manner, heard: mpsc::UnboundedSender<String>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok(n) = stream.read(&mut buffer).await else { return };
        request.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse::<usize>().ok())
            });
            length.is_some_and(|length| body.len() >= length)
        });
        if whole {
            let _ = heard.send(text);
            break;
        }
        if n == 0 {
            return;
        }
    }
    match manner {
        Manner::Says(status, body) => {
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
        Manner::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
        }
        Manner::Silent => std::future::pending().await,
        Manner::HangsUp => {}
    }
}

fn metrics() -> Metrics {
    Metrics::new("test")
}

fn moderation(url: &str, fail_closed: bool, timeout: Duration) -> ModerationSettings {
    ModerationSettings {
        api_key: Some(Secret::new("sk-test".to_owned())),
        url: url.parse().expect("an address"),
        model: "omni".to_owned(),
        timeout,
        fail_closed,
    }
}

fn moderator(url: &str, fail_closed: bool, timeout: Duration) -> Moderator {
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics());
    Moderator::new(&moderation(url, fail_closed, timeout), &Outside::default(), &breakers, &metrics())
        .expect("a client")
        .expect("a key")
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn judgements_are_passed_on() {
    let (url, mut heard) = stand_in(Manner::Says("200 OK", CLEAN.to_owned())).await;
    let judged = moderator(&url, true, PATIENT).judge(&["home by the sea"], PATIENT).await;
    assert_eq!(judged.expect("an answer"), Judgement::Clean);
    let request = heard.recv().await.expect("asked");
    assert!(request.starts_with("POST /v1/moderations "), "{request}");
    assert!(request.to_ascii_lowercase().contains("authorization: bearer sk-test"));
    assert!(request.contains(r#""input":["home by the sea"]"#), "{request}");

    let (url, _heard) = stand_in(Manner::Says("200 OK", FLAGGED.to_owned())).await;
    let judged = moderator(&url, false, PATIENT).judge(&["words"], PATIENT).await;
    assert_eq!(judged.expect("an answer"), Judgement::Flagged(vec!["violence".to_owned()]));
}

#[tokio::test]
async fn every_misbehaviour_fails_open_or_closed_as_the_settings_say() {
    for (manner, class) in [
        (Manner::Says("429 Too Many Requests", String::new()), FailureClass::Transient),
        (Manner::Says("429 Too Many Requests\r\nretry-after: 7", String::new()), FailureClass::RetryAfter),
        (Manner::Says("500 Internal Server Error", "<html>".to_owned()), FailureClass::Transient),
        (Manner::Says("401 Unauthorized", "{}".to_owned()), FailureClass::Config),
        (Manner::Says("302 Found", String::new()), FailureClass::Transient),
        (Manner::Says("200 OK", "{\"results\": 3}".to_owned()), FailureClass::Transient),
        (Manner::Says("200 OK", "not json".to_owned()), FailureClass::Transient),
        (Manner::Says("200 OK", "{\"results\": []}".to_owned()), FailureClass::Transient),
        (Manner::Endless, FailureClass::Transient),
        (Manner::HangsUp, FailureClass::Transient),
    ] {
        let (url, _heard) = stand_in(manner).await;
        let closed = moderator(&url, true, PATIENT).judge(&["words"], PATIENT).await.expect_err("no judgement");
        assert_eq!(closed.class, class, "{closed:?}");
        assert_eq!(closed.retry_after, (class == FailureClass::RetryAfter).then_some(Duration::from_secs(7)));
        assert!(!format!("{closed:?}").contains("words") && !format!("{closed:?}").contains("sk-test"));
        let open = moderator(&url, false, PATIENT).judge(&["words"], PATIENT).await;
        assert_eq!(open.expect("goes on"), Judgement::Unknown);
    }
}

#[tokio::test]
async fn a_silent_service_is_not_waited_for() {
    let (url, _heard) = stand_in(Manner::Silent).await;
    let short = Duration::from_millis(50);
    let judged = moderator(&url, true, short).judge(&["words"], PATIENT).await;
    assert_eq!(judged.expect_err("too slow").code, FailureCode::ProviderUnavailable);
    let judged = moderator(&url, false, PATIENT).judge(&["words"], short).await;
    assert_eq!(judged.expect("goes on"), Judgement::Unknown);
}

#[tokio::test]
async fn the_gate_asks_nobody_without_a_key_and_refuses_what_is_flagged() {
    let safety = SafetySettings { enabled: true, refuse_at: Severity::Block, lists: None, replace_built_in: false };
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics());
    let (url, mut heard) = stand_in(Manner::Says("200 OK", FLAGGED.to_owned())).await;
    let keyless = ModerationSettings { api_key: None, ..moderation(&url, true, PATIENT) };
    let gate = ContentGate::new(&safety, &keyless, &Outside::default(), &breakers, &metrics()).expect("a gate");
    assert!(gate.admit(&[("prompt", "home by the sea")], PATIENT).await.is_ok());
    assert!(heard.try_recv().is_err());

    let gate = ContentGate::new(&safety, &moderation(&url, true, PATIENT), &Outside::default(), &breakers, &metrics())
        .expect("a gate");
    let refused = gate.admit(&[("prompt", "home by the sea")], PATIENT).await.expect_err("flagged");
    assert_eq!((refused.class, refused.code), (FailureClass::Caller, FailureCode::ContentRejected));
    assert!(refused.message.contains("violence"), "{}", refused.message);
}
