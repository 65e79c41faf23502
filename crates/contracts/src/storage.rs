//! The storage service's requests and answers with typed ids and artifact roles.

use domain::{ArtifactId, ArtifactRole, JobId};
use serde::{Deserialize, Serialize};

use crate::{audio::finite, envelope::id, error::ContractError, v1};

/// A finished result that storage is asked to take in.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestRequest {
    pub job_id: JobId,
    pub plan: IngestPlan,
    /// Where the plan lies; `None` in requests of versions that sent it whole.
    pub plan_object: Option<StoredObject>,
}

/// An object of the job, as whoever wrote it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// To be validated as a key before use, like all keys here.
    pub object_key: String,
    /// Lowercase hexadecimal, like all digests here.
    pub sha256: String,
    pub size_bytes: u64,
}

/// What of a result is to be taken in. It travels as a document in the object store, because its title comes from a
/// prompt and no message holds one.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngestPlan {
    /// Stem of the downloads' file names.
    pub title: String,
    /// Where the sound lies below the job's results, without its ending, and what its downloads are called by; that of
    /// its role where there is none. Segments of ASCII letters, digits, `.`, `_` and `-`, joined by slashes.
    #[serde(default)]
    pub object_name: Option<String>,
    /// Bitrate of the MP3, in kbit/s; that of every result where there is none.
    #[serde(default)]
    pub mp3_kbps: Option<u32>,
    /// For the tags of the sound: how it came about.
    #[serde(default)]
    pub comment: Option<String>,
    /// Sound (WAV) that storage brings to its loudness and makes the renditions of.
    #[serde(default)]
    pub audio: Option<StoredObject>,
    /// Whether the sound is at its loudness already.
    #[serde(default)]
    pub is_mastered: bool,
    /// A picture (PNG) for the tags of the sound.
    #[serde(default)]
    pub cover: Option<StoredObject>,
    /// Files that are kept as they are.
    #[serde(default)]
    pub files: Vec<IncomingFile>,
}

/// One file of a result that is kept as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncomingFile {
    pub role: ArtifactRole,
    pub object_key: String,
    pub sha256: String,
    pub size_bytes: u64,
    pub media_type: String,
    pub file_name: String,
}

/// What storage made of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestedResult {
    pub job_id: JobId,
    /// Those whose role this version knows; a newer storage service may have made more.
    pub artifacts: Vec<StoredArtifact>,
    /// Integrated loudness of the normalised audio; `None` for silence.
    pub loudness_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// 0–1.
    pub clipped_share: f64,
    pub duration_seconds: f64,
}

/// One stored file of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArtifact {
    pub id: ArtifactId,
    pub role: ArtifactRole,
    pub object_key: String,
    pub sha256: String,
    pub size_bytes: u64,
    pub media_type: String,
    pub file_name: String,
}

impl From<IngestRequest> for v1::IngestResult {
    fn from(request: IngestRequest) -> Self {
        let IngestRequest { job_id, plan, plan_object } = request;
        let IngestPlan { title: _, object_name: _, mp3_kbps: _, comment: _, audio, is_mastered: _, cover: _, files } =
            plan;
        let nothing = || StoredObject { object_key: String::new(), sha256: String::new(), size_bytes: 0 };
        let (audio, plan) = (audio.unwrap_or_else(nothing), plan_object.unwrap_or_else(nothing));
        Self {
            job_id: job_id.to_string(),
            audio_object_key: audio.object_key,
            audio_sha256: audio.sha256,
            audio_size_bytes: audio.size_bytes,
            files: files.into_iter().map(Into::into).collect(),
            title: String::new(),
            plan_object_key: plan.object_key,
            plan_sha256: plan.sha256,
            plan_size_bytes: plan.size_bytes,
        }
    }
}

impl TryFrom<v1::IngestResult> for IngestRequest {
    type Error = ContractError;

    fn try_from(message: v1::IngestResult) -> Result<Self, ContractError> {
        let v1::IngestResult {
            job_id,
            audio_object_key,
            audio_sha256,
            audio_size_bytes,
            files,
            title,
            plan_object_key,
            plan_sha256,
            plan_size_bytes,
        } = message;
        let object = |key: String, (name, sha256): (&'static str, String), size_bytes| {
            let named = !key.is_empty();
            let stored = |sha256| StoredObject { object_key: key, sha256, size_bytes };
            named.then(|| digest(name, sha256).map(stored)).transpose()
        };
        let plan_object = object(plan_object_key, ("plan_sha256", plan_sha256), plan_size_bytes)?;
        let audio = object(audio_object_key, ("audio_sha256", audio_sha256), audio_size_bytes)?;
        if plan_object.is_none() && audio.is_none() {
            return Err(ContractError::Missing { field: "plan_object_key" });
        }
        let files = files.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Self {
            job_id: id("job_id", &job_id)?,
            plan: IngestPlan { title, audio, files, ..IngestPlan::default() },
            plan_object,
        })
    }
}

