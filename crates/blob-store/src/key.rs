//! Names of objects. A value of these types cannot leave the store's root, whatever it was parsed from.

use std::{fmt, str::FromStr};

use domain::{ArtifactSpec, JobId, StageResultId, UploadId};
use serde::{Deserialize, Serialize};

/// Longest key in bytes. S3 allows 1024; file systems allow 4096 for a path, root included.
const MAX_KEY_BYTES: usize = 512;
/// Longest part between slashes; file systems allow 255, and temporary names need some of it.
const MAX_SEGMENT_BYTES: usize = 128;

/// The text is no key: see [`ObjectKey`] for what one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a valid object key: expected segments of letters, digits, '.', '_' and '-' that do not start with '.', \
     joined by single slashes, at most 512 bytes"
)]
pub struct InvalidKey;

/// The name of one object: segments of `[A-Za-z0-9._-]`, none starting with a dot, joined by single slashes.
/// So there is no `..`, no absolute path, no hidden file and nothing that needs escaping in a URL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

impl ObjectKey {
    /// A recording as it came in.
    pub fn upload(id: UploadId) -> Self {
        Self(format!("uploads/{id}"))
    }

    /// What a stage of a job hands on; `name` is one segment, such as `melody.json`. Each holder of the job's lease writes
    /// under its own generation, so that one who lost the job cannot write over what its successor made.
    pub fn job_stage(job: JobId, generation: u64, name: &str) -> Result<Self, InvalidKey> {
        Self::below(&format!("{}{generation}/", KeyPrefix::job_work(job)), name)
    }

    /// The same, where versions before generations were part of the key wrote it.
    pub fn job_stage_before(job: JobId, name: &str) -> Result<Self, InvalidKey> {
        Self::below(KeyPrefix::job_work(job).as_str(), name)
    }

    /// A copy of what a stage made, kept for later jobs.
    pub fn stage_result(id: StageResultId, name: &str) -> Result<Self, InvalidKey> {
        Self::below(KeyPrefix::stage_result(id).as_str(), name)
    }

    /// Of which kept result this is a copy; `None` when it is none.
    pub fn stage_result_id(&self) -> Option<StageResultId> {
        let (id, _name) = self.0.strip_prefix("stage-results/")?.split_once('/')?;
        id.parse().ok()
    }

    /// A song of the catalogue, by the SHA-256 of its bytes in hexadecimal.
    pub fn song(sha256: &str) -> Result<Self, InvalidKey> {
        Self::below(KeyPrefix::songs().as_str(), &format!("{sha256}.mid"))
    }

    /// One file of a job's result.
    pub fn artifact(job: JobId, spec: &ArtifactSpec) -> Self {
        Self(format!("{}{}.{}", KeyPrefix::job_result(job), spec.role, spec.extension))
    }

    /// The same under a name of its own, such as `music/first-song`: the ending is the role's.
    pub fn artifact_named(job: JobId, name: &str, spec: &ArtifactSpec) -> Result<Self, InvalidKey> {
        format!("{}{name}.{}", KeyPrefix::job_result(job), spec.extension).parse()
    }

