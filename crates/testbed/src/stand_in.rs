//! A stand-in for a service elsewhere that costs money or is not to be had in a test: it hears whatever is sent to it, and
//! misbehaves on purpose. One request a connection.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How a request is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Manner {
    /// With a status and a body.
    Answers(u16, Vec<u8>),
    /// 429 with `Retry-After`, in seconds.
    Later(u32),
    /// Accepts and says nothing.
    Hangs,
    /// A byte now and then, for ever.
    Drips,
    /// Begins an answer and closes.
    BreaksOff,
    /// An answer without end.
    Floods,
}

/// A request as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Request line and headers.
    pub head: String,
    pub body: Vec<u8>,
}

/// The service, on a port of its own; gone when it is dropped.
pub struct StandIn {
    url: String,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

struct State {
    /// For the requests to come; the last one stays.
    manners: VecDeque<Manner>,
    heard: Vec<Heard>,
    /// Whether `GET /health` is answered beside them.
    answers_health: bool,
}

impl StandIn {
    /// Starts one that answers its first request by the first of `manners`, and all behind the last by the last.
    ///
    /// # Panics
    /// When there is no port to be had, or no manner.
    pub async fn start(manners: impl IntoIterator<Item = Manner>) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|why| panic!("no port of this machine: {why}"));
        let address = listener.local_addr().unwrap_or_else(|why| panic!("a listener without an address: {why}"));
        let url = format!("http://{address}");
        let state = Arc::new(Mutex::new(State { manners: VecDeque::new(), heard: Vec::new(), answers_health: false }));
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        let stand_in = Self { url, state, serving };
        stand_in.behave(manners);
        stand_in
    }

    /// `http://…`, without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the requests from now on by these.
    ///
    /// # Panics
    /// Without any.
    pub fn behave(&self, manners: impl IntoIterator<Item = Manner>) {
        let manners: VecDeque<Manner> = manners.into_iter().collect();
        assert!(!manners.is_empty(), "a stand-in has manners");
        locked(&self.state).manners = manners;
    }

    /// Answers `GET /health` with a 200 from now on, whatever its manners: whoever asks how it is uses none of them up, and is
    /// not heard.
    pub fn answer_health(&self) {
        locked(&self.state).answers_health = true;
    }

    /// Everything that was sent so far.
    pub fn heard(&self) -> Vec<Heard> {
        locked(&self.state).heard.clone()
    }

    /// How many requests came so far.
    pub fn asked(&self) -> usize {
        locked(&self.state).heard.len()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let Some(heard) = request(&mut stream).await else { return };
            let manner = {
                let mut state = locked(&state);
                if state.answers_health && heard.head.starts_with("GET /health ") {
                    Manner::Answers(200, b"{}".to_vec())
                } else {
                    state.heard.push(heard);
                    let is_last = state.manners.len() <= 1;
                    let next = if is_last { state.manners.front().cloned() } else { state.manners.pop_front() };
                    next.unwrap_or(Manner::Hangs)
                }
            };
            behave(stream, manner).await;
        });
    }
}

/// `None` when the client closes before it has sent all of it.
async fn request(stream: &mut TcpStream) -> Option<Heard> {
    const END: &[u8] = b"\r\n\r\n";
    let mut raw = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if let Some(end) = raw.windows(END.len()).position(|window| window == END) {
            let (head, body) = (raw.get(..end)?, raw.get(end + END.len()..)?);
            let head = String::from_utf8_lossy(head).into_owned();
            if body.len() >= content_length(&head) {
                return Some(Heard { head, body: body.to_vec() });
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => raw.extend_from_slice(chunk.get(..read)?),
        }
    }
}

fn content_length(head: &str) -> usize {
    let mut lines = head.lines();
    let value = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

async fn behave(mut stream: TcpStream, manner: Manner) {
    const ENDLESS: &[u8] = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n";
    // A client that has had enough closes: that is the end of it.
    match manner {
        Manner::Answers(status, body) => {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        }
        Manner::Later(seconds) => {
            let head =
                format!("HTTP/1.1 429 X\r\nretry-after: {seconds}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        }
        Manner::Hangs => std::future::pending().await,
        Manner::Drips => {
            let _ = stream.write_all(ENDLESS).await;
            while stream.write_all(b"1\r\n \r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Manner::BreaksOff => {
            let _ = stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n{\"").await;
        }
        Manner::Floods => {
            let _ = stream.write_all(ENDLESS).await;
            let chunk = [b"10000\r\n".as_slice(), &[b'A'; 0x10000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_request_has_its_manner_and_is_heard() {
        let stand_in = StandIn::start([Manner::Later(7), Manner::Answers(200, b"yes".to_vec())]).await;
        let address = stand_in.url().strip_prefix("http://").unwrap().to_owned();
        let ask = async |body: &str| {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let request = format!("POST /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let later = ask("one").await;
        assert!(later.starts_with("HTTP/1.1 429") && later.contains("retry-after: 7"), "{later}");
        for body in ["two", "three"] {
            assert!(ask(body).await.ends_with("\r\n\r\nyes"));
        }
        let bodies: Vec<Vec<u8>> = stand_in.heard().into_iter().map(|heard| heard.body).collect();
        assert_eq!(bodies, [&b"one"[..], b"two", b"three"]);
        assert!(stand_in.heard()[0].head.starts_with("POST /x HTTP/1.1"));
        stand_in.behave([Manner::Answers(500, Vec::new())]);
        assert!(ask("").await.starts_with("HTTP/1.1 500"));
        assert_eq!(stand_in.asked(), 4);
        stand_in.answer_health();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && stand_in.asked() == 4, "{answer}");
    }
}
