//! The JSON of the melody-to-vocals API. Names and meanings of its older fields are a contract with clients that exist;
//! what is new stands beside them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    jobs::wire::{ArtifactBody, Standing},
    links::Links,
    wire::{FindingBody, QuotaBody},
};

/// What a submission is made of, as a form. `audio` must come as a file.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "only describes the form for the OpenAPI document")]
pub struct ConvertForm {
    /// The recording: mp3, wav, m4a, aac, ogg, flac, webm, aiff or caf, 1 s to 300 s, at most 50 MB.
    #[schema(value_type = String, format = Binary)]
    pub audio: Vec<u8>,
    /// 10 to 500 characters about the song.
    #[schema(example = "A romantic ballad about summer nights")]
    pub prompt: String,
    #[schema(example = "pop")]
    pub genre: Option<String>,
    #[schema(example = "romantic")]
    pub mood: Option<String>,
    /// Same recording, same words, same seed: same song. Chosen for you when absent.
    pub seed: Option<u64>,
    /// Of the lyrics: en or es, also with a region (en-US); en when absent.
    pub language: Option<String>,
    /// Who sings: auto, formant, rms (a man), slt (a woman), awb (a man, Scottish) or kal16 (a man); auto when absent.
    pub voice: Option<String>,
    /// Where the voice lies: auto, low or high; auto when absent.
    pub register: Option<String>,
    /// Where the pitch comes from: notes, or the recorded contour; notes when absent.
    pub expression: Option<String>,
    /// What plays under the voice: none, chords, or a band in the style of the genre; none when absent.
    pub backing: Option<String>,
    /// Whose beat a band plays: follow (the singer's own) or steady (an even one, and the voice is brought to it); follow when
    /// absent.
    pub beat: Option<String>,
    /// Whether what each of a band plays is kept as a file of its own; false when absent.
    pub stems: Option<bool>,
    /// The recording's tempo in quarter notes per minute, 20 to 300; found by ear when absent.
    pub tempo: Option<f64>,
    /// Whether notes move to the nearest one of the melody's key (true, on, yes, 1 or false, off, no, 0); false when absent.
    pub snap_to_key: Option<bool>,
    /// The grid that notes move to: off, 1/4, 1/8, 1/8t or 1/16; off when absent.
    pub quantise: Option<String>,
    /// Semitones up, -24 to 24; 0 when absent.
    pub transpose: Option<i8>,
    /// Octaves up, -3 to 3; 0 when absent.
    pub octave: Option<i8>,
    /// Whether finished stages of your earlier jobs may be reused; true when absent.
    pub reuse: Option<bool>,
}

/// A job was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Converted {
    pub success: bool,
    pub job_id: String,
    pub message: &'static str,
    #[schema(example = "1-3 minutes")]
    pub estimated_time: String,
    pub quota: QuotaBody,
    /// What is not ideal about the recording, as sentences.
    pub warnings: Vec<String>,
    /// The same with codes, measured values and limits.
    pub findings: Vec<FindingBody>,
    pub status: &'static str,
    /// How many jobs of all users start before this one.
    pub queue_position: u64,
    /// What the job will really be made with.
    pub parameters: Option<Parameters>,
    pub links: Links,
}

/// What a job is made with, choices that were left out included.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    pub prompt: String,
    pub genre: Option<String>,
    pub mood: Option<String>,
    pub seed: u64,
    pub language: &'static str,
    pub voice: &'static str,
    pub register: &'static str,
    pub expression: &'static str,
    pub backing: &'static str,
    pub beat: &'static str,
    pub stems: bool,
    /// `null`: found by ear, see `tempoBpm` of the result's `melodyInfo`.
    pub tempo: Option<f64>,
    pub snap_to_key: bool,
    pub quantise: &'static str,
    pub transpose: i8,
    pub octave: i8,
}

/// Where a job stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusBody {
    pub success: bool,
    #[serde(flatten)]
    pub standing: Standing,
    /// Attempts of the current stage that failed and will be repeated.
    pub retry_count: u32,
    pub parameters: Option<Parameters>,
    pub result: Option<ResultBody>,
    pub links: Links,
}

