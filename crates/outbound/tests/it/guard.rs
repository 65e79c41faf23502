//! Where requests do not go.

use std::sync::atomic::Ordering;

use outbound::{Destination, NotSent, OutboundError, Refusal};

use crate::support::{Names, Server, allowing, answer, limits, outbound, outbound_with, redirect, tls};

const REFUSED: NotSent = NotSent::Refused(Refusal::Private);

#[track_caller]
fn not_sent(outcome: Result<outbound::Answer, OutboundError>) -> NotSent {
    match outcome {
        Err(OutboundError::NotSent { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn redirected(outcome: Result<outbound::Answer, OutboundError>) -> Refusal {
    match outcome {
        Err(OutboundError::Redirected { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

/// Plain answers of this machine, by the host that an operator lists.
async fn files() -> (Server, String) {
    let server = Server::start(|_| answer(200, "", b"a file")).await;
    let rule = server.address.to_string();
    (server, rule)
}

#[tokio::test]
async fn an_address_of_this_machine_is_never_connected_to() {
    let (server, _) = files().await;
    let port = server.address.port();
    let out = outbound(&allowing(&[]));
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "localhost.", "[::ffff:127.0.0.1]"] {
        let target = format!("https://{host}:{port}/");
        assert_eq!(not_sent(out.get(&Destination::untrusted(), &target).send().await), REFUSED, "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_is_refused_for_any_closed_address() {
    let (server, _) = files().await;
    let names = Names::new(&[
        ("inside.example.com", &["127.0.0.1"]),
        ("mixed.example.com", &["192.0.2.1 127.0.0.1"]),
        ("mapped.example.com", &["::ffff:127.0.0.1"]),
        ("metadata.example.com", &["169.254.169.254"]),
    ]);
    let out = outbound_with(&allowing(&[]), names);
    for name in ["inside", "mixed", "mapped", "metadata"] {
        let target = format!("https://{name}.example.com:{}/", server.address.port());
        assert_eq!(not_sent(out.get(&Destination::untrusted(), &target).send().await), REFUSED, "{name}");
    }
    let unknown = out.get(&Destination::untrusted(), "https://nowhere.example.com/").send().await;
    assert_eq!(not_sent(unknown), NotSent::Resolve);
    assert_eq!(server.connections(), 0);
}

/// The first answer is open, the second is this machine: what was checked is what is connected to.
#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    // The operator's network stands for the public one; the rest of the loopback addresses is as private as ever.
    let (acceptor, _) = tls(&["rebinding.example.com"]);
    let open = Server::at("127.0.0.2:0", Some(acceptor), |_| answer(200, "", b"")).await;
    let closed = Server::at(&format!("127.0.0.1:{}", open.address.port()), None, |_| answer(200, "", b"")).await;
    let names = Names::new(&[("rebinding.example.com", &["127.0.0.2", "127.0.0.1"])]);
    let out = outbound_with(&allowing(&["127.0.0.2"]), names.clone());
    let target = format!("https://rebinding.example.com:{}/", open.address.port());
    // Nobody vouches for its certificate; what counts is who was connected to.
    assert_eq!(not_sent(out.get(&Destination::untrusted(), &target).send().await), NotSent::Tls);
    assert_eq!((names.asked.load(Ordering::SeqCst), open.connections()), (1, 1));
    assert_eq!(not_sent(out.get(&Destination::untrusted(), &target).send().await), REFUSED);
    assert_eq!((open.connections(), closed.connections()), (1, 0));
}

#[tokio::test]
async fn a_listed_name_opens_private_networks_and_no_metadata() {
    let (server, _) = files().await;
    let names = Names::new(&[
        ("hooks.internal", &["127.0.0.1"]),
        ("sly.internal", &["169.254.169.254"]),
        ("nothing.internal", &["0.0.0.0"]),
    ]);
    let out = outbound_with(&allowing(&["*.internal"]), names);
    let ask = async |name: &str| {
        let target = format!("http://{name}.internal:{}/", server.address.port());
        out.get(&Destination::untrusted(), &target).send().await
    };
    assert_eq!(ask("hooks").await.unwrap().bytes().await.unwrap(), "a file");
    assert_eq!(not_sent(ask("sly").await), REFUSED);
    assert_eq!(not_sent(ask("nothing").await), REFUSED);
}

/// A port of the list is one port, also when a connection of the same host is there.
#[tokio::test]
async fn a_listed_port_opens_no_other() {
    let ((one, _), (other, _)) = (files().await, files().await);
    let out = outbound(&allowing(&[&format!("localhost:{}", one.address.port())]));
    let ask = async |scheme: &str, server: &Server| {
        let target = format!("{scheme}://localhost:{}/", server.address.port());
        out.get(&Destination::untrusted(), &target).send().await
    };
    assert!(ask("http", &one).await.unwrap().status().is_success());
    assert_eq!(not_sent(ask("http", &other).await), NotSent::Refused(Refusal::Scheme));
    assert_eq!(not_sent(ask("https", &other).await), REFUSED);
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn each_redirect_is_checked_as_the_first_address_was() {
    let (inside, _) = files().await;
    let port = inside.address.port();
    let names = Names::new(&[("cdn.test", &["127.0.0.1"]), ("inside.example.com", &["127.0.0.1"])]);
    for (to, why) in [
        (format!("http://127.0.0.1:{port}/"), Refusal::Scheme),
        (format!("https://127.0.0.1:{port}/"), Refusal::Private),
        (format!("https://2130706433:{port}/"), Refusal::Private),
        (format!("https://inside.example.com:{port}/"), Refusal::Private),
        ("https://user@example.com/".to_owned(), Refusal::UserInfo),
        ("file:///etc/passwd".to_owned(), Refusal::Malformed),
        ("gopher://127.0.0.1/".to_owned(), Refusal::Malformed),
    ] {
        let cdn = Server::start({
            let to = to.clone();
            move |_| redirect(&to)
        })
        .await;
        let out = outbound_with(&allowing(&["cdn.test"]), names.clone());
        let target = format!("http://cdn.test:{}/", cdn.address.port());
        let outcome = out.get(&Destination::untrusted(), &target).follow(3).limits(limits()).send().await;
        assert_eq!(redirected(outcome), why, "{to}");
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn redirects_are_followed_only_where_asked_and_so_far() {
    let hops = Server::start(|head| match head.split(['/', ' ']).nth(2) {
        Some("0") => answer(200, "", b"there"),
        Some(left) => redirect(&format!("/{}", left.parse::<u8>().unwrap() - 1)),
        None => Vec::new(),
    })
    .await;
    let service = Destination::configured(hops.url().parse().unwrap()).unwrap();
    let out = outbound(&allowing(&[]));
    let answer = out.get(&service, "3").follow(3).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap(), "there");
    assert_eq!(redirected(out.get(&service, "4").follow(3).send().await), Refusal::TooManyRedirects);
    assert_eq!(out.get(&service, "1").send().await.unwrap().status(), 302);
    assert_eq!(out.post(&service, "1").follow(3).bytes("a").send().await.unwrap().status(), 302, "no GET: an answer");
    let elsewhere = Server::start(|_| redirect("http://localhost:1/")).await;
    let service = Destination::configured(elsewhere.url().parse().unwrap()).unwrap();
    assert_eq!(redirected(out.get(&service, "").follow(3).send().await), Refusal::OtherOrigin);
}

#[tokio::test]
async fn a_callers_list_holds_behind_redirects_too() {
    let (inside, rule) = files().await;
    let cdn = Server::start({
        let to = format!("http://{}/", inside.address);
        move |_| redirect(&to)
    })
    .await;
    let out = outbound_with(&allowing(&["cdn.test", &rule]), Names::new(&[("cdn.test", &["127.0.0.1"])]));
    let target = format!("http://cdn.test:{}/", cdn.address.port());
    let anywhere = out.get(&Destination::untrusted(), &target).follow(3).send().await.unwrap();
    assert_eq!(anywhere.bytes().await.unwrap(), "a file");
    let within = Destination::untrusted_within(&["cdn.test"]).unwrap();
    assert_eq!(redirected(out.get(&within, &target).follow(3).send().await), Refusal::NotListed);
    assert_eq!(inside.connections(), 1);
}

#[tokio::test]
async fn a_public_name_is_reached_over_tls_that_can_be_trusted() {
    let (acceptor, pem) = tls(&["files.example.com"]);
    let server = Server::at("127.0.0.1:0", Some(acceptor), |_| answer(200, "", b"a file")).await;
    let names = Names::new(&[("files.example.com", &["127.0.0.1"]), ("other.example.com", &["127.0.0.1"])]);
    let ask = async |settings, name: &str| {
        let target = format!("https://{name}:{}/", server.address.port());
        outbound_with(&settings, names.clone()).get(&Destination::untrusted(), &target).send().await
    };
    let authorities = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authorities.path(), pem).unwrap();
    // The operator's network stands for the public one.
    let mut settings = allowing(&["127.0.0.1"]);
    assert_eq!(not_sent(ask(settings.clone(), "files.example.com").await), NotSent::Tls);
    settings.ca_file = Some(authorities.path().to_owned());
    assert_eq!(ask(settings.clone(), "files.example.com").await.unwrap().bytes().await.unwrap(), "a file");
    assert!(ask(settings.clone(), "files.example.com.").await.unwrap().status().is_success(), "the same host");
    assert_eq!(not_sent(ask(settings, "other.example.com").await), NotSent::Tls, "a certificate of another name");
}

#[test]
fn a_file_of_authorities_has_some() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings =
        |path: &std::path::Path| settings::OutboundSettings { ca_file: Some(path.to_owned()), ..allowing(&[]) };
    assert!(matches!(outbound::Outbound::new(&settings(file.path())), Err(outbound::SetupError::Certificates { .. })));
    let missing = file.path().join("missing");
    assert!(matches!(outbound::Outbound::new(&settings(&missing)), Err(outbound::SetupError::CaFile { .. })));
}
