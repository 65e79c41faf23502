//! Reads what a request names and believes nothing about it: size, hash and content are checked before anything is
//! kept.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use blob_store::{BlobError, BlobStore, KeyPrefix, ObjectKey};
use contracts::{IncomingFile, IngestPlan, StoredObject};
use domain::{ArtifactRole, ArtifactSpec, JobId, artifact::ContentCheck};
use sha2::{Digest, Sha256};

use crate::error::StorageError;

/// Largest plan: some hundred files by name.
const MAX_PLAN_BYTES: u64 = 1024 * 1024;
/// A file's beginning, as far as checks of its type look.
const HEAD_BYTES: usize = 12;

/// Which objects a request may name: what the job's stages wrote, and what they reused.
pub(crate) struct Allowed {
    job: JobId,
    reused: BTreeSet<String>,
}

impl Allowed {
    pub(crate) fn new(job: JobId, stages: &[persistence::Stage]) -> Self {
        let objects = stages.iter().filter_map(|stage| stage.checkpoint.as_ref()?.objects.as_ref());
        Self { job, reused: objects.flat_map(|objects| objects.values()).map(|object| object.key.clone()).collect() }
    }

    fn check(&self, key: &str) -> Result<ObjectKey, StorageError> {
        let key: ObjectKey = key.parse()?;
        if key.as_str().starts_with(KeyPrefix::job_work(self.job).as_str()) || self.reused.contains(key.as_str()) {
            return Ok(key);
        }
        Err(StorageError::ForeignObject { job: self.job })
    }
}

/// Fetches an announced object of the job and checks that it is the one that was announced.
pub(crate) async fn fetch(
    objects: &dyn BlobStore,
    allowed: &Allowed,
    role: &ArtifactRole,
    announced: &StoredObject,
) -> Result<File, StorageError> {
    let StoredObject { object_key, sha256, size_bytes } = announced;
    let key = allowed.check(object_key)?;
    let mismatch = || StorageError::SizeMismatch { role: role.clone(), announced_bytes: *size_bytes };
    let file = match objects.fetch_to_file(&key, *size_bytes).await {
        Err(BlobError::LimitExceeded { .. }) => return Err(mismatch()),
        fetched => fetched?,
    };
    let (file, found_bytes, found_sha256) = blocking(move || hash(file)).await?;
    if found_bytes != *size_bytes {
        return Err(mismatch());
    }
    if found_sha256 != *sha256 {
        return Err(StorageError::HashMismatch { role: role.clone() });
    }
    Ok(file)
}

/// Fetches the document that says what is to be taken in.
pub(crate) async fn fetch_plan(
    objects: &dyn BlobStore,
    allowed: &Allowed,
    announced: &StoredObject,
) -> Result<IngestPlan, StorageError> {
    const PLAN: ArtifactRole = ArtifactRole::new("plan");
    if announced.size_bytes > MAX_PLAN_BYTES {
        return Err(StorageError::FileRefused { role: PLAN, reason: "it is too large" });
    }
    let mut file = fetch(objects, allowed, &PLAN, announced).await?;
    let text = blocking(move || {
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok::<_, io::Error>(text)
    })
    .await?;
    serde_json::from_slice(&text).map_err(StorageError::Plan)
}

/// Fetches a file that is kept as it is, at its start.
pub(crate) async fn fetch_kept(
    objects: &dyn BlobStore,
    allowed: &Allowed,
    file: &IncomingFile,
    spec: &ArtifactSpec,
) -> Result<File, StorageError> {
    let refused = |reason| StorageError::FileRefused { role: file.role.clone(), reason };
    if file.media_type != spec.media_type {
        return Err(refused("its media type is not that of its role"));
    }
    if file.size_bytes > spec.max_bytes {
        return Err(refused("it is too large"));
    }
    let announced =
        StoredObject { object_key: file.object_key.clone(), sha256: file.sha256.clone(), size_bytes: file.size_bytes };
    let mut fetched = fetch(objects, allowed, &file.role, &announced).await?;
    let check = spec.check;
    let (fetched, checked) = blocking(move || {
        let looks_at = if reads_whole(check) { usize::MAX } else { HEAD_BYTES };
        let mut content = Vec::new();
        (&mut fetched).take(looks_at as u64).read_to_end(&mut content)?;
        fetched.seek(SeekFrom::Start(0))?;
        Ok::<_, io::Error>((fetched, check_content(check, &content)))
    })
    .await?;
    checked.map_err(refused)?;
    Ok(fetched)
}

/// Largest picture that goes into the tags of a sound.
const MAX_COVER_BYTES: u64 = 2 << 20;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Fetches a picture for the tags.
pub(crate) async fn fetch_cover(
    objects: &dyn BlobStore,
    allowed: &Allowed,
    cover: &StoredObject,
) -> Result<Vec<u8>, StorageError> {
    let refused = |reason| StorageError::FileRefused { role: ArtifactRole::AUDIO_MP3, reason };
    if cover.size_bytes > MAX_COVER_BYTES {
        return Err(refused("its cover is too large"));
    }
    let mut file = fetch(objects, allowed, &ArtifactRole::AUDIO_MP3, cover).await?;
    let content = blocking(move || {
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok::<_, io::Error>(content)
    })
    .await?;
    if content.starts_with(PNG) { Ok(content) } else { Err(refused("its cover is not a PNG")) }
}