/// What a job made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultBody {
    /// The song as MP3. Absent once its files are deleted.
    pub audio_url: Option<String>,
    #[serde(flatten)]
    pub song: SongBody,
    pub artifacts: Vec<ArtifactBody>,
    /// When the files go.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a song tells of itself beside its files.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SongBody {
    pub title: String,
    pub lyrics: String,
    /// Notes, key, tempo, meter, range.
    pub melody_info: Value,
    /// Lines, syllables, genre.
    pub lyrics_info: Value,
    /// Who sang, in which octave, and how many takes it took.
    pub voice_info: Value,
    /// What plays under the voice: style, chords and how well they fit; of a band also its players, its form, and how far its
    /// beats and the voice's are apart. `null` where the voice is alone.
    pub backing_info: Value,
    /// Stage by stage: who did it and how long it took.
    pub processing_steps: Value,
    /// From first claim to completion.
    pub processing_time_ms: Option<i64>,
    pub quality: QualityBody,
    pub duration_seconds: Option<f64>,
}

/// How good it is, in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QualityBody {
    /// Share (0–1) of the sung pitch within 50 cents of the melody.
    pub pitch_accuracy: Option<f64>,
    /// Share (0–1) of the lyrics' words that the dictionary knows.
    pub lyrics_quality: Option<f64>,
    /// Integrated, EBU R128.
    pub loudness_lufs: Option<f64>,
    /// Everything that was measured.
    pub figures: Value,
}

/// What every kind's own address answers, and how long it will take.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the answer for the OpenAPI document")]
pub struct SubmittedMelody {
    #[serde(flatten)]
    pub common: crate::jobs::wire::SubmittedBody,
    #[schema(example = "1-3 minutes")]
    #[serde(rename = "estimatedTime")]
    pub estimated_time: String,
}

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
pub struct HistoryQuery {
    /// 1–100; 10 when absent.
    pub limit: Option<u64>,
    pub offset: Option<u64>,
    /// Only jobs with this status: pending, processing, completed, failed or cancelled.
    pub status: Option<String>,
}

/// A part of a user's jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    pub success: bool,
    pub conversions: Vec<Conversion>,
    pub pagination: Pagination,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub limit: u64,
    pub offset: u64,
    pub total: u64,
    pub has_more: bool,
}

/// A job in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    pub job_id: String,
    pub status: &'static str,
    pub state: &'static str,
    pub progress: u8,
    pub title: Option<String>,
    pub prompt: Option<String>,
    pub genre: Option<String>,
    pub mood: Option<String>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub links: Links,
}

/// How much a user may still do.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuotaAnswer {
    pub success: bool,
    pub quota: QuotaDetail,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaDetail {
    pub allowed: bool,
    pub tier: &'static str,
    pub daily_used: u32,
    /// `null` means no limit.
    pub daily_limit: Option<u32>,
    pub daily_remaining: Option<u32>,
    pub monthly_used: u32,
    /// `null` means no limit.
    pub monthly_limit: Option<u32>,
    pub monthly_remaining: Option<u32>,
    pub total_used: u64,
    /// Midnight UTC.
    pub daily_resets_at: DateTime<Utc>,
    /// The first of the next month, UTC.
    pub monthly_resets_at: DateTime<Utc>,
}

/// How the service does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub success: bool,
    pub queue: QueueStats,
    pub health: HealthStats,
    /// The worst of all breakers, as one.
    pub circuit_breaker: BreakerBody,
    pub circuit_breakers: Vec<BreakerBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueStats {
    pub waiting: u64,
    /// Waiting for a retry.
    pub delayed: u64,
    pub active: u64,
    /// In the last 24 hours, like the following.
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub average_wait_ms: Option<i64>,
    pub average_processing_ms: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HealthStats {
    pub healthy: bool,
    pub issues: Vec<String>,
    pub metrics: HealthMetrics,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthMetrics {
    pub queue_backlog: u64,
    /// Percent of the jobs that ended in the last hour.
    pub error_rate: f64,
    /// Milliseconds from submission to completion, last hour.
    pub average_latency: Option<i64>,
}

/// One circuit breaker.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerBody {
    pub provider: String,
    /// CLOSED, OPEN or HALF_OPEN.
    pub state: String,
    pub failures: u32,
    /// When a probe will be let through.
    pub open_until: Option<DateTime<Utc>>,
}
