//! A stand-in for a server, for one client: takes a recording, has the song at once, and hands out its files.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

pub const JOB: &str = "0196f5d0-7c1a-7000-8000-000000000001";

/// A file of the result.
#[derive(Clone)]
pub struct Artifact {
    pub name: &'static str,
    pub contents: &'static [u8],
    /// What the server says of its size.
    pub size_bytes: usize,
}

impl Artifact {
    pub fn new(name: &'static str, contents: &'static [u8]) -> Self {
        Self { name, contents, size_bytes: contents.len() }
    }
}

/// What the server tells of the job: the last of each is told again and again.
#[derive(Clone)]
pub struct Story {
    /// The events that each request for them gets, before its stream ends.
    pub streams: Vec<Vec<Value>>,
    pub statuses: Vec<Value>,
}

impl Story {
    /// The next stream or status.
    fn next<T: Clone>(told: &mut Vec<T>) -> T {
        if told.len() > 1 { told.remove(0) } else { told[0].clone() }
    }
}

pub struct Front {
    address: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Front {
    /// Its thread ends with the test's process.
    pub fn new(artifacts: Vec<Artifact>) -> Self {
        let files: Vec<_> = artifacts
            .iter()
            .enumerate()
            .map(|(index, file)| {
                json!({ "fileName": file.name, "url": format!("/files/{index}"), "sizeBytes": file.size_bytes })
            })
            .collect();
        let result = json!({ "title": "A song", "lyrics": "La" });
        let job = json!({
            "status": "completed", "state": "completed", "progress": 100, "result": result, "artifacts": files,
            "links": { "result": "/files/0" },
        });
        let event = json!({ "seq": 1, "type": "completed", "data": { "progress": 100 } });
        Self::telling(Story { streams: vec![vec![event]], statuses: vec![job] }, artifacts)
    }

    /// A server that tells this of its job.
    pub fn telling(mut story: Story, artifacts: Vec<Artifact>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let recording = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that goes away in the middle is what some tests are about.
                let _ = answer(stream, &artifacts, &mut story, &recording);
            }
        });
        Self { address, received }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The body of the last POST.
    pub fn received(&self) -> Vec<u8> {
        self.received.lock().expect("no panic").clone()
    }
}

fn answer(
    mut stream: TcpStream,
    artifacts: &[Artifact],
    story: &mut Story,
    recording: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    if first.starts_with("POST") {
        *recording.lock().expect("no panic") = body;
    }
    let (status, kind, content) = match path {
        path if first.starts_with("POST") && path.ends_with("/melody-to-vocals") => {
            (202, "application/json", json!({ "jobId": JOB }).to_string().into())
        }
        path if path.ends_with("/events") => {
            let events = Story::next(&mut story.streams);
            let lines: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
            (200, "text/event-stream", lines.into_bytes())
        }
        path if path.starts_with("/files/") => {
            let index: usize = path["/files/".len()..].parse().expect("a number");
            (200, "application/octet-stream", artifacts[index].contents.to_vec())
        }
        _ => (200, "application/json", Story::next(&mut story.statuses).to_string().into()),
    };
    let head = format!(
        "HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&content)
}
