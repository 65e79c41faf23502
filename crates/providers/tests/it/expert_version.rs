//! Which version the expert service says it is: what equal versions made is reused, and what is not told is not.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use providers::{CallLimits, Chain, ExpertClient, Guard, MelodyExtractor, Need, Outside, TellsVersion, Terms, Version};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use telemetry::Metrics;

/// A service that answers every request with this body.
fn service(status: &'static str, body: String) -> ExpertClient {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            assert!(head[..read].starts_with(b"GET /base/models "), "{}", String::from_utf8_lossy(&head[..read]));
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    ExpertClient::new(
        &Outside::default().outbound().unwrap(),
        "expert",
        format!("http://{address}/base").parse().unwrap(),
        None,
    )
    .unwrap()
}

fn models(version: &str) -> String {
    json!({
        "base": {
            "f0": { "capability": "melody", "provider": "offline", "version": version },
            "lyrics-en": { "capability": "lyrics", "provider": "offline", "version": "en-1" },
            "lyrics-es": { "capability": "lyrics", "provider": "offline", "version": "es-1" },
        },
        "fine_tuned": {},
    })
    .to_string()
}

#[tokio::test]
async fn the_version_of_each_capability_is_what_the_service_says() {
    let (old, new) = (service("200 OK", models("1")), service("200 OK", models("2")));
    assert_eq!(old.version("melody").await.as_deref(), Some("f0=offline/1"));
    assert_eq!(new.version("melody").await.as_deref(), Some("f0=offline/2"), "another build, another version");
    assert_eq!(old.version("lyrics").await.as_deref(), Some("lyrics-en=offline/en-1,lyrics-es=offline/es-1"));
    assert_eq!(old.version("vocals").await, None, "it does not say");
}

#[tokio::test]
async fn nothing_is_preferred_for_reuse_of_a_service_that_does_not_say_its_version() {
    let metrics = Metrics::new("test");
    for (status, body) in [
        ("404 Not Found", "{}".to_owned()),
        ("200 OK", "sorry".to_owned()),
        ("200 OK", json!({ "base": {}, "fine_tuned": {} }).to_string()),
    ] {
        let expert = Arc::new(service(status, body));
        let mut chain: Chain<dyn MelodyExtractor> = Chain::new("melody", CallLimits::default(), metrics.clone());
        let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
        let terms = Terms::elsewhere(Version::Asked(expert.clone()), Guard::new("expert", "melody", &breakers));
        chain.push("expert", terms, expert);
        assert_eq!(chain.preferred(&Need::default()).await, None);
    }
}
