//! A server's HTTP API as the client commands use it.

use std::{fs::File, time::Duration};

use anyhow::{Context, Result};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, multipart};
use serde_json::Value;
use url::Url;

use crate::{cli, exit::Exit, recording::Recording};

/// Uploads of 50 MB over a slow line, with a verdict at their end.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);

/// One server, and who is asking.
pub struct Api {
    http: Client,
    base: Url,
    token: Option<String>,
}

/// What a server says of files for its catalogue.
pub enum Imported {
    /// Line by line.
    Report(Value),
    /// None of them is taken: why.
    Refused(String),
}

/// What a problem document says.
async fn detail(response: Response) -> String {
    let status = response.status();
    let problem: Value = response.json().await.unwrap_or_default();
    problem["detail"].as_str().map_or_else(|| format!("the server answered {status}"), str::to_owned)
}

fn failure(status: StatusCode, detail: String) -> anyhow::Error {
    if status.is_client_error() && status != StatusCode::CONFLICT {
        return Exit::refused(detail);
    }
    anyhow::anyhow!(detail)
}

impl Api {
    pub fn new(server: &cli::Server) -> Result<Self> {
        let http = Client::builder().connect_timeout(Duration::from_secs(10)).build().context("no HTTP client")?;
        let mut base = server.server.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { http, base, token: server.token.clone() })
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.base.join(path).with_context(|| format!("{path} is not a path"))
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Whatever the server answers.
    async fn answered(&self, request: RequestBuilder) -> Result<Response> {
        self.signed(request).send().await.map_err(|error| {
            let why = if error.is_connect() { "nothing answers there" } else { "the connection broke" };
            Exit::unreachable(format!("{}: {why}. Is the server running? Start one with `descant serve`.", self.base))
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = self.answered(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(failure(status, detail(response).await))
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(self.url(path)?).timeout(Duration::from_secs(60));
        self.send(request).await?.json().await.context("the server's answer cannot be read")
    }

    pub async fn post(&self, path: &str) -> Result<Value> {
        let request = self.http.post(self.url(path)?).timeout(Duration::from_secs(60));
        self.send(request).await?.json().await.context("the server's answer cannot be read")
    }

    /// Asks with a method and a body of the caller's own.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self.http.request(method, self.url(path)?).timeout(Duration::from_secs(60));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await?.json().await.context("the server's answer cannot be read")
    }

    /// Sends files to be taken into the catalogue of songs, each with the name that it goes by.
    ///
    /// # Errors
    /// What has nothing to do with the files: the token, the server, the way to it.
    pub async fn import_songs(
        &self,
        files: Vec<(File, String)>,
        fields: &[(&'static str, String)],
    ) -> Result<Imported> {
        let mut form = multipart::Form::new();
        for (name, value) in fields {
            form = form.text(*name, value.clone());
        }
        for (file, name) in files {
            let size_bytes = file.metadata()?.len();
            let part = multipart::Part::stream_with_length(tokio::fs::File::from_std(file), size_bytes);
            form = form.part("file", part.file_name(name));
        }
        let request = self.http.post(self.url("api/v1/songs")?).timeout(REQUEST_TIMEOUT).multipart(form);
        let response = self.answered(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(Imported::Report(response.json().await.context("the server's answer cannot be read")?));
        }
        let detail = detail(response).await;
        match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Ok(Imported::Refused(detail))
            }
            status => Err(failure(status, detail)),
        }
    }

    /// Sends a recording, streamed from its file.
    pub async fn convert(&self, recording: Recording, song: &cli::SongArgs, key: Option<&str>) -> Result<Value> {
        let Recording { file, size_bytes, name, .. } = recording;
        // A part without a file name would be a text field.
        let name = name.unwrap_or_else(|| "recording".to_owned());
        let audio = multipart::Part::stream_with_length(tokio::fs::File::from_std(file), size_bytes).file_name(name);
        let mut form = multipart::Form::new().text("prompt", song.prompt.clone());
        for (name, value) in [("genre", &song.genre), ("mood", &song.mood)] {
            if let Some(value) = value {
                form = form.text(name, value.clone());
            }
        }
        if let Some(seed) = song.seed {
            form = form.text("seed", seed.to_string());
        }
        for (name, value) in song.options.fields() {
            form = form.text(name, value);
        }
        let url = self.url("api/v1/jobs/melody-to-vocals")?;
        let mut request = self.http.post(url).timeout(REQUEST_TIMEOUT).multipart(form.part("audio", audio));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request).await?.json().await.context("the server's answer cannot be read")
    }

    /// Opens a job's event stream behind event `after`.
    pub async fn events(&self, job: &str, after: u64) -> Result<Response> {
        let request = self
            .http
            .get(self.url(&format!("api/v1/jobs/{job}/events"))?)
            .header(header::ACCEPT, "text/event-stream")
            .header("Last-Event-ID", after);
        self.send(request).await
    }

    /// Streams a file of a result to disk; `size_bytes` is what the server said of it.
    pub async fn download(&self, url: &str, to: File, size_bytes: Option<u64>) -> Result<()> {
        use tokio::io::AsyncWriteExt;
        let url = self.base.join(url).context("the server named an address that is none")?;
        let mut response = self.send(self.http.get(url).timeout(REQUEST_TIMEOUT)).await?;
        let mut file = tokio::fs::File::from_std(to);
        let mut received_bytes = 0;
        while let Some(chunk) = response.chunk().await.context("the download broke off")? {
            received_bytes += chunk.len() as u64;
            anyhow::ensure!(size_bytes.is_none_or(|size| received_bytes <= size), "the server sends more than it said");
            file.write_all(&chunk).await?;
        }
        anyhow::ensure!(size_bytes.is_none_or(|size| received_bytes == size), "the server sent less than it said");
        Ok(file.flush().await?)
    }
}
