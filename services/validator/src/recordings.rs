//! The verdict on what a model is to be trained on: a recording, or an archive of recordings. It is only looked at, however
//! large it is; the job measures what is inside, and tells what it cannot use.

use std::fs::File;

use blob_store::{BlobStore, ByteRange, ObjectKey};
use bytes::Bytes;
use domain::audio::{Finding, FindingCode, RecordingsFacts, Verdict};
use media::Bounds;

use crate::error::ValidatorError;

/// As far as the signature of a tar lies.
const HEAD_BYTES: u64 = 512;
/// The record at the end of a ZIP archive, and the longest comment behind it.
const ZIP_END: &[u8] = b"PK\x05\x06";
const ZIP_END_BYTES: usize = 22;
const ZIP_TAIL_BYTES: u64 = ZIP_END_BYTES as u64 + 65_535;

/// The verdict on an archive, by its beginning and its end: nothing is copied. `None` for what is none.
pub(crate) async fn archive(
    objects: &dyn BlobStore,
    key: &ObjectKey,
    size_bytes: u64,
) -> Result<Option<Verdict>, ValidatorError> {
    if size_bytes == 0 {
        return Ok(None);
    }
    let head = part(objects, key, ByteRange::FromTo { first: 0, last: HEAD_BYTES - 1 }).await?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(ZIP_END) {
        let tail = part(objects, key, ByteRange::Last { count: ZIP_TAIL_BYTES }).await?;
        return Ok(Some(match zip_files(&tail) {
            None => refused(FindingCode::TruncatedFile, "The archive has no end; pack it again and send the new one."),
            Some(0) => refused(FindingCode::FileEmpty, "The archive is empty; pack the recordings and send it again."),
            files => seen(size_bytes, "zip", files),
        }));
    }
    if head.starts_with(b"\x1f\x8b") {
        return Ok(Some(seen(size_bytes, "tar.gz", None)));
    }
    let is_tar = head.get(257..262) == Some(b"ustar");
    Ok(is_tar.then(|| seen(size_bytes, "tar", None)))
}

/// The verdict on a recording, by its container. Blocking.
pub(crate) fn recording(file: File, bounds: &Bounds) -> Result<Verdict, ValidatorError> {
    let size_bytes = file.metadata().map_err(ValidatorError::Read)?.len();
    match media::recognise(file, bounds) {
        Ok(format) => Ok(seen(size_bytes, format.as_str(), None)),
        Err(error) if error.is_retryable() => Err(error.into()),
        Err(error) => Ok(Verdict { findings: vec![media::finding(&error)], ..Verdict::default() }),
    }
}

fn seen(size_bytes: u64, format: &str, files: Option<u64>) -> Verdict {
    let recordings = Some(RecordingsFacts { size_bytes, format: format.to_owned(), files });
    Verdict { recordings, ..Verdict::default() }
}

fn refused(code: FindingCode, message: &str) -> Verdict {
    Verdict { findings: vec![Finding::error(code, message)], ..Verdict::default() }
}

async fn part(objects: &dyn BlobStore, key: &ObjectKey, range: ByteRange) -> Result<Bytes, ValidatorError> {
    let object = objects.get(key, Some(range)).await?;
    blob_store::collect(object.body, ZIP_TAIL_BYTES as usize).await.map_err(ValidatorError::Read)
}

/// How many files a ZIP archive lists, by the record at its end (APPNOTE.TXT, section 4.3.16); `None` where there is no such
/// record.
fn zip_files(tail: &[u8]) -> Option<u64> {
    let at = tail.windows(ZIP_END_BYTES).rposition(|window| window.starts_with(ZIP_END))?;
    Some(u64::from(u16::from_le_bytes([*tail.get(at + 10)?, *tail.get(at + 11)?])))
}
