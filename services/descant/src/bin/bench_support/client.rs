//! A user of a deployment.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{
    RequestBuilder, Response, StatusCode,
    multipart::{Form, Part},
};
use serde_json::Value;

use super::Recording;

const PROMPT: &str = "A quiet song about rivers that find the sea";
const WARM_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Speaks for one user; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    pub fn new(http: reqwest::Client, url: String, token: Option<String>) -> Self {
        Self { http, url, token }
    }

    /// Submits a recording that must be accepted; returns the job's id.
    pub async fn submit(&self, recording: Recording) -> Result<String> {
        self.submit_with(recording, PROMPT).await
    }

    /// The same, with a sentence of its own.
    pub async fn submit_with(&self, recording: Recording, prompt: &str) -> Result<String> {
        let part = Part::bytes(recording.bytes).file_name(recording.file_name);
        let form = Form::new().text("prompt", prompt.to_owned()).part("audio", part);
        let request = self.http.post(self.address("/api/v1/melody-vocals/convert")).multipart(form);
        let answer = self.send(request, StatusCode::ACCEPTED).await?;
        let body: Value = answer.json().await.context("read the answer")?;
        Ok(body["jobId"].as_str().context("an accepted job has no id")?.to_owned())
    }

    /// Submits a request of a kind without files; returns the job's id.
    pub async fn submit_json(&self, kind: &str, request: &Value) -> Result<String> {
        let request = self.http.post(self.address(&format!("/api/v1/jobs/{kind}"))).json(request);
        let body: Value = self.send(request, StatusCode::ACCEPTED).await?.json().await.context("read the answer")?;
        Ok(body["jobId"].as_str().context("an accepted job has no id")?.to_owned())
    }

    /// Submits fields and files of a kind, which must be accepted; returns the job's id.
    pub async fn submit_form(&self, kind: &str, form: Form) -> Result<String> {
        let request = self.http.post(self.address(&format!("/api/v1/jobs/{kind}"))).multipart(form);
        let body: Value = self.send(request, StatusCode::ACCEPTED).await?.json().await.context("read the answer")?;
        Ok(body["jobId"].as_str().context("an accepted job has no id")?.to_owned())
    }

    /// A job as it stands.
    pub async fn job(&self, id: &str) -> Result<Value> {
        serde_json::from_slice(&self.get(&format!("/api/v1/jobs/{id}")).await?).context("read a job")
    }

    /// Asks for a page that must be there, and reads it.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let answer = self.send(self.http.get(self.address(path)), StatusCode::OK).await?;
        Ok(answer.bytes().await.context("read the answer")?.into())
    }

    /// Lets one job start and stops it again: everything on the way has been used once, and the orchestrator has
    /// started its one job of this minute.
    pub async fn warm_up(&self, recording: Recording) -> Result<()> {
        let job = self.submit(recording).await?;
        self.await_status(&job, &["processing", "completed", "failed"]).await?;
        let cancel = self.http.post(self.address(&format!("/api/v1/melody-vocals/cancel/{job}")));
        // Refused when the job was quicker, which is as good.
        self.signed(cancel).send().await.context("cancel the first job")?;
        self.await_status(&job, &["cancelled", "completed", "failed"]).await
    }

    async fn await_status(&self, job: &str, wanted: &[&str]) -> Result<()> {
        let until = Instant::now() + WARM_WITHIN;
        loop {
            let body: Value = serde_json::from_slice(&self.get(&format!("/api/v1/melody-vocals/status/{job}")).await?)?;
            if body["status"].as_str().is_some_and(|status| wanted.contains(&status)) {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("the first job was not {} within {WARM_WITHIN:?}: {body}", wanted.join(" or "));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder, expected: StatusCode) -> Result<Response> {
        let answer = self.signed(request).send().await.context("no answer")?;
        let status = answer.status();
        if status != expected {
            bail!("answered {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(answer)
    }
}
