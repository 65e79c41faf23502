//! An expert service as a process of its own, on a free port.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use media::{Encoding, Tags, encode};
use pitch::sample::hummed_tune;
use reqwest::{Client, Response, StatusCode, multipart};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// Far beyond what any request here takes.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Expert {
    process: Child,
    pub base: Url,
    pub http: Client,
}

impl Expert {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With settings of its own.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        // Settings of whoever runs the tests must not reach it.
        let mut command = Command::new(env!("CARGO_BIN_EXE_descant-expert"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let mut process = command
            .env("DESCANT_EXPERT__PORT", "0")
            .env("DESCANT_EXPERT__MAX_SIZE_BYTES", MAX_SIZE_BYTES.to_string())
            .env("DESCANT_EXPERT__RATE_PER_MINUTE", "unlimited")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the expert service starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output is piped"));
        let base = loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).expect("its output is text");
            assert!(read > 0, "the expert service ended before it listened: {:?}", process.wait());
            if let Some(address) = line.trim().strip_prefix("listening on ") {
                break address.parse().expect("it tells its address");
            }
        };
        // A full pipe would stop its log, and the service with it.
        std::thread::spawn(move || std::io::copy(&mut lines.by_ref(), &mut std::io::sink()));
        let http = Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { process, base, http }
    }

    pub fn url(&self, path: &str) -> Url {
        self.base.join(path).expect("a path")
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.expect("an answer")
    }

    pub async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.expect("JSON")
    }

    /// `POST /melody-to-vocals`.
    pub async fn convert(&self, recording: Vec<u8>, fields: &[(&'static str, &str)]) -> Response {
        self.convert_named(recording, "hum.wav", fields).await
    }

    /// The same of a file with a name of its own.
    pub async fn convert_named(
        &self,
        recording: Vec<u8>,
        file_name: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Response {
        let part = multipart::Part::bytes(recording).file_name(file_name).mime_str("audio/wav").expect("a type");
        let mut form = multipart::Form::new().part("audio", part);
        for (name, value) in fields {
            form = form.text(*name, (*value).to_owned());
        }
        self.http.post(self.url("melody-to-vocals")).multipart(form).send().await.expect("an answer")
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Response {
        self.http.post(self.url(path)).json(body).send().await.expect("an answer")
    }
}

impl Drop for Expert {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has then noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Small enough that a test can exceed it.
pub const MAX_SIZE_BYTES: u64 = 4 * 1024 * 1024;

fn is_setting(name: &str) -> bool {
    let prefixes = ["DESCANT_", "MELODY_VOCALS_", "CIRCUIT_BREAKER_", "QUEUE_", "S3_", "AWS_", "EXPERT_"];
    let names = ["DATABASE_URL", "RABBITMQ_URL", "LOG_LEVEL"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// The hummed tune that the project makes itself.
pub fn hum() -> Vec<u8> {
    let tune = hummed_tune();
    wav(&tune.samples, tune.sample_rate_hz)
}

pub fn silence() -> Vec<u8> {
    wav(&vec![0.0; 3 * 44_100], 44_100)
}

fn wav(samples: &[f32], rate_hz: u32) -> Vec<u8> {
    encode(samples, rate_hz, 1, Encoding::Wav16, &Tags::default()).expect("a WAV")
}

/// The bytes and the media type of an address that carries its own file.
pub fn carried(url: &Value) -> (String, Vec<u8>) {
    let rest = url.as_str().expect("an address").strip_prefix("data:").expect("a data address");
    let (media_type, base64) = rest.split_once(";base64,").expect("in base64");
    (media_type.to_owned(), STANDARD.decode(base64).expect("base64"))
}

/// Passes each request on to the next of a service's processes, as a load balancer does that keeps nobody to one.
pub async fn balancer(experts: &[&Expert]) -> Url {
    let backends: Vec<String> = experts
        .iter()
        .map(|expert| format!("{}:{}", expert.base.host_str().expect("a host"), expert.base.port().expect("a port")))
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("an address");
    tokio::spawn(async move {
        for turn in 0.. {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let backend = backends[turn % backends.len()].clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match client.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                // So that the next request comes over another connection.
                head.truncate(head.len() - 2);
                head.extend_from_slice(b"connection: close\r\n\r\n");
                let Ok(mut service) = TcpStream::connect(backend).await else { return };
                if service.write_all(&head).await.is_ok() {
                    // Whoever breaks off is noticed by the other side.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
                }
            });
        }
    });
    url
}

/// Checks a refusal's status and code, and that it reads the same for old and new clients.
pub async fn assert_refused(what: &str, response: Response, status: u16, code: &str) -> String {
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{what}");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["code"], code, "{what}: {body}");
    assert_eq!(body["success"], false, "{what}: {body}");
    assert_eq!(body["error"], body["detail"], "{what}: {body}");
    body["detail"].as_str().expect("a sentence").to_owned()
}
