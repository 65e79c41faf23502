//! Reads what a request names and believes nothing about it: size, hash and content are checked before anything is
//! kept.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use blob_store::{BlobError, BlobStore, KeyPrefix, ObjectKey};
use bytes::Bytes;
use contracts::IncomingFile;
use domain::{ArtifactRole, JobId};
use sha2::{Digest, Sha256};

use crate::error::StorageError;

/// Largest file that is kept as it is. Lyrics, scores, pictures and reports of five minutes stay far below.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Largest voice that is kept as it is: ten minutes of 44.1 kHz 16-bit mono.
const MAX_VOICE_BYTES: u64 = 54 * 1024 * 1024;

/// What a request says about one object.
pub(crate) struct Announced<'a> {
    pub(crate) role: ArtifactRole,
    pub(crate) object_key: &'a str,
    pub(crate) sha256: &'a str,
    pub(crate) size_bytes: u64,
}

/// Fetches an announced object of the job and checks that it is the one that was announced.
pub(crate) async fn fetch(objects: &dyn BlobStore, job: JobId, announced: Announced<'_>) -> Result<File, StorageError> {
    let Announced { role, object_key, sha256, size_bytes } = announced;
    let key: ObjectKey = object_key.parse()?;
    if !key.as_str().starts_with(KeyPrefix::job_work(job).as_str()) {
        return Err(StorageError::ForeignObject { job });
    }
    let mismatch = || StorageError::SizeMismatch { role, announced_bytes: size_bytes };
    let file = match objects.fetch_to_file(&key, size_bytes).await {
        Err(BlobError::LimitExceeded { .. }) => return Err(mismatch()),
        fetched => fetched?,
    };
    let (file, found_bytes, found_sha256) = blocking(move || hash(file)).await?;
    if found_bytes != size_bytes {
        return Err(mismatch());
    }
    if found_sha256 != sha256 {
        return Err(StorageError::HashMismatch { role });
    }
    Ok(file)
}

/// Fetches a file that is kept as it is.
pub(crate) async fn fetch_kept(
    objects: &dyn BlobStore,
    job: JobId,
    file: &IncomingFile,
) -> Result<Bytes, StorageError> {
    let role = file.role;
    if file.media_type != role.media_type() {
        return Err(StorageError::FileRefused { role, reason: "its media type is not that of its role" });
    }
    let limit = if role == ArtifactRole::VocalsWav { MAX_VOICE_BYTES } else { MAX_FILE_BYTES };
    if file.size_bytes > limit {
        return Err(StorageError::FileRefused { role, reason: "it is too large" });
    }
    let announced = Announced { role, object_key: &file.object_key, sha256: &file.sha256, size_bytes: file.size_bytes };
    let mut fetched = fetch(objects, job, announced).await?;
    let content = blocking(move || {
        let mut content = Vec::new();
        fetched.read_to_end(&mut content)?;
        Ok::<_, io::Error>(content)
    })
    .await?;
    check_content(role, &content).map_err(|reason| StorageError::FileRefused { role, reason })?;
    Ok(content.into())
}

/// Whether the content is what the role promises. A picture is shown by browsers, so it must not bring a program.
fn check_content(role: ArtifactRole, content: &[u8]) -> Result<(), &'static str> {
    let text = || std::str::from_utf8(content).map_err(|_| "it is not text in UTF-8");
    match role {
        ArtifactRole::Lyrics => {
            let text = text()?;
            if text.trim().is_empty() { Err("it is empty") } else { Ok(()) }
        }
        ArtifactRole::Report => {
            serde_json::from_slice::<serde::de::IgnoredAny>(content).map(|_| ()).map_err(|_| "it is not JSON")
        }
        ArtifactRole::MelodyMidi => {
            if content.starts_with(b"MThd") {
                Ok(())
            } else {
                Err("it is not a MIDI file")
            }
        }
        ArtifactRole::VocalsWav => {
            if content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WAVE") {
                Ok(())
            } else {
                Err("it is not a WAV file")
            }
        }
        ArtifactRole::MelodyMusicxml => {
            if text()?.contains("<score-partwise") {
                Ok(())
            } else {
                Err("it is not a MusicXML score")
            }
        }
        ArtifactRole::MelodySvg => {
            let text = text()?.trim_start().to_ascii_lowercase();
            if !text.starts_with("<svg") && !text.starts_with("<?xml") {
                return Err("it is not an SVG picture");
            }
            if is_active(&text) { Err("it holds active content") } else { Ok(()) }
        }
        ArtifactRole::AudioMp3 | ArtifactRole::AudioWav | ArtifactRole::Waveform => {
            Err("files of this role are made here, not sent")
        }
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
        use ArtifactRole as Role;
        let good: [(Role, &[u8]); 5] = [
            (Role::Lyrics, "Für dich".as_bytes()),
            (Role::Report, b"{\"a\":[1]}"),
            (Role::MelodyMidi, b"MThd\0\0\0\x06"),
            (Role::MelodySvg, b"<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"),
            (Role::MelodySvg, b"<?xml version=\"1.0\"?>\n<svg><text>come on = now</text></svg>"),
        ];
        for (role, content) in good {
            assert_eq!(check_content(role, content), Ok(()), "{role}");
        }
        let bad: [(Role, &[u8]); 11] = [
            (Role::Lyrics, b" \n"),
            (Role::Lyrics, b"\xff\xfe"),
            (Role::Report, b"{\"a\":"),
            (Role::MelodyMidi, b"RIFF"),
            (Role::MelodySvg, b"<html></html>"),
            (Role::MelodySvg, b"<svg><ScRipt>x()</script></svg>"),
            (Role::MelodySvg, b"<svg><a href=\"javascript:x()\"/></svg>"),
            (Role::MelodySvg, b"<svg onload=\"x()\"></svg>"),
            (Role::MelodySvg, b"<svg\nwidth='1'ONLOAD=x()></svg>"),
            (Role::AudioMp3, b"ID3"),
            (Role::Waveform, b"{}"),
        ];
        for (role, content) in bad {
            assert!(check_content(role, content).is_err(), "{role} {content:?}");
        }
    }
}
