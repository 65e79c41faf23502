//! What goes over the wire.

use std::collections::BTreeMap;

use lyrics::{Lyrics, LyricsRequest};
use music::Melody;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use voice::VoiceOptions;

use crate::capability::Performance;

/// `POST v1/lyrics`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LyricsCall {
    pub melody: Melody,
    pub request: LyricsRequest,
}

/// `POST v1/vocals`.
#[derive(Debug, Serialize, Deserialize)]
pub struct VocalsCall {
    pub melody: Melody,
    pub lyrics: Lyrics,
    pub voice: VoiceOptions,
}

/// The answer of `POST v1/vocals` to a caller that does not accept `multipart/mixed`, and of older services: everything but
/// the sound, which lies at `audio_path` for an hour, with the process that sang it. Whoever accepts parts gets the
/// [`Performance`] and the sound in one answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct VocalsAnswer {
    /// Relative to the service's address; a WAV file.
    pub audio_path: String,
    #[serde(flatten)]
    pub performance: Performance,
}

/// The error body of the service's own routes.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpertProblem {
    /// A [`domain::FailureCode`] as text.
    pub code: String,
    pub detail: String,
}

/// What `GET models` answers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelsAnswer {
    /// By name: the reference of a model that sound is made with. An older service has a [`ServedModel`] here.
    pub base: BTreeMap<String, Value>,
    pub fine_tuned: BTreeMap<String, Value>,
    /// What each stage is done with, by name.
    pub stages: BTreeMap<String, ServedModel>,
}

/// What the service does one thing with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedModel {
    pub capability: String,
    pub provider: String,
    /// Equal versions make the same of the same.
    pub version: String,
}

/// `POST generate`. The older service knows the first seven fields, and of those it ignores what is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerateCall {
    pub prompt: String,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    #[serde(alias = "tempo", skip_serializing_if = "Option::is_none")]
    pub bpm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A base model: `small`, `medium`, `melody` or `large`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// Whether somebody sings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_vocals: Option<bool>,
    /// Not followed: words are written for the melody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_lyrics: Option<String>,
    /// A model by name, base or fine-tuned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mood: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chords: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// `mp3` or `wav`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
}

/// The answer of `POST generate`. The older service answers its failures with a 200, too.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GeneratedSong {
    pub success: bool,
    /// Absent where the sound is a part of the answer; else an address of it, `data:` where it carries itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_url: Option<String>,
    pub prediction_id: Option<String>,
    pub model_used: Option<String>,
    pub message: String,
    /// In seconds.
    pub duration: Option<f64>,
}
