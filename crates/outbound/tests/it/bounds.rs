//! How much comes back, and how long that may take.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use outbound::{Answer, Destination, Limits, MinimumRate, OutboundError, Trouble};
use serde::Deserialize;
use testbed::{Manner, StandIn};

use crate::support::{PATIENT, Server, allowing, answer, gzip, limits, outbound};

const KIB: u64 = 1024;

/// What the server at an address answers, within limits.
async fn ask(url: &str, limits: Limits) -> Result<Answer, OutboundError> {
    let service = Destination::configured(url.parse().unwrap()).unwrap();
    outbound(&allowing(&[])).get(&service, "").limits(limits).send().await
}

async fn body_of(url: &str, limits: Limits) -> Result<Vec<u8>, OutboundError> {
    ask(url, limits).await?.bytes().await.map(Vec::from)
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_and_no_further() {
    let ten = Server::start(|_| answer(200, "", &[b'a'; 10])).await;
    assert_eq!(body_of(&ten.url(), Limits::new(PATIENT, 10)).await.unwrap().len(), 10);
    let outcome = body_of(&ten.url(), Limits::new(PATIENT, 9)).await;
    assert!(matches!(outcome, Err(OutboundError::TooLarge { limit_bytes: 9, .. })), "{outcome:?}");
    let outcome = ask(&ten.url(), limits()).await.unwrap().at_most(9).bytes().await;
    assert!(matches!(outcome, Err(OutboundError::TooLarge { limit_bytes: 9, .. })), "{outcome:?}");
    let endless = StandIn::start([Manner::Floods]).await;
    let outcome = body_of(endless.url(), limits()).await;
    assert!(matches!(outcome, Err(OutboundError::TooLarge { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_few_bytes_that_stand_for_very_many_are_seen_as_many() {
    // 256 MiB of zeros in some 256 KiB.
    let bomb = gzip(&vec![0; 256 << 20]);
    assert!(bomb.len() < 300 << 10);
    let server = Server::start(move |_| answer(200, "content-encoding: gzip\r\n", &bomb)).await;
    let outcome = body_of(&server.url(), limits()).await;
    assert!(matches!(outcome, Err(OutboundError::TooLarge { .. })), "{outcome:?}");
    let words = Server::start(|_| answer(200, "content-encoding: GZIP\r\n", &gzip(b"some words"))).await;
    assert_eq!(body_of(&words.url(), Limits::new(PATIENT, 10)).await.unwrap(), b"some words");
    assert!(words.heads()[0].contains("accept-encoding: identity"), "none is asked for");
}

#[tokio::test]
async fn a_coding_that_cannot_be_undone_is_told() {
    for (coding, body) in [
        ("br", b"x".to_vec()),
        ("gzip, gzip", gzip(&gzip(b"x"))),
        ("gzip", b"plain".to_vec()),
        ("gzip", gzip(b"words")[..15].to_vec()),
    ] {
        let server = Server::start(move |_| answer(200, &format!("content-encoding: {coding}\r\n"), &body)).await;
        let outcome = body_of(&server.url(), limits()).await;
        assert!(matches!(outcome, Err(OutboundError::Broken { why: Trouble::Coding, .. })), "{coding} {outcome:?}");
    }
}

#[tokio::test]
async fn a_slow_body_ends() {
    let slow = StandIn::start([Manner::Drips]).await;
    let rate = MinimumRate { bytes_per_second: 100_000, window: Duration::from_millis(100) };
    let outcome = body_of(slow.url(), Limits { slowest: rate, ..limits() }).await;
    assert!(matches!(outcome, Err(OutboundError::TooSlow { .. })), "{outcome:?}");
    let outcome = body_of(slow.url(), Limits::new(Duration::from_millis(200), KIB * KIB)).await;
    assert!(matches!(outcome, Err(OutboundError::Broken { why: Trouble::TimedOut, .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_cut_body_is_not_a_short_one() {
    let cut = StandIn::start([Manner::BreaksOff]).await;
    let outcome = body_of(cut.url(), limits()).await;
    assert!(matches!(outcome, Err(OutboundError::Broken { why: Trouble::Broke, .. })), "{outcome:?}");
    let chunked = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec();
    let server = Server::start(move |_| chunked.clone()).await;
    let outcome = body_of(&server.url(), limits()).await;
    assert!(matches!(outcome, Err(OutboundError::Broken { why: Trouble::Broke, .. })), "{outcome:?}");
}

#[tokio::test]
async fn headers_have_a_limit() {
    let large = format!("x-large: {}\r\n", "a".repeat(70 * 1024));
    let server = Server::start(move |_| answer(200, &large, b"")).await;
    let outcome = ask(&server.url(), limits()).await;
    assert!(matches!(outcome, Err(OutboundError::TooLarge { .. })), "{outcome:?}");
    let many = (0..500).fold(String::new(), |all, n| format!("{all}x-{n}: a\r\n"));
    let server = Server::start(move |_| answer(200, &many, b"")).await;
    let outcome = ask(&server.url(), limits()).await;
    assert!(outcome.as_ref().is_err_and(OutboundError::may_have_arrived), "{outcome:?}");
}

#[tokio::test]
async fn silence_ends_with_the_first_byte_or_the_deadline() {
    let silent = StandIn::start([Manner::Hangs]).await;
    let soon = Duration::from_millis(100);
    for limits in [Limits { first_byte: Some(soon), ..limits() }, Limits::new(soon, KIB)] {
        let outcome = ask(silent.url(), limits).await;
        assert!(matches!(outcome, Err(OutboundError::Unanswered { why: Trouble::TimedOut, .. })), "{outcome:?}");
    }
    assert_eq!(silent.asked(), 2);
}

#[derive(Deserialize, PartialEq, Debug)]
struct Song {
    title: String,
}

#[tokio::test]
async fn json_of_another_shape_is_not_what_is_no_json() {
    let server = Server::start(|head| {
        let body = if head.contains("/song") {
            "{\"title\":\"Sea\"}"
        } else if head.contains("/other") {
            "{\"title\":7}"
        } else {
            "<html>"
        };
        answer(200, "", body.as_bytes())
    })
    .await;
    let service = Destination::configured(server.url().parse().unwrap()).unwrap();
    let out = outbound(&allowing(&[]));
    let read = async |path: &str| out.get(&service, path).send().await.unwrap().json::<Song>().await;
    assert_eq!(read("song").await.unwrap(), Song { title: "Sea".to_owned() });
    let other = read("other").await;
    assert!(matches!(other, Err(OutboundError::OtherShape { line: 1, .. })), "{other:?}");
    let none = read("none").await;
    assert!(matches!(none, Err(OutboundError::NotJson { line: 1, .. })), "{none:?}");
}

#[tokio::test]
async fn a_download_is_written_hashed_and_counted() {
    let body: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let server = Server::start({
        let body = body.clone();
        move |_| answer(200, "content-type: audio/mpeg\r\n", &body)
    })
    .await;
    let mut written = Vec::new();
    let got = ask(&server.url(), limits()).await.unwrap().download(&mut written).await.unwrap();
    assert_eq!((got.bytes, got.content_type.as_deref()), (200_000, Some("audio/mpeg")));
    assert!(written == body);
    // By `sha256sum`.
    assert_eq!(got.sha256, SHA256_OF_BODY);
    let pieces: Vec<_> = ask(&server.url(), limits()).await.unwrap().stream().try_collect().await.unwrap();
    assert!(pieces.concat() == body);
    let mut room = [0; 10];
    let mut full = std::io::Cursor::new(room.as_mut_slice());
    let outcome = ask(&server.url(), limits()).await.unwrap().download(&mut full).await;
    assert!(matches!(outcome, Err(OutboundError::Write { .. })), "{outcome:?}");
}

const SHA256_OF_BODY: &str = "e24bc62381f1224fbbb74688663f8f9743b9680b193edd666835e97b06e730eb";
