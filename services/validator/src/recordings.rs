//! The verdict on what a model is to be trained on: a recording, or an archive of recordings. It is only looked at, however
//! large it is; the job measures what is inside, and tells what it cannot use.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use domain::audio::{Finding, FindingCode, RecordingsFacts, Verdict};
use media::Bounds;

use crate::error::ValidatorError;

/// As far as the signature of a tar lies.
const HEAD_BYTES: u64 = 512;
/// The record at the end of a ZIP archive, and the longest comment behind it.
const ZIP_END: &[u8] = b"PK\x05\x06";
const ZIP_END_BYTES: usize = 22;
const ZIP_TAIL_BYTES: u64 = ZIP_END_BYTES as u64 + 65_535;

/// Says what it is.
pub(crate) fn look(mut file: File, bounds: &Bounds) -> Result<Verdict, ValidatorError> {
    let size_bytes = file.metadata().map_err(ValidatorError::Read)?.len();
    let seen = |format: &str, files| Verdict {
        recordings: Some(RecordingsFacts { size_bytes, format: format.to_owned(), files }),
        ..Verdict::default()
    };
    let head = head(&mut file).map_err(ValidatorError::Read)?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(ZIP_END) {
        return Ok(match zip_files(&mut file, size_bytes).map_err(ValidatorError::Read)? {
            None => refused(FindingCode::TruncatedFile, "The archive has no end; pack it again and send the new one."),
            Some(0) => refused(FindingCode::FileEmpty, "The archive is empty; pack the recordings and send it again."),
            files => seen("zip", files),
        });
    }
    if head.starts_with(b"\x1f\x8b") {
        return Ok(seen("tar.gz", None));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Ok(seen("tar", None));
    }
    match media::recognise(file, bounds) {
        Ok(format) => Ok(seen(format.as_str(), None)),
        Err(error) if error.is_retryable() => Err(error.into()),
        Err(error) => Ok(Verdict { findings: vec![media::finding(&error)], ..Verdict::default() }),
    }
}

fn refused(code: FindingCode, message: &str) -> Verdict {
    Verdict { findings: vec![Finding::error(code, message)], ..Verdict::default() }
}

fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(head)
}

/// How many files a ZIP archive lists, by the record at its end (APPNOTE.TXT, section 4.3.16); `None` where there is no such
/// record. Of more than it can count it says that it cannot.
fn zip_files(file: &mut File, size_bytes: u64) -> io::Result<Option<u64>> {
    let start = size_bytes.saturating_sub(ZIP_TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(ZIP_TAIL_BYTES).read_to_end(&mut tail)?;
    let at = tail.windows(ZIP_END_BYTES).rposition(|window| window.starts_with(ZIP_END));
    let count = |at: usize| Some(u64::from(u16::from_le_bytes([*tail.get(at + 10)?, *tail.get(at + 11)?])));
    Ok(at.and_then(count))
}
