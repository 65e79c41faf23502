//! The JSON of jobs of any kind.

use chrono::{DateTime, Utc};
use persistence::Input;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::stages::StageBody;
use crate::{
    links::Links,
    spending::Money,
    submit_kind::CheckedInput,
    wire::{FindingBody, QuotaBody},
};

/// A job was accepted. Kinds add fields of their own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedBody {
    pub success: bool,
    pub job_id: String,
    pub kind: String,
    /// As of a job that waits: `pending`.
    pub status: &'static str,
    pub state: &'static str,
    /// How many jobs of all users start before this one.
    pub queue_position: u64,
    pub quota: QuotaBody,
    /// What is not ideal about the files, as sentences.
    pub warnings: Vec<String>,
    pub inputs: Vec<InputBody>,
    /// What the job will really be made with, choices that were left out included.
    pub parameters: Value,
    /// Whether finished stages of your earlier jobs may be reused.
    pub reuse: bool,
    pub links: Links,
    #[serde(flatten)]
    #[schema(ignore)]
    pub more: Map<String, Value>,
}

/// A file that a job is made from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputBody {
    /// The name of its part in the form.
    pub role: String,
    /// As you named it.
    pub file_name: Option<String>,
    pub size_bytes: Option<u64>,
    /// What is not ideal about it.
    pub findings: Vec<FindingBody>,
}

impl InputBody {
    pub fn of_checked(input: &CheckedInput) -> Self {
        Self {
            role: input.role.to_owned(),
            file_name: input.file_name.clone(),
            size_bytes: Some(input.size_bytes),
            findings: input.verdict.findings.iter().map(FindingBody::of).collect(),
        }
    }

    pub fn of_stored(input: Input) -> Self {
        let verdict = input.verdict.and_then(|verdict| serde_json::from_value::<domain::audio::Verdict>(verdict).ok());
        Self {
            role: input.role,
            file_name: input.file_name,
            size_bytes: input.size_bytes,
            findings: verdict.map(|v| v.findings.iter().map(FindingBody::of).collect()).unwrap_or_default(),
        }
    }
}

/// Where a job stands, as every API tells it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub job_id: String,
    /// pending, processing, completed, failed or cancelled.
    pub status: &'static str,
    /// The same in more words: queued, running, parked, storing, cancelling, completed, failed, cancelled, expired.
    pub state: &'static str,
    /// 0–100; never goes back.
    pub progress: u8,
    /// The stage that it is in.
    pub stage: Option<String>,
    /// What a person reads while it runs; absent for a stage that only a newer version knows.
    pub stage_label: Option<&'static str>,
    /// Jobs that start before this one; only while it waits.
    pub queue_position: Option<u64>,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    /// The word of the kind's older API for it, such as `AUDIO_PROCESSING_ERROR`.
    pub error_type: Option<&'static str>,
    /// A word that a program can act on, such as `no_melody`.
    pub error_code: Option<&'static str>,
    /// What the service that refused the request would take in its place, in full; absent where it said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// What is not ideal about its files, as sentences.
    pub warnings: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
}

/// A job, whatever its kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobBody {
    pub success: bool,
    pub kind: String,
    #[serde(flatten)]
    pub standing: Standing,
    /// Attempts of the current stage so far.
    pub attempts: u32,
    /// What a parked job waits for, in words.
    pub waits_for: Option<String>,
    /// When a job that waits is looked at again: its next attempt, or a parked one's next look.
    pub due_at: Option<DateTime<Utc>>,
    pub inputs: Vec<InputBody>,
    /// What it is made with.
    pub parameters: Value,
    /// Whether finished stages of your earlier jobs may be reused.
    pub reuse: bool,
    /// Who made each stage that has begun, who was asked before, and what it cost.
    pub stages: Vec<StageBody>,
    /// What vendors were paid for it so far, a line for each currency.
    pub cost: Vec<Money>,
    /// What a finished job tells of itself; its fields depend on the kind.
    pub result: Option<Value>,
    /// The files of a finished job.
    pub artifacts: Vec<ArtifactBody>,
    pub updated_at: DateTime<Utc>,
    /// When the files go.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the files went.
    pub files_deleted_at: Option<DateTime<Utc>>,
    pub links: Links,
}

/// One file of a result.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactBody {
    /// What the file is, such as `audio_mp3`; docs/http.md lists the roles.
    pub role: String,
    /// Wants the same token as everything else.
    pub url: String,
    /// Wants no token and works for some minutes; only where the object store signs links.
    pub signed_url: Option<String>,
    pub media_type: String,
    pub file_name: String,
    pub size_bytes: u64,
    pub sha256: String,
}

/// Which of your jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
pub struct ListQuery {
    /// Only this kind, such as `melody-to-vocals`.
    pub kind: Option<String>,
    /// Only these states, separated by commas: queued, running, parked, storing, cancelling, completed, failed, cancelled,
    /// expired; or the words of `status`: pending, processing, completed, failed, cancelled.
    pub state: Option<String>,
    /// Created then or later; RFC 3339.
    pub created_from: Option<String>,
    /// Created before then; RFC 3339.
    pub created_before: Option<String>,
    /// 1–100; 20 when absent.
    pub limit: Option<u64>,
    /// `next` of an earlier answer: the list goes on behind it.
    pub cursor: Option<String>,
}

/// A stretch of your jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobListBody {
    pub success: bool,
    pub jobs: Vec<JobSummary>,
    /// Where the list goes on, for `cursor`; `null` at its end.
    pub next: Option<String>,
}

/// A job in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSummary {
    pub job_id: String,
    pub kind: String,
    pub status: &'static str,
    pub state: &'static str,
    pub progress: u8,
    pub stage: Option<String>,
    /// What its work is called, once there is one.
    pub title: Option<String>,
    pub error: Option<String>,
    pub error_code: Option<&'static str>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub links: Links,
}

/// A cancellation was carried out or is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelledBody {
    pub success: bool,
    pub job_id: String,
    /// `cancelled`, or `processing` while the worker lets go.
    pub status: &'static str,
    pub state: &'static str,
    pub message: &'static str,
}

/// A failed job waits for another try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriedBody {
    pub success: bool,
    pub job_id: String,
    pub status: &'static str,
    pub state: &'static str,
    pub progress: u8,
    pub message: &'static str,
    /// It counts again.
    pub quota: QuotaBody,
    pub links: Links,
}

/// What a user thinks of a result.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackForm {
    /// 1–5 stars.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// At most 2000 characters.
    pub feedback: Option<String>,
}

/// What was said of a result.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackBody {
    pub success: bool,
    pub job_id: String,
    /// 1–5 stars; `null` when nothing was said yet, like the following.
    pub rating: Option<u8>,
    pub feedback: Option<String>,
    pub at: Option<DateTime<Utc>>,
}

/// Something was done, and there is no more to say.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    pub success: bool,
    pub message: &'static str,
}
