//! A job's events, by Server-Sent Events and by WebSocket.

use futures_util::StreamExt;
use reqwest::{Response, header::CONTENT_TYPE};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{PATIENCE, user::User, within};

/// One event as a client got it.
#[derive(Clone, PartialEq, Debug)]
pub struct ReceivedEvent {
    /// The number that a client would resume behind.
    pub id: u64,
    pub kind: String,
    pub body: Value,
}

impl ReceivedEvent {
    pub fn stage(&self) -> Option<&str> {
        self.body["data"]["stage"].as_str()
    }

    pub fn progress(&self) -> u64 {
        self.body["data"]["progress"].as_u64().unwrap_or_else(|| panic!("an event without progress: {:?}", self.body))
    }

    pub fn is_last(&self) -> bool {
        matches!(self.kind.as_str(), "completed" | "failed" | "cancelled" | "expired")
    }
}

/// An open event stream.
pub struct Events {
    response: Response,
    buffer: String,
    /// Comment lines seen, which keep proxies from closing the connection.
    keepalives: usize,
}

impl Events {
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200, "event stream");
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(media_type.starts_with("text/event-stream"), "{media_type}");
        Self { response, buffer: String::new(), keepalives: 0 }
    }

    /// The next event; `None` when the server has closed the stream.
    pub async fn next(&mut self) -> Option<ReceivedEvent> {
        within("an event", PATIENCE, self.read()).await
    }

    async fn read(&mut self) -> Option<ReceivedEvent> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let frame: String = self.buffer.drain(..end + 2).collect();
                if frame.starts_with(':') {
                    self.keepalives += 1;
                    continue;
                }
                if frame.starts_with("retry:") {
                    continue;
                }
                return Some(parse(&frame));
            }
            let chunk = self.response.chunk().await.expect("the event stream does not break")?;
            self.buffer.push_str(std::str::from_utf8(&chunk).expect("events are UTF-8"));
        }
    }

    /// Waits in silence until the server has said that it is still there.
    pub async fn keepalive(&mut self) {
        let before = self.keepalives;
        let wait = async {
            while self.keepalives == before {
                let chunk = self.response.chunk().await.expect("the event stream does not break");
                self.buffer.push_str(std::str::from_utf8(&chunk.expect("it goes on")).expect("events are UTF-8"));
                if self.buffer.starts_with(':') && self.buffer.ends_with("\n\n") {
                    self.keepalives += 1;
                    self.buffer.clear();
                }
            }
        };
        within("a sign of life in a silent stream", PATIENCE, wait).await;
    }

    /// Reads on until an event is as wanted.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&ReceivedEvent) -> bool) -> ReceivedEvent {
        let mut seen = Vec::new();
        while let Some(event) = self.next().await {
            if wanted(&event) {
                return event;
            }
            seen.push((event.kind.clone(), event.body["data"].clone()));
        }
        panic!("the stream ended before {what}; seen: {seen:#?}");
    }

    /// Everything to the end of the stream.
    pub async fn rest(&mut self) -> Vec<ReceivedEvent> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

fn parse(frame: &str) -> ReceivedEvent {
    let field = |name: &str| {
        frame
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim_start))
            .unwrap_or_else(|| panic!("a frame without {name}: {frame:?}"))
    };
    let body: Value = serde_json::from_str(field("data")).expect("events are JSON");
    let told =
        ReceivedEvent { id: field("id").parse().expect("events are numbered"), kind: field("event").to_owned(), body };
    assert_eq!(told.body["seq"], told.id, "both numbers of an event agree");
    assert_eq!(told.body["type"], told.kind.as_str(), "both types of an event agree");
    told
}

/// All events of a job over WebSocket from behind `after`, until the server closes.
pub async fn read_socket(user: &User, job: &str, after: u64) -> Vec<ReceivedEvent> {
    let address = user.base.replacen("http://", "ws://", 1);
    let mut request = format!("{address}/api/v1/jobs/{job}/ws?lastEventId={after}")
        .into_client_request()
        .expect("the address is one");
    if let Some(token) = user.token() {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("tokens are ASCII"));
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("the socket opens");
    let mut told = Vec::new();
    within("the socket to close", PATIENCE, async {
        while let Some(message) = socket.next().await {
            match message.expect("the socket does not break") {
                Message::Text(text) => {
                    let body: Value = serde_json::from_str(&text).expect("messages are JSON");
                    let id = body["seq"].as_u64().expect("messages are numbered");
                    let kind = body["type"].as_str().expect("messages have a type").to_owned();
                    told.push(ReceivedEvent { id, kind, body });
                }
                Message::Close(frame) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    assert_eq!(code, Some(1000), "a job's end closes the socket normally");
                }
                _ => {}
            }
        }
    })
    .await;
    told
}