const fn reads_whole(check: ContentCheck) -> bool {
    match check {
        ContentCheck::Text | ContentCheck::Json | ContentCheck::MusicXml | ContentCheck::Svg => true,
        ContentCheck::Midi | ContentCheck::Wav | ContentCheck::Signature { .. } | ContentCheck::MadeByStorage => false,
    }
}

/// Whether the content is what the role promises. A picture is shown by browsers, so it must not bring a program.
fn check_content(check: ContentCheck, content: &[u8]) -> Result<(), &'static str> {
    let text = || std::str::from_utf8(content).map_err(|_| "it is not text in UTF-8");
    let holds = |condition: bool, otherwise| if condition { Ok(()) } else { Err(otherwise) };
    match check {
        ContentCheck::Text => holds(!text()?.trim().is_empty(), "it is empty"),
        ContentCheck::Json => {
            serde_json::from_slice::<serde::de::IgnoredAny>(content).map(|_| ()).map_err(|_| "it is not JSON")
        }
        ContentCheck::Midi => holds(content.starts_with(b"MThd"), "it is not a MIDI file"),
        ContentCheck::Wav => {
            let is_wave = content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WAVE");
            holds(is_wave, "it is not a WAV file")
        }
        ContentCheck::MusicXml => holds(text()?.contains("<score-partwise"), "it is not a MusicXML score"),
        ContentCheck::Svg => {
            let text = text()?.trim_start().to_ascii_lowercase();
            holds(text.starts_with("<svg") || text.starts_with("<?xml"), "it is not an SVG picture")?;
            holds(!is_active(&text), "it holds active content")
        }
        ContentCheck::Signature { at, bytes } => {
            holds(content.get(at..).is_some_and(|rest| rest.starts_with(bytes)), "it is not of its role's format")
        }
        ContentCheck::MadeByStorage => Err("files of this role are made here, not sent"),
    }
}

/// Whether a picture (in lower case) could run a program in a browser: scripts, foreign markup, script addresses,
/// entities, and event attributes such as `onload=`.
fn is_active(svg: &str) -> bool {
    let parts = ["<script", "<foreignobject", "javascript:", "<!entity"];
    let is_event_attribute = |word: &str| {
        word.strip_prefix("on").and_then(|rest| rest.split_once('=')).is_some_and(|(name, _)| {
            let name = name.trim_end();
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic())
        })
    };
    parts.iter().any(|part| svg.contains(part))
        || svg.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/')).any(is_event_attribute)
}

/// Reads a file through; returns it at its start, with its size and hash.
fn hash(mut file: File) -> io::Result<(File, u64, String)> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 128 * 1024];
    let mut size_bytes = 0;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
        size_bytes += read as u64;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((file, size_bytes, hex::encode(digest.finalize())))
}

/// Work that may block, on a thread that may; what stops it early counts as interrupted.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, StorageError>
where
    T: Send + 'static,
    E: Into<StorageError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| StorageError::Interrupted)?.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_must_be_what_the_role_promises() {
        use ContentCheck as Check;
        let ftyp = Check::Signature { at: 4, bytes: b"ftyp" };
        let good: [(Check, &[u8]); 6] = [
            (ftyp, b"\0\0\0\x20ftypM4A "),
            (Check::Text, "Für dich".as_bytes()),
            (Check::Json, b"{\"a\":[1]}"),
            (Check::Midi, b"MThd\0\0\0\x06"),
            (Check::Svg, b"<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"),
            (Check::Svg, b"<?xml version=\"1.0\"?>\n<svg><text>come on = now</text></svg>"),
        ];
        for (check, content) in good {
            assert_eq!(check_content(check, content), Ok(()), "{check:?}");
        }
        let bad: [(Check, &[u8]); 12] = [
            (ftyp, b"ftypM4A "),
            (ftyp, b"\0\0"),
            (Check::Text, b" \n"),
            (Check::Text, b"\xff\xfe"),
            (Check::Json, b"{\"a\":"),
            (Check::Midi, b"RIFF"),
            (Check::Svg, b"<html></html>"),
            (Check::Svg, b"<svg><ScRipt>x()</script></svg>"),
            (Check::Svg, b"<svg><a href=\"javascript:x()\"/></svg>"),
            (Check::Svg, b"<svg onload=\"x()\"></svg>"),
            (Check::Svg, b"<svg\nwidth='1'ONLOAD=x()></svg>"),
            (Check::MadeByStorage, b"ID3"),
        ];
        for (check, content) in bad {
            assert!(check_content(check, content).is_err(), "{check:?} {content:?}");
        }
    }
}
