//! JSON and forms of the blend API.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::links::Links;

/// What a blend is asked for with. As JSON, or as a form with songs as files; lists are JSON texts in a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read field by field")]
pub struct BlendBody {
    /// Titles of three songs of the catalogue (`Title - Artist`, or an id); `null` where a file of a form is meant. Without
    /// a `null`, files come after the titles.
    pub songs: Vec<Option<String>>,
    /// How much of each song there is to be, relative to the others: 0.05 to 20 each. Also as a text: `1,1,2` or `1 1 2`.
    pub weights: Option<[f64; 3]>,
    /// The same songs, options and seed give the same blend.
    pub seed: Option<u64>,
    /// Length in bars, 8 to 400; 48 when no length is given.
    pub bars: Option<u32>,
    /// Length in seconds, met within one bar.
    pub seconds: Option<f64>,
    /// Beats per minute, 40 to 240; the nearest to all three songs when absent.
    pub tempo: Option<f64>,
    /// Such as `C`, `F# minor` or `Am`.
    pub key: Option<String>,
    /// Sections by letter (A to D), such as `ABACA`.
    pub form: Option<String>,
    /// How far lines may depart from their songs, 0 to 1; 0.5 when absent.
    pub creativity: Option<f64>,
    /// How far the plan may lie from the one that fits best, 0 to 1; 0.5 when absent.
    pub temperature: Option<f64>,
    /// Whether each role is also wanted as a sound of its own.
    pub stems: Option<bool>,
    /// Of `flac`, `m4a`, `ogg`, beside MP3 and WAV. Also as a text: `flac,ogg`.
    pub formats: Option<Vec<String>>,
}

/// The same as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read part by part")]
pub struct BlendForm {
    /// A song as a MIDI file, up to 4 MB; up to three.
    #[schema(value_type = Vec<String>, format = Binary)]
    pub song: Vec<Vec<u8>>,
    #[schema(inline)]
    pub fields: BlendBody,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    pub success: bool,
    pub job_id: String,
    /// Always `pending`.
    pub status: &'static str,
    /// What the songs that were found are called.
    pub songs: Vec<String>,
    pub message: &'static str,
    pub links: Links,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    pub success: bool,
    pub job_id: String,
    /// `pending`, `processing`, `completed` or `failed`.
    pub status: &'static str,
    /// 0–100.
    pub progress: u8,
    /// As they were asked for; `null` for files.
    pub songs: Vec<Option<String>>,
    /// For `/api/download/{fileId}`, as long as the files are kept.
    pub output_file_id: Option<String>,
    /// Why there is no song, as a sentence.
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Jobs {
    pub success: bool,
    /// Newest first.
    pub jobs: Vec<JobStatus>,
    /// Of all pages.
    pub total: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct JobsQuery {
    /// 1 to 100; 50 when absent.
    pub limit: Option<u64>,
    /// How many of the newest to skip.
    pub offset: Option<u64>,
}
