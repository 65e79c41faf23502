//! What the API answers, as far as it is read. What is absent is absent, whatever the documents promise.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

/// A prediction or a training.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Run {
    pub id: String,
    pub status: String,
    /// `owner/name`.
    pub model: Option<String>,
    pub version: Option<String>,
    pub input: Value,
    pub output: Value,
    pub error: Value,
    pub logs: Option<String>,
    pub metrics: Option<Metrics>,
    pub created_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub data_removed: Option<bool>,
    /// Not promised.
    pub webhook: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Seconds of the vendor's machine, by which it charges.
    pub predict_time: Option<f64>,
}

/// A page of a list, newest first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    pub next: Option<String>,
    pub results: Vec<Run>,
}

/// An uploaded file.
#[derive(Debug, Deserialize)]
pub struct Uploaded {
    pub urls: Urls,
}

#[derive(Debug, Deserialize)]
pub struct Urls {
    pub get: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    pub id: String,
    pub openapi_schema: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Model {
    pub latest_version: Option<Version>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    pub username: String,
}

#[derive(Debug, Deserialize)]
pub struct WebhookKey {
    pub key: String,
}
