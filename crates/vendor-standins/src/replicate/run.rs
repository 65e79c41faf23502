//! One prediction or training: what it is asked, how far it is, and how it looks from outside.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::models::Makes;
use crate::steps::{self, End, Pace};

/// What a run is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    Prediction,
    Training {
        /// `owner/name` of the model that gets the new version.
        destination: String,
    },
}

#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub kind: Kind,
    /// `owner/name`.
    pub model: String,
    pub version: String,
    pub makes: Makes,
    pub input: Value,
    pub webhook: Option<String>,
    /// Of which events the webhook tells; of all when not told.
    pub events: Option<Vec<String>>,
    pub plan: steps::Run,
    pub pace: Pace,
    pub polls: u32,
    pub status: &'static str,
    pub output: Value,
    pub error: Value,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub deadline: Option<DateTime<Utc>>,
    pub removed: bool,
    /// Its number in the ledger.
    pub charge: usize,
    /// How long the work takes by the vendor's meter, in seconds.
    pub work_seconds: f64,
    /// Where the client reaches the server.
    pub base: String,
}

impl Run {
    pub fn is_over(&self) -> bool {
        self.completed_at.is_some()
    }

    /// Whether the webhook is to be told of an event.
    pub fn tells(&self, event: &str) -> bool {
        self.webhook.is_some() && self.events.as_ref().is_none_or(|events| events.iter().any(|known| known == event))
    }

    pub fn start(&mut self, now: DateTime<Utc>) {
        self.status = "processing";
        self.started_at = Some(now);
    }

    /// Ends as planned, with this output if it succeeds.
    pub fn end(&mut self, now: DateTime<Utc>, output: Value) {
        self.completed_at = Some(now);
        (self.status, self.output, self.error) = match &self.plan.end {
            End::Succeeds | End::Audio(_) => ("succeeded", output, Value::Null),
            End::Output(given) => ("succeeded", given.clone(), Value::Null),
            End::Removed => ("succeeded", Value::Null, Value::Null),
            End::Fails(error) => ("failed", Value::Null, error.as_str().into()),
            End::Canceled => ("canceled", Value::Null, Value::Null),
            End::Aborted => ("aborted", Value::Null, Value::Null),
            End::UnknownStatus => ("expired", Value::Null, Value::Null),
        };
        self.removed = self.plan.end == End::Removed;
    }

    /// Ends before its time, as `canceled` or `aborted`.
    pub fn stop(&mut self, now: DateTime<Utc>, status: &'static str) {
        self.completed_at = Some(now);
        self.status = status;
    }

    /// The vendor deletes what it kept of the run.
    pub fn expire(&mut self) {
        self.removed = true;
        self.output = Value::Null;
        self.input = json!({});
    }

    /// The object as clients and webhooks see it.
    pub fn shown(&self) -> Value {
        let time =
            |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.to_rfc3339_opts(SecondsFormat::Micros, true));
        let (path, output) = match &self.kind {
            Kind::Prediction => ("predictions", &self.output),
            Kind::Training { .. } => ("trainings", &self.output),
        };
        let mut metrics = json!({});
        if self.is_over() && self.started_at.is_some() {
            metrics = json!({"predict_time": self.work_seconds, "total_time": self.work_seconds + 1.0});
        }
        let api = format!("{}/replicate/v1/{path}/{}", self.base, self.id);
        json!({
            "id": self.id, "model": self.model, "version": self.version, "input": self.input, "output": output,
            "error": self.error, "logs": if self.started_at.is_some() { "Using seed: 1\n" } else { "" },
            "status": self.status, "source": "api", "data_removed": self.removed, "metrics": metrics,
            "created_at": time(Some(self.created_at)), "started_at": time(self.started_at),
            "completed_at": time(self.completed_at), "deadline": time(self.deadline),
            "urls": {"get": api, "cancel": format!("{api}/cancel"), "web": format!("{}/p/{}", self.base, self.id)},
        })
    }
}
