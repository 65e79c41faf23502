//! Why a call of a provider ends without a value.

use chrono::{DateTime, Utc};
use domain::{Failure, FailureClass, FailureCode};

/// Something outside is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parking {
    /// When to look again, if nothing signals the job before.
    pub until: DateTime<Utc>,
    /// What it waits for, as its owner reads it.
    pub waits_for: String,
    /// Whether the other side did not answer, so that nobody knows whether it works on it: that says something about its health.
    pub is_unanswered: bool,
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// What its class says is to be done about it.
    Failed(Failure),
    /// The provider is not to be asked again for this, such as one that may have done it and lost the answer; the next one
    /// may be.
    GivenUp(Failure),
    /// The provider was not asked, for a reason of ours; the next one may be.
    NotAsked(Failure),
    /// It works on it: ask again later, and nobody else meanwhile.
    Parked(Parking),
}

impl Stop {
    /// What it means for whoever cannot wait.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) | Self::GivenUp(failure) | Self::NotAsked(failure) => failure,
            Self::Parked(parking) => Failure::new(
                FailureClass::Transient,
                FailureCode::StageTimeout,
                format!("the result is not there yet: {}", parking.waits_for),
            ),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
