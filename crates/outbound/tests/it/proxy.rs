//! Requests through a proxy.

use std::process::Command;

use outbound::{Destination, NotSent, OutboundError, Refusal};
use settings::{OutboundSettings, Secret};

use crate::support::{Names, Server, allowing, answer, outbound, outbound_with};

fn through(proxy: &Server, user: &str) -> OutboundSettings {
    let url = format!("http://{user}{}", proxy.address).parse().unwrap();
    OutboundSettings { proxy: Some(Secret::new(url)), ..allowing(&[]) }
}

/// Tunnels are refused, everything else is answered.
async fn proxy() -> Server {
    Server::start(|head| {
        let status = if head.starts_with("CONNECT") { 403 } else { 200 };
        answer(status, "", b"by proxy")
    })
    .await
}

#[tokio::test]
async fn everything_but_exceptions_goes_through_the_proxy() {
    let (proxy, direct) = (proxy().await, Server::start(|_| answer(200, "", b"directly")).await);
    let service = Destination::configured(direct.url().parse().unwrap()).unwrap();
    let mut settings = through(&proxy, "user:hunter2@");
    let ask = async |settings: &OutboundSettings| {
        outbound(settings).get(&service, "a").send().await.unwrap().bytes().await.unwrap()
    };
    assert_eq!(ask(&settings).await, "by proxy");
    assert!(proxy.heads()[0].starts_with(&format!("GET {}/a HTTP/1.1", direct.url())), "{:?}", proxy.heads());
    assert!(proxy.heads()[0].contains("proxy-authorization: Basic dXNlcjpodW50ZXIy"), "{:?}", proxy.heads());
    settings.no_proxy = vec!["127.0.0.0/8".to_owned()];
    assert_eq!(ask(&settings).await, "directly");
    assert!(!direct.heads()[0].contains("proxy-authorization"));
}

/// A name is the proxy's to resolve, and what is written is refused as ever.
#[tokio::test]
async fn a_proxy_opens_nothing_that_can_be_seen() {
    let proxy = proxy().await;
    let out = outbound_with(&through(&proxy, ""), Names::new(&[]));
    let ask = async |target: &str| match out.get(&Destination::untrusted(), target).send().await {
        Err(OutboundError::NotSent { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    for target in ["https://10.0.0.1/", "https://localhost/", "https://metadata.google.internal/"] {
        assert_eq!(ask(target).await, NotSent::Refused(Refusal::Private), "{target}");
    }
    assert_eq!(proxy.connections(), 0);
    // A tunnel that is refused: nothing arrived.
    assert_eq!(ask("https://files.example.com/").await, NotSent::Connect);
    assert!(proxy.heads()[0].starts_with("CONNECT files.example.com:443 "), "{:?}", proxy.heads());
}

/// A host without the proxy is resolved here, and checked.
#[tokio::test]
async fn exceptions_are_guarded() {
    let proxy = proxy().await;
    let names = Names::new(&[("inside.example.com", &["127.0.0.1"])]);
    let settings = OutboundSettings { no_proxy: vec!["example.com".to_owned()], ..through(&proxy, "") };
    let target = format!("https://inside.example.com:{}/", proxy.address.port());
    let outcome = outbound_with(&settings, names).get(&Destination::untrusted(), &target).send().await;
    assert!(
        matches!(outcome, Err(OutboundError::NotSent { why: NotSent::Refused(Refusal::Private), .. })),
        "{outcome:?}"
    );
}

/// The operator's own word, also where its name leads to a private address.
#[tokio::test]
async fn a_proxy_may_have_a_private_name() {
    let proxy = proxy().await;
    let url = format!("http://proxy.test:{}", proxy.address.port()).parse().unwrap();
    let settings = OutboundSettings { proxy: Some(Secret::new(url)), ..allowing(&[]) };
    let out = outbound_with(&settings, Names::new(&[("proxy.test", &["127.0.0.1"])]));
    let ask = async |target: &str| out.get(&Destination::untrusted(), target).send().await.map(|_| ());
    assert!(matches!(
        ask("https://files.example.com/").await,
        Err(OutboundError::NotSent { why: NotSent::Connect, .. })
    ));
    assert_eq!(proxy.heads().len(), 1);
    let itself = ask(&format!("https://proxy.test:{}/", proxy.address.port())).await;
    assert!(
        matches!(itself, Err(OutboundError::NotSent { why: NotSent::Refused(Refusal::Private), .. })),
        "{itself:?}"
    );
}

const INSIDE: &str = "DESCANT_TEST_PROXY_TARGET";

/// Asks in a process of its own, whose variables name a proxy.
#[tokio::test]
async fn the_environment_names_no_proxy() {
    if let Ok(target) = std::env::var(INSIDE) {
        let service = Destination::configured(target.parse().unwrap()).unwrap();
        let read = outbound(&allowing(&[])).get(&service, "").send().await.unwrap().bytes().await.unwrap();
        assert_eq!(read, "directly");
        return;
    }
    let (proxy, direct) = (proxy().await, Server::start(|_| answer(200, "", b"directly")).await);
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "proxy::the_environment_names_no_proxy"]).env(INSIDE, direct.url());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, proxy.url());
    }
    again.env_remove("NO_PROXY").env_remove("no_proxy");
    let done = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!((direct.heads().len(), proxy.connections()), (1, 0));
}
