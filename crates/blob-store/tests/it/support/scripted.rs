//! An HTTP server that answers as a test tells it to, for what a well-behaved S3 never does.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// What came in: method, target and length of the body.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub target: String,
    pub body_bytes: usize,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn xml(status: u16, body: &str) -> Self {
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}");
        Self { status, headers: vec![("content-type", "application/xml".into())], body }
    }
}

pub type Script = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

pub struct ScriptedS3 {
    pub endpoint: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ScriptedS3 {
    pub async fn start<F>(script: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(move |asked| Box::pin(script(asked)));
        let log = asked.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, script.clone(), log.clone()));
            }
        });
        Self { endpoint, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers requests of one connection until it ends.
async fn serve(socket: TcpStream, script: Script, log: Arc<Mutex<Vec<Asked>>>) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut socket = BufReader::new(socket);
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut body_bytes = 0;
        loop {
            let mut header = String::new();
            socket.read_line(&mut header).await.ok().filter(|read| *read > 0)?;
            if header.trim().is_empty() {
                break;
            }
            let (name, value) = header.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                body_bytes = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; body_bytes];
        socket.read_exact(&mut body).await.ok()?;
        let asked = Asked { method, target, body_bytes };
        log.lock().unwrap().push(asked.clone());
        let answer = script(asked).await;
        let mut text = format!("HTTP/1.1 {} X\r\n", answer.status);
        // An answer to HEAD tells the length of a body that it does not have.
        if answer.headers.iter().all(|(name, _)| *name != "content-length") {
            text.push_str(&format!("content-length: {}\r\n", answer.body.len()));
        }
        for (name, value) in answer.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&answer.body);
        socket.write_all(text.as_bytes()).await.ok()?;
    }
}
