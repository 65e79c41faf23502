//! JSON and forms of the music-generator API.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};

/// What a song is asked for with, as JSON or as a form. What is said here stands above what the prompt says.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read field by field")]
pub struct GenerateBody {
    /// What the music is to be, in words: 3 to 2000 characters.
    #[schema(example = "upbeat electronic dance music with synthesizers")]
    pub prompt: String,
    /// What the song is called, 1 to 100 characters; `Untitled` when absent.
    #[schema(example = "My Awesome Song")]
    pub name: Option<String>,
    /// Exact length, 3000 to 600000; decided from the form and told when absent.
    pub length_ms: Option<u32>,
    /// auto, mp3_44100_32, mp3_44100_64, mp3_44100_96, mp3_44100_128, mp3_44100_192 or pcm_44100 (as WAV).
    pub output_format: Option<String>,
    /// `music_v1`.
    pub model_id: Option<String>,
    /// The same prompt, options and seed give the same song; chosen and told when absent.
    pub seed: Option<u64>,
    /// Beats per minute, 40 to 240, held to the last bar.
    pub tempo: Option<f64>,
    /// Such as `C`, `F# minor` or `Am`.
    pub key: Option<String>,
    /// One of the styles, such as `bossa`, or a genre that is played in one, such as `techno`.
    pub style: Option<String>,
    /// The same as `style`; only one of them.
    pub genre: Option<String>,
    /// happy, sad, calm, dark, energetic, romantic, epic, dreamy, tense or playful.
    pub mood: Option<String>,
    /// Up to 12, such as `piano` and `flute`; each takes the part that suits it.
    pub instruments: Option<Vec<String>>,
    /// Whether nobody sings. True when absent, unless the prompt asks for a voice.
    pub instrumental: Option<bool>,
    /// A chord chart, `| C | Am F | G |` or ChordPro, played from the first bar on.
    pub chords: Option<String>,
    /// Sections by letter (A to D), such as `AABA`.
    pub form: Option<String>,
    /// Whether each role is also wanted as a sound of its own.
    pub stems: Option<bool>,
    /// Of `flac`, `m4a`, `ogg`, beside MP3 and WAV.
    pub formats: Option<Vec<String>>,
    /// Of the words of a song that is sung: en or es. That of the prompt when absent.
    pub language: Option<String>,
    /// Who sings: auto, formant, rms, slt, awb or kal16.
    pub voice: Option<String>,
    /// How much the band gives, 0 to 1.
    pub energy: Option<f64>,
    /// The decade whose sounds are played, 1920s to 2020s.
    #[schema(example = "1980s")]
    pub era: Option<String>,
    /// Up to 12 parts (`melody`, `chords`, `pad`, `bass`, `drums`) and instruments that are not to be heard.
    pub without: Option<Vec<String>>,
    /// The name of a model of the registry that is to make the song; it alone does then.
    pub model: Option<String>,
    /// Whether finished stages of your earlier jobs may be reused; true when absent.
    pub reuse: Option<bool>,
}

/// The envelope of every answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Enveloped<T> {
    /// Always `true`; refusals are problem documents, with `false`.
    pub success: bool,
    pub data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
}

/// A song was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requested {
    pub music_id: String,
    pub name: String,
    pub prompt: String,
    /// Always `GENERATING`.
    pub status: &'static str,
    /// `null`: decided from the form.
    pub length_ms: Option<u32>,
    pub output_format: String,
    pub model_id: &'static str,
    pub seed: u64,
    #[serde(serialize_with = "milliseconds")]
    pub created_at: DateTime<Utc>,
}

/// Where a song stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Music {
    pub music_id: String,
    pub name: String,
    /// `GENERATING`, `COMPLETED` or `FAILED`.
    pub status: &'static str,
    /// 0–100.
    pub progress: u8,
    /// As asked for; of a finished song, as its file measures.
    pub length_ms: Option<u64>,
    /// `null` until the song is there, and when its files are deleted. Signed: it needs no token, and is good for a while.
    pub audio_url: Option<String>,
    /// Why there is no song, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the files are deleted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "milliseconds_if_any")]
    pub expires_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "milliseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "milliseconds")]
    pub updated_at: DateTime<Utc>,
}

/// Where a file of a song is fetched.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadLink {
    pub music_id: String,
    pub download_url: String,
    /// When the link ends; the song is there until its status says.
    #[serde(serialize_with = "milliseconds")]
    pub expires_at: DateTime<Utc>,
    /// `{timestamp}_{name}` with its ending.
    pub file_name: String,
    pub media_type: String,
    pub size_bytes: u64,
    /// Lowercase hexadecimal.
    pub sha256: String,
    /// What is there already.
    pub formats: Vec<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct DownloadQuery {
    /// mp3, wav, mid, flac, m4a or ogg; that of `outputFormat` when absent. One of the last three that `formats` did not ask for
    /// is made now.
    pub format: Option<String>,
}

/// As programs in JavaScript write moments: `2024-09-01T00:45:30.123Z`.
fn milliseconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn milliseconds_if_any<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => milliseconds(at, serializer),
        None => serializer.serialize_none(),
    }
}
