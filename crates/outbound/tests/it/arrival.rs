//! Whether a request that failed may have arrived.

use std::time::Duration;

use outbound::{Answer, Destination, Limits, NotSent, OutboundError, Trouble, header};
use settings::{OutboundSettings, Secret};
use tokio::net::TcpListener;

use crate::support::{Names, Server, allowing, answer, limits, outbound, outbound_with, tls};

async fn post(settings: &OutboundSettings, url: &str) -> Result<Answer, OutboundError> {
    let service = Destination::configured(url.parse().unwrap()).unwrap();
    outbound(settings).post(&service, "songs").json(&["a song"]).limits(limits()).send().await
}

#[track_caller]
fn not_sent(outcome: Result<Answer, OutboundError>) -> NotSent {
    match outcome {
        Err(error @ OutboundError::NotSent { why, .. }) => {
            assert!(!error.may_have_arrived());
            why
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_connection_nothing_arrived() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(not_sent(post(&allowing(&[]), &format!("http://{gone}")).await), NotSent::Connect);
    let service = Destination::configured("http://nowhere.example.com".parse().unwrap()).unwrap();
    let out = outbound_with(&allowing(&[]), Names::new(&[]));
    assert_eq!(not_sent(out.get(&service, "").send().await), NotSent::Resolve);
    let (acceptor, _) = tls(&["127.0.0.1"]);
    let server = Server::at("127.0.0.1:0", Some(acceptor), |_| answer(200, "", b"")).await;
    assert_eq!(not_sent(post(&allowing(&[]), &format!("https://{}", server.address)).await), NotSent::Tls);
    assert_eq!(server.heads().len(), 0);
}

/// The handshake is never answered: that is part of the time to connect.
#[tokio::test]
async fn a_connection_that_takes_too_long_is_none() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = OutboundSettings { connect_timeout: Duration::from_millis(100), ..allowing(&[]) };
    let outcome = post(&settings, &format!("https://{}", silent.local_addr().unwrap())).await;
    assert_eq!(not_sent(outcome), NotSent::ConnectTime);
}

#[tokio::test]
async fn what_went_out_may_have_arrived() {
    let closes = Server::start(|_| Vec::new()).await;
    let outcome = post(&allowing(&[]), &closes.url()).await;
    assert!(matches!(outcome, Err(OutboundError::Unanswered { why: Trouble::Broke, .. })), "{outcome:?}");
    assert!(outcome.is_err_and(|error| error.may_have_arrived()));
    assert_eq!(closes.heads().len(), 1, "what may have arrived is not sent again");
    let babbles = Server::start(|_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
    let outcome = post(&allowing(&[]), &babbles.url()).await;
    assert!(matches!(outcome, Err(OutboundError::Unanswered { .. })), "{outcome:?}");
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent() {
    let server = Server::start(|_| answer(200, "", b"")).await;
    let service = Destination::configured(server.url().parse().unwrap()).unwrap();
    let out = outbound(&allowing(&[]));
    let split = out.get(&service, "").header(header::ACCEPT, "a\r\nx: y").send().await;
    assert!(matches!(not_sent(split), NotSent::Invalid(_)));
    let key = Secret::new("key\n".to_owned());
    assert!(matches!(not_sent(out.get(&service, "").bearer(&key).send().await), NotSent::Invalid(_)));
    let form = outbound::Multipart::new().bytes("audio", "a.wav", "not a media type", "x");
    assert!(matches!(not_sent(out.post(&service, "").multipart(form).send().await), NotSent::Invalid(_)));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn bodies_and_forms_arrive_whole() {
    let stand_in = testbed::StandIn::start([testbed::Manner::Answers(200, Vec::new())]).await;
    let service = Destination::configured(stand_in.url().parse().unwrap()).unwrap();
    let out = outbound(&allowing(&[]));
    let file = || {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"RIFF of a song").unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file
    };
    let limits = Limits::new(crate::support::PATIENT, 1024);
    out.post(&service, "a").file(file(), 14).limits(limits).send().await.unwrap();
    out.post(&service, "b").header(header::CONTENT_TYPE, "audio/wav").bytes("RIFF").send().await.unwrap();
    let form = outbound::Multipart::new().text("prompt", "the sea").file("audio", "hum.wav", "audio/wav", file(), 14);
    out.post(&service, "c").multipart(form).send().await.unwrap();
    out.post(&service, "d").json(&["x"]).send().await.unwrap();
    let heard = stand_in.heard();
    let head = |nth: usize| heard[nth].head.to_ascii_lowercase();
    assert_eq!(heard[0].body, b"RIFF of a song");
    assert!(head(0).contains("content-length: 14") && head(0).contains("content-type: application/octet-stream"));
    assert!(!head(0).contains("transfer-encoding"));
    assert!(head(1).contains("content-type: audio/wav") && heard[1].body == b"RIFF");
    let form = String::from_utf8_lossy(&heard[2].body);
    assert!(head(2).contains("content-type: multipart/form-data; boundary=") && head(2).contains("content-length: "));
    for part in ["name=\"prompt\"", "the sea", "filename=\"hum.wav\"", "Content-Type: audio/wav", "RIFF of a song"] {
        assert!(form.contains(part), "{part}: {form}");
    }
    assert!(head(3).contains("content-type: application/json") && heard[3].body == b"[\"x\"]");
}