    fn below(folder: &str, name: &str) -> Result<Self, InvalidKey> {
        if valid_segment(name) { Ok(Self(format!("{folder}{name}"))) } else { Err(InvalidKey) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.len() > MAX_KEY_BYTES || !text.split('/').all(valid_segment) {
            return Err(InvalidKey);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder of keys: empty, or whole segments with a slash at the end. `jobs/1` is none, so `jobs/10` is never meant
/// by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The whole store.
    pub fn all() -> Self {
        Self(String::new())
    }

    /// All recordings as they came in.
    pub fn uploads() -> Self {
        Self("uploads/".to_owned())
    }

    /// All songs of the catalogue.
    pub fn songs() -> Self {
        Self("songs/".to_owned())
    }

    /// Everything of a job but its upload.
    pub fn job(job: JobId) -> Self {
        Self(format!("jobs/{job}/"))
    }

    /// What the stages of a job handed on.
    pub fn job_work(job: JobId) -> Self {
        Self(format!("jobs/{job}/work/"))
    }

    /// What is kept of one stage for later jobs.
    pub fn stage_result(id: StageResultId) -> Self {
        Self(format!("stage-results/{id}/"))
    }

    /// The files of a job's result.
    pub fn job_result(job: JobId) -> Self {
        Self(format!("jobs/{job}/result/"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyPrefix {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.is_empty() {
            return Ok(Self::all());
        }
        let segments = text.strip_suffix('/').ok_or(InvalidKey)?;
        segments.parse::<ObjectKey>()?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn valid_segment(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !segment.is_empty() && segment.len() <= MAX_SEGMENT_BYTES && !segment.starts_with('.') && segment.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use domain::artifact;
    use proptest::prelude::*;

    use super::*;

    fn job() -> JobId {
        "018f6b1e-7c2a-7000-8000-000000000001".parse().unwrap()
    }

    #[test]
    fn keys_have_the_documented_layout() {
        let upload: UploadId = "018f6b1e-7c2a-7000-8000-0000000000ff".parse().unwrap();
        assert_eq!(ObjectKey::upload(upload).as_str(), "uploads/018f6b1e-7c2a-7000-8000-0000000000ff");
        assert_eq!(
            ObjectKey::job_stage(job(), 3, "melody.json").unwrap().as_str(),
            "jobs/018f6b1e-7c2a-7000-8000-000000000001/work/3/melody.json"
        );
        assert_eq!(
            ObjectKey::artifact(job(), &artifact::MELODY_MIDI).as_str(),
            "jobs/018f6b1e-7c2a-7000-8000-000000000001/result/melody_midi.mid"
        );
        let named = |name| ObjectKey::artifact_named(job(), name, &artifact::AUDIO_MP3);
        let music = named("music/2024-09-01T00-45-30-123Z_My_Song").unwrap();
        assert!(music.as_str().ends_with("1/result/music/2024-09-01T00-45-30-123Z_My_Song.mp3"), "{music}");
        assert!(music.as_str().starts_with(KeyPrefix::job_result(job()).as_str()));
        for hostile in ["../x", "music//x", "/x", "a b", ".x", ""] {
            assert_eq!(named(hostile), Err(InvalidKey), "{hostile:?}");
        }
        let song = ObjectKey::song(&"ab".repeat(32)).unwrap();
        assert_eq!(song.as_str(), format!("songs/{}.mid", "ab".repeat(32)));
        assert!(song.as_str().starts_with(KeyPrefix::songs().as_str()) && ObjectKey::song("../a").is_err());
        let result: StageResultId = "018f6b1e-7c2a-7000-8000-00000000000a".parse().unwrap();
        let copy = ObjectKey::stage_result(result, "melody.json").unwrap();
        assert_eq!(copy.as_str(), "stage-results/018f6b1e-7c2a-7000-8000-00000000000a/melody.json");
        assert_eq!((copy.stage_result_id(), ObjectKey::upload(upload).stage_result_id()), (Some(result), None));
    }

    #[test]
    fn constructed_keys_also_parse_and_lie_below_their_prefix() {
        for spec in domain::kinds::melody_vocals::SPEC.artifacts {
            let key = ObjectKey::artifact(job(), spec);
            assert_eq!(key.as_str().parse::<ObjectKey>().unwrap(), key);
            assert!(key.as_str().starts_with(KeyPrefix::job_result(job()).as_str()));
            assert!(key.as_str().starts_with(KeyPrefix::job(job()).as_str()));
        }
        for prefix in [KeyPrefix::job(job()), KeyPrefix::job_work(job()), KeyPrefix::uploads(), KeyPrefix::all()] {
            assert_eq!(prefix.as_str().parse::<KeyPrefix>().unwrap(), prefix);
        }
    }

    #[test]
    fn hostile_names_are_no_keys() {
        let long_segment = "a".repeat(MAX_SEGMENT_BYTES + 1);
        let long_key = vec!["a".repeat(100); 6].join("/");
        for text in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/..",
            "../a",
            "a/../../b",
            "a//b",
            "a/",
            ".hidden",
            "a/.part",
            "a\\b",
            "a b",
            "a\0b",
            "a\nb",
            "C:/x",
            "ü",
            "a?b",
            "a#b",
            "a%2e%2e",
            "~/.x",
            &long_segment,
            &long_key,
        ] {
            assert_eq!(text.parse::<ObjectKey>(), Err(InvalidKey), "{text:?}");
        }
        for name in ["../x", "a/b", "", ".x", "x y"] {
            assert_eq!(ObjectKey::job_stage(job(), 7, name), Err(InvalidKey), "{name:?}");
        }
        for text in ["jobs/1", "/", "../", "a/../b/", "a//"] {
            assert_eq!(text.parse::<KeyPrefix>(), Err(InvalidKey), "{text:?}");
        }
        let longest = "a".repeat(MAX_SEGMENT_BYTES);
        assert!(longest.parse::<ObjectKey>().is_ok());
        assert!(serde_json_like("\"../x\"").is_err());
    }

    /// A key read by serde goes through the same check.
    fn serde_json_like(quoted: &str) -> Result<ObjectKey, InvalidKey> {
        ObjectKey::try_from(quoted.trim_matches('"').to_owned())
    }

    proptest! {
        #[test]
        fn whatever_parses_stays_below_the_root(text in "[a-zA-Z0-9./_\\\\~ -]{0,40}") {
            if let Ok(key) = text.parse::<ObjectKey>() {
                let path = Path::new(key.as_str());
                prop_assert!(path.is_relative());
                prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            }
        }
    }
}
