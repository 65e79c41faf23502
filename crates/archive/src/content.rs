//! One file's bytes on their way to the sink.

use std::io::{self, BufRead, BufReader, Read};

use crate::{
    bounded::{self, OneFile},
    limits::Limits,
    refusal::Refusal,
    signature::{HEADER_BYTES, is_archive},
    sink::Sink,
};

/// Gives an entry of an archive to a sink, unless it is an archive itself.
///
/// # Errors
/// Those of reading that may concern more than this file.
pub fn entry<S: Sink>(
    path: &str,
    mut from: impl Read,
    limits: &Limits,
    sink: &mut S,
) -> io::Result<Result<S::Content, Refusal>> {
    let mut head = Vec::new();
    from.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut head)?;
    if is_archive(&head) {
        return Ok(Err(Refusal::Nested));
    }
    file(path, head.as_slice().chain(from), limits, sink)
}

/// Gives a file to a sink, within the bound of one file.
///
/// # Errors
/// As [`entry`].
pub fn file<S: Sink>(
    path: &str,
    from: impl Read,
    limits: &Limits,
    sink: &mut S,
) -> io::Result<Result<S::Content, Refusal>> {
    let mut whole = BufReader::new(OneFile::new(from, limits.file_bytes));
    let read = sink.read(path, &mut whole).and_then(|content| {
        // A sink that looks only at a beginning does not hide that the rest is too large or broken.
        loop {
            let length = whole.fill_buf()?.len();
            if length == 0 {
                return Ok(content);
            }
            whole.consume(length);
        }
    });
    match read {
        Ok(content) => Ok(Ok(content)),
        Err(error) => match bounded::refusal(&error) {
            refusal @ Refusal::TooLarge { .. } => Ok(Err(refusal)),
            _ => Err(error),
        },
    }
}
