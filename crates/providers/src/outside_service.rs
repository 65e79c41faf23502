//! Somebody outside who works on a request for longer than one wants to hold a connection.

use std::{fs::File, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Cost, Failure, Usage};
use serde_json::Value;
use url::Url;

/// How long after a request somebody who does not know of it never got it, where the provider does not say otherwise.
pub const CERTAIN_AFTER: Duration = Duration::from_secs(30);

/// Work that is asked for, looked at until it is done, and called off when nobody wants it any more.
#[async_trait]
pub trait OutsideService: Send + Sync {
    /// Its name in rows, metrics and results.
    fn provider(&self) -> &str;

    /// Which of the provider's keys is used, by name; never the key.
    fn credential(&self) -> &str {
        "default"
    }

    /// Longest that one of its answers is waited for; at most 20 s.
    fn answers_within(&self) -> Duration {
        Duration::from_secs(15)
    }

    /// Asks for the work. `correlation` goes along so that [`Self::find`] finds it. Gives the other side's id.
    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CallError>;

    /// The id of what was asked for under a correlation, if the other side knows of it.
    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure>;

    /// How long after a request [`Self::find`] is believed that finds nothing: until then it may be on its way, or be where it is
    /// worked on and not yet where it is looked for.
    fn certain_after(&self) -> Duration {
        CERTAIN_AFTER
    }

    /// Whether what was asked for so long ago under a correlation has arrived.
    ///
    /// # Errors
    /// As [`Self::find`]: then nothing is known.
    async fn arrival(&self, correlation: &str, age: Duration) -> Result<Arrival, Failure> {
        Ok(match self.find(correlation).await? {
            Some(outside_id) => Arrival::Known(outside_id),
            None if age < self.certain_after() => Arrival::NotYetKnown,
            None => Arrival::Never,
        })
    }

    /// How far it is. Also answers for work that was done some time ago.
    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure>;

    /// The same of work that was asked for so long ago: what the other side does not know of yet it may know of in a moment.
    async fn look_at(&self, outside_id: &str, _age: Duration) -> Result<OutsideProgress, Failure> {
        self.look(outside_id).await
    }

    /// Calls the work off. Done or unknown already is no error.
    async fn cancel(&self, outside_id: &str) -> Result<(), Failure>;

    /// The same service for longer than whoever asks it is there, so that what was asked for can be called off after them. `None`
    /// where nothing goes on that would have to be.
    fn lasting(&self) -> Option<Arc<dyn OutsideService>> {
        None
    }

    /// Writes what it made, which lies at an address of its own answer, into a file.
    ///
    /// # Errors
    /// `Transient` where it may be had later.
    async fn download(&self, _from: &Url, _into: &mut File) -> Result<(), Failure> {
        Err(Failure::new(
            domain::FailureClass::Config,
            domain::FailureCode::Internal,
            format!("{} makes no files", self.provider()),
        ))
    }
}

/// What became of a request whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is there, under this id.
    Known(String),
    /// Nobody there knows of it; it may show up.
    NotYetKnown,
    /// Nobody there knows of it, nor ever will: it may be made again.
    Never,
}

/// Why a call was not answered with what it was made for.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// It certainly made nothing: it was refused, or never sent.
    Refused(Failure),
    /// It may have arrived, and may have been paid for.
    Unanswered(Failure),
    /// It was answered, and paid for, with what cannot be used.
    Useless { failure: Failure, usage: Usage, cost: Option<Cost> },
}

impl CallError {
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Unanswered(failure) | Self::Useless { failure, .. } => failure,
        }
    }
}

/// How far work outside is.
#[derive(Clone, Debug, PartialEq)]
pub enum OutsideProgress {
    Working {
        /// Of this work, 0–1, when the other side says.
        fraction: Option<f64>,
        look_again_in: Duration,
    },
    Succeeded {
        value: Value,
        /// Where the files that it made lie, for a while.
        files: Vec<Url>,
        usage: Usage,
        cost: Option<Cost>,
    },
    Failed {
        failure: Failure,
        usage: Usage,
        cost: Option<Cost>,
    },
}

impl OutsideProgress {
    /// Done, with a value and no files.
    pub fn succeeded(value: Value, cost: Option<Cost>) -> Self {
        Self::Succeeded { value, files: Vec::new(), usage: Usage::default(), cost }
    }

    pub fn failed(failure: Failure, cost: Option<Cost>) -> Self {
        Self::Failed { failure, usage: Usage::default(), cost }
    }
}
