//! A user with a client of their own.

use std::time::Duration;

use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderValue},
    multipart::{Form, Part},
};
use serde_json::Value;
use testbed::eventually;

use super::{PATIENCE, events::Events, tokens::Claims};

const CONVERT: &str = "/api/v1/melody-vocals/convert";
pub const PROMPT: &str = "A quiet song about rivers that find the sea";

/// A form on its way to `convert`.
#[derive(Clone)]
pub struct Submission {
    pub audio: Option<(String, Vec<u8>)>,
    pub fields: Vec<(&'static str, String)>,
    pub key: Option<String>,
}

impl Submission {
    /// A recording with a prompt that is as it should be.
    pub fn of(file_name: &str, bytes: Vec<u8>) -> Self {
        Self { audio: Some((file_name.to_owned(), bytes)), fields: vec![("prompt", PROMPT.to_owned())], key: None }
    }

    pub fn with(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.fields.retain(|(name, _)| *name != field);
        self.fields.push((field, value.into()));
        self
    }

    pub fn without(mut self, field: &str) -> Self {
        self.fields.retain(|(name, _)| *name != field);
        self
    }

    pub fn without_audio(mut self) -> Self {
        self.audio = None;
        self
    }

    pub fn keyed(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub fn form(&self) -> Form {
        let form = self.fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, value.clone()));
        match &self.audio {
            Some((name, bytes)) => form.part("audio", Part::bytes(bytes.clone()).file_name(name.clone())),
            None => form,
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap_or_else(|why| panic!("no answer: {why:?}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap_or_else(|why| panic!("the answer broke off: {why:?}")).to_vec();
        Self { status, headers, bytes }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|why| panic!("{} is no JSON: {why}: {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value: &HeaderValue| value.to_str().expect("headers are ASCII"))
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// The body of a problem that must have this status and code, with everything that every problem has.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{body}");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["type"], format!("/problems/{code}"), "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["success"], false, "older clients look at this: {body}");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert_eq!(body["error"], body["detail"], "older clients look at this: {body}");
        body
    }
}

/// Somebody who uses a deployment.
pub struct User {
    pub claims: Claims,
    pub http: Client,
    pub base: String,
    token: Option<String>,
}

impl User {
    pub fn new(base: String, claims: Claims) -> Self {
        let token = Some(claims.token());
        Self { claims, http: client(), base, token }
    }

    /// The same client with another token, or none.
    pub fn bearing(&self, token: Option<String>) -> Self {
        Self { claims: self.claims.clone(), http: client(), base: self.base.clone(), token }
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub fn getting(&self, path: &str) -> RequestBuilder {
        self.signed(self.http.get(self.url(path)))
    }

    pub fn posting(&self, path: &str) -> RequestBuilder {
        self.signed(self.http.post(self.url(path)))
    }

    /// Of a path, or of what is a whole address already, as links are.
    fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.getting(path)).await
    }

    pub async fn post(&self, path: &str) -> Answer {
        Answer::of(self.posting(path)).await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.posting(path).json(body)).await
    }

    pub async fn submit(&self, submission: &Submission) -> Answer {
        let request = self.posting(CONVERT).multipart(submission.form());
        Answer::of(match &submission.key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        })
        .await
    }

    /// Submits what must be accepted; returns the job's id.
    #[track_caller]
    pub fn accepted(answer: &Answer) -> String {
        answer.expect(202)["jobId"].as_str().expect("an accepted job has an id").to_owned()
    }

    pub async fn status(&self, job: &str) -> Value {
        self.get(&format!("/api/v1/melody-vocals/status/{job}")).await.expect(200)
    }

    pub async fn cancel(&self, job: &str) -> Answer {
        self.post(&format!("/api/v1/melody-vocals/cancel/{job}")).await
    }

    pub async fn quota(&self) -> Value {
        self.get("/api/v1/melody-vocals/quota").await.expect(200)["quota"].clone()
    }

    pub async fn history(&self, query: &str) -> Value {
        self.get(&format!("/api/v1/melody-vocals/history{query}")).await.expect(200)
    }

    /// A job's events from behind `after`.
    pub async fn events(&self, job: &str, after: u64) -> Events {
        let request = self.getting(&format!("/api/v1/jobs/{job}/events")).header("Last-Event-ID", after);
        Events::of(request.send().await.expect("events are answered"))
    }

    /// Waits for the end of a job and returns its status.
    pub async fn ended(&self, job: &str) -> Value {
        self.waiting_for(job, "its end", |status| {
            matches!(status["status"].as_str(), Some("completed" | "failed" | "cancelled"))
        })
        .await
    }

    /// Waits for a job that must complete.
    pub async fn completed(&self, job: &str) -> Value {
        let status = self.ended(job).await;
        assert_eq!(status["status"], "completed", "{status}");
        status
    }

    /// Waits until a job's status is as wanted, and returns it.
    pub async fn waiting_for(&self, job: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("job {job}: {what}"), PATIENCE, || async {
            let status = self.status(job).await;
            if wanted(&status) { Ok(status) } else { Err(status) }
        })
        .await
    }
}

/// Of its own for each user: a client's connections belong to the test that opened them.
fn client() -> Client {
    service_runtime::install_crypto();
    // Servers close what has been idle for some seconds; a form that is sent just then is lost with the connection.
    let idle = Duration::from_secs(2);
    Client::builder().timeout(Duration::from_secs(120)).pool_idle_timeout(idle).build().expect("a client can be made")
}