impl From<IncomingFile> for v1::IncomingFile {
    fn from(file: IncomingFile) -> Self {
        let IncomingFile { role, object_key, sha256, size_bytes, media_type, file_name } = file;
        Self { role: role.as_str().to_owned(), object_key, sha256, size_bytes, media_type, file_name }
    }
}

impl TryFrom<v1::IncomingFile> for IncomingFile {
    type Error = ContractError;

    fn try_from(message: v1::IncomingFile) -> Result<Self, ContractError> {
        let v1::IncomingFile { role, object_key, sha256, size_bytes, media_type, file_name } = message;
        Ok(Self {
            role: ArtifactRole::parse(&role).map_err(|_| ContractError::UnknownWord { field: "role", word: role })?,
            object_key: present("object_key", object_key)?,
            sha256: digest("sha256", sha256)?,
            size_bytes,
            media_type,
            file_name,
        })
    }
}

impl From<IngestedResult> for v1::ResultIngested {
    fn from(result: IngestedResult) -> Self {
        let IngestedResult { job_id, artifacts, loudness_lufs, true_peak_dbtp, clipped_share, duration_seconds } =
            result;
        Self {
            job_id: job_id.to_string(),
            artifacts: artifacts.into_iter().map(Into::into).collect(),
            loudness_lufs,
            true_peak_dbtp,
            clipped_share,
            duration_seconds,
        }
    }
}

impl TryFrom<v1::ResultIngested> for IngestedResult {
    type Error = ContractError;

    fn try_from(message: v1::ResultIngested) -> Result<Self, ContractError> {
        let v1::ResultIngested { job_id, artifacts, loudness_lufs, true_peak_dbtp, clipped_share, duration_seconds } =
            message;
        let artifacts = artifacts
            .into_iter()
            .map(StoredArtifact::try_from)
            .filter(|artifact| !matches!(artifact, Err(ContractError::UnknownWord { field: "role", .. })))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            job_id: id("job_id", &job_id)?,
            artifacts,
            loudness_lufs: loudness_lufs.map(|figure| finite("loudness_lufs", figure)).transpose()?,
            true_peak_dbtp: true_peak_dbtp.map(|figure| finite("true_peak_dbtp", figure)).transpose()?,
            clipped_share: finite("clipped_share", clipped_share)?,
            duration_seconds: finite("duration_seconds", duration_seconds)?,
        })
    }
}

impl From<StoredArtifact> for v1::StoredArtifact {
    fn from(artifact: StoredArtifact) -> Self {
        let StoredArtifact { id, role, object_key, sha256, size_bytes, media_type, file_name } = artifact;
        Self {
            artifact_id: id.to_string(),
            role: role.as_str().to_owned(),
            object_key,
            sha256,
            size_bytes,
            media_type,
            file_name,
        }
    }
}

impl TryFrom<v1::StoredArtifact> for StoredArtifact {
    type Error = ContractError;

    fn try_from(message: v1::StoredArtifact) -> Result<Self, ContractError> {
        let v1::StoredArtifact { artifact_id, role, object_key, sha256, size_bytes, media_type, file_name } = message;
        Ok(Self {
            // First, so that a file that only a newer version understands is told apart from a broken one.
            role: ArtifactRole::parse(&role).map_err(|_| ContractError::UnknownWord { field: "role", word: role })?,
            id: id("artifact_id", &artifact_id)?,
            object_key: present("object_key", object_key)?,
            sha256: digest("sha256", sha256)?,
            size_bytes,
            media_type,
            file_name,
        })
    }
}

pub(crate) fn present(field: &'static str, text: String) -> Result<String, ContractError> {
    if text.is_empty() { Err(ContractError::Missing { field }) } else { Ok(text) }
}

pub(crate) fn digest(field: &'static str, text: String) -> Result<String, ContractError> {
    let hexadecimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == 64 && hexadecimal { Ok(text) } else { Err(ContractError::InvalidDigest { field }) }
}
