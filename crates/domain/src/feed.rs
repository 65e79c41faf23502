//! What followers of a job are told: one schema for rows, Server-Sent Events and WebSocket.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, job::JobState, kind::StageSpec, progress::Progress};

/// What an event in a job's log is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// The job was accepted.
    Accepted,
    /// An orchestrator took it, for the first time or again.
    Started,
    /// Whoever holds the job has not been heard of for a while; it waits for that lease to run out.
    Stalled,
    /// Another orchestrator took the job over from one that was not heard of any more.
    Resumed,
    StageStarted,
    Progress,
    StageFinished,
    /// An attempt failed; another one follows.
    RetryScheduled,
    /// A stage waits for something outside.
    Parked,
    /// A failed job is tried again because its owner wants it.
    RetryRequested,
    Cancelling,
    Completed,
    Failed,
    Cancelled,
    Expired,
}

impl FeedKind {
    pub const ALL: [Self; 15] = [
        Self::Accepted,
        Self::Started,
        Self::Stalled,
        Self::Resumed,
        Self::StageStarted,
        Self::Progress,
        Self::StageFinished,
        Self::RetryScheduled,
        Self::Parked,
        Self::RetryRequested,
        Self::Cancelling,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Started => "started",
            Self::Stalled => "stalled",
            Self::Resumed => "resumed",
            Self::StageStarted => "stage_started",
            Self::Progress => "progress",
            Self::StageFinished => "stage_finished",
            Self::RetryScheduled => "retry_scheduled",
            Self::Parked => "parked",
            Self::RetryRequested => "retry_requested",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the job has ended with it. A failed job may be tried again later; then its log goes on.
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// The event that tells of a job's arrival in a final state.
    pub const fn of_final(state: JobState) -> Option<Self> {
        match state {
            JobState::Completed => Some(Self::Completed),
            JobState::Failed => Some(Self::Failed),
            JobState::Cancelled => Some(Self::Cancelled),
            JobState::Expired => Some(Self::Expired),
            JobState::Queued | JobState::Running | JobState::Parked | JobState::Storing | JobState::Cancelling => None,
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of an event. Fields that do not apply are absent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedData {
    pub state: JobState,
    /// The seeds' word for the state.
    pub status: String,
    pub progress: Progress,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage_label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// How long a finished stage took.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<String>,
    /// When the next attempt is due, when a stage that waits looks again, or when a job whose holder is silent may be taken
    /// over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether a finished stage was taken from an earlier job with the same inputs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reused: Option<bool>,
    /// What a parked stage waits for, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waits_for: Option<String>,
}

impl FeedData {
    pub fn new(state: JobState, progress: Progress) -> Self {
        Self {
            state,
            status: state.seed_status().to_owned(),
            progress,
            stage: None,
            stage_label: None,
            provider: None,
            seconds: None,
            attempt: None,
            error: None,
            error_type: None,
            error_code: None,
            retry_at: None,
            reused: None,
            waits_for: None,
        }
    }

    #[must_use]
    pub fn stage(mut self, stage: &StageSpec) -> Self {
        self.stage = Some(stage.name.to_string());
        self.stage_label = Some(stage.label.to_owned());
        self
    }

    /// `error_word` is how the kind's older clients are told, see [`crate::kind::KindSpec::error_word`].
    #[must_use]
    pub fn failure(mut self, failure: &Failure, error_word: &str) -> Self {
        self.error = Some(failure.message.clone());
        self.error_type = Some(error_word.to_owned());
        self.error_code = Some(failure.code.as_str().to_owned());
        self
    }
}
