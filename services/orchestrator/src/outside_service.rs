//! What a stage asks of somebody outside who works on a request for long.

use std::time::Duration;

use async_trait::async_trait;
use domain::Failure;
use persistence::Cost;
use serde_json::Value;

/// Somebody who works on a request for longer than one wants to hold a connection.
#[async_trait]
pub trait OutsideService: Send + Sync {
    /// Its name in rows, metrics and results.
    fn provider(&self) -> &'static str;

    /// Which of the provider's keys is used, by name; never the key.
    fn credential(&self) -> &str {
        "default"
    }

    /// Longest that one of its answers is waited for; at most 20 s.
    fn answers_within(&self) -> Duration {
        Duration::from_secs(15)
    }

    /// Asks for the work. `correlation` goes along so that [`Self::find`] finds it. Gives the other side's id.
    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CreateError>;

    /// The id of what was asked for under a correlation, if the other side knows of it.
    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure>;

    /// How far it is. Also answers for work that was done some time ago.
    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure>;

    /// Calls the work off. Done or unknown already is no error.
    async fn cancel(&self, outside_id: &str) -> Result<(), Failure>;
}

/// Why a request was not answered with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// It certainly made nothing: it was refused, or never sent.
    Refused(Failure),
    /// It may have arrived.
    Unanswered(Failure),
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
        cost: Option<Cost>,
    },
    Failed {
        failure: Failure,
        cost: Option<Cost>,
    },
}
