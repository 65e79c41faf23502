//! What nobody else learns.

use outbound::{Destination, OutboundError, SetupError, header::HeaderName};
use settings::{OutboundSettings, Secret};

use crate::support::{Names, Server, allowing, answer, limits, outbound, outbound_with, redirect};

const KEY: &str = "sk-very-secret";
const SIGNED: &str = "Signature=very-secret";

#[tokio::test]
async fn credentials_stay_with_whom_they_are_for() {
    let elsewhere = Server::start(|_| answer(200, "", b"")).await;
    let port = elsewhere.address.port();
    let first = Server::start(move |head| {
        if head.starts_with("GET /same") {
            redirect("/other")
        } else if head.starts_with("GET /other") {
            answer(200, "", b"")
        } else {
            redirect(&format!("http://elsewhere.test:{port}/"))
        }
    })
    .await;
    let names = Names::new(&[("first.test", &["127.0.0.1"]), ("elsewhere.test", &["127.0.0.1"])]);
    let out = outbound_with(&allowing(&["*.test"]), names);
    let key = Secret::new(KEY.to_owned());
    for path in ["same", "away"] {
        let target = format!("http://first.test:{}/{path}", first.address.port());
        let request = out.get(&Destination::untrusted(), &target).bearer(&key);
        let request = request.secret_header(HeaderName::from_static("x-api-key"), &key);
        let request = request.header(outbound::header::ACCEPT, "audio/*").follow(3).limits(limits());
        assert!(request.send().await.unwrap().status().is_success());
    }
    let heads = first.heads();
    assert_eq!(heads.iter().map(|head| head.matches(KEY).count()).collect::<Vec<_>>(), [2, 0, 2]);
    let behind = [heads[1].clone(), elsewhere.heads().concat()].concat();
    assert!(!behind.contains(KEY) && behind.matches("accept: audio/*").count() == 2, "{behind}");
    assert!(!behind.contains("referer"), "{behind}");
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let key = Secret::new(KEY.to_owned());
    let closes = Server::start(|_| Vec::new()).await;
    let out = outbound(&allowing(&["127.0.0.1"]));
    let targets = [
        format!("{}/hidden/path?{SIGNED}", closes.url()),
        format!("https://mary:{KEY}@files.example.com/hidden/path?{SIGNED}"),
        format!("https://10.0.0.1/hidden/path?{SIGNED}"),
        format!("nonsense {SIGNED} {KEY}"),
    ];
    for target in targets {
        let request = out.get(&Destination::untrusted(), &target).bearer(&key);
        let shown = format!("{request:?}");
        let error = request.send().await.unwrap_err();
        let mut all = format!("{shown} {error} {error:?} {error:#?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            all.push_str(&format!("{cause} {cause:?}"));
            source = cause.source();
        }
        for secret in [KEY, SIGNED, "hidden", "mary"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
    }
    let text = outbound::Outbound::new(&OutboundSettings::default()).map(|out| format!("{out:?}")).unwrap();
    assert_eq!(text, "Outbound { .. }");
    assert!(matches!(
        Destination::configured(format!("https://mary:{KEY}@example.com").parse().unwrap()),
        Err(error @ SetupError::Base) if !format!("{error} {error:?}").contains(KEY)
    ));
}

#[tokio::test]
async fn an_answers_words_are_not_repeated() {
    let server = Server::start(|_| answer(200, "", format!("{{\"title\":\"{KEY}\"}}").as_bytes())).await;
    let service = Destination::configured(server.url().parse().unwrap()).unwrap();
    let read = outbound(&allowing(&[])).get(&service, "").send().await.unwrap();
    assert!(!format!("{read:?}").contains(KEY));
    let error = read.json::<Vec<u8>>().await.unwrap_err();
    assert!(matches!(error, OutboundError::OtherShape { .. }) && !format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
async fn only_services_of_our_own_learn_the_trace() {
    let server = Server::start(|_| answer(200, "", b"")).await;
    let base = Destination::configured(server.url().parse().unwrap()).unwrap();
    let out = outbound(&allowing(&["127.0.0.1"]));
    out.get(&base.clone().traced(), "").send().await.unwrap();
    out.get(&base, "").send().await.unwrap();
    out.get(&Destination::untrusted().traced(), &server.url()).send().await.unwrap();
    let traced: Vec<bool> = server.heads().iter().map(|head| head.contains("traceparent: 00-")).collect();
    assert_eq!(traced, [true, false, false]);
}
