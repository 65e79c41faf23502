//! Files out of a zip archive, one by one.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::{
    bounded::{self, Flow},
    content,
    limits::Limits,
    names::{is_litter, is_odd, plain_path},
    refusal::Refusal,
    sink::{Sink, Stop},
};

/// Begins each entry of the list at a zip archive's end.
const LISTED: &[u8] = b"PK\x01\x02";

/// Gives every entry of `file` to `sink`; `within` is the archive's own name.
pub fn walk<S: Sink>(mut file: File, within: &str, limits: &Limits, sink: &mut S) -> Result<(), Stop> {
    let whole = |sink: &mut S, refusal| sink.take(within.to_owned(), Err(refusal));
    let size = match count_listed(&mut file, limits.entries) {
        Ok(Ok(size)) => size,
        Ok(Err(refusal)) => return whole(sink, refusal),
        Err(error) => return whole(sink, Refusal::Unreadable { why: error.to_string() }),
    };
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return whole(sink, Refusal::Damaged { why: error.to_string() }),
    };
    if archive.len() > limits.entries {
        return whole(sink, Refusal::TooManyEntries { limit: limits.entries });
    }
    let flow = Flow::default();
    flow.set_packed(size);
    for index in 0..archive.len() {
        let entry = match archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => return whole(sink, Refusal::Damaged { why: error.to_string() }),
        };
        let name = entry.name().unwrap_or_else(|_| String::from_utf8_lossy(entry.name_raw()));
        let is_odd = limits.strict_names && is_odd(&name);
        let Some(name) = plain_path(&name) else { continue };
        let path = format!("{within}/{name}");
        if entry.is_dir() || is_litter(&name) || !sink.wants(&path) {
            continue;
        }
        let readable = if entry.is_symlink() {
            Err(Refusal::Link)
        } else if is_odd {
            Err(Refusal::OddName)
        } else if entry.encrypted() {
            Err(Refusal::Encrypted)
        } else if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            Err(Refusal::Method)
        } else {
            Ok(())
        };
        drop(entry);
        let content = match readable {
            Ok(()) => read_entry(&mut archive, index, &path, &flow, limits, sink),
            Err(refusal) => Err(refusal),
        };
        let is_over = matches!(content, Err(Refusal::UnpacksTooLarge { .. } | Refusal::UnpacksTooMuch { .. }));
        sink.take(if is_over { within.to_owned() } else { path }, content)?;
        if is_over {
            break;
        }
    }
    Ok(())
}

fn read_entry<S: Sink>(
    archive: &mut ZipArchive<BufReader<File>>,
    index: usize,
    path: &str,
    flow: &Flow,
    limits: &Limits,
    sink: &mut S,
) -> Result<S::Content, Refusal> {
    let entry = archive.by_index(index).map_err(|error| match error {
        ZipError::UnsupportedArchive(_) => Refusal::Method,
        error => Refusal::Damaged { why: error.to_string() },
    })?;
    // What it says of its size is not believed.
    match content::entry(path, flow.unpacked(entry, *limits), limits, sink) {
        Ok(content) => content,
        Err(error) => Err(match bounded::refusal(&error) {
            // One entry's checksum says nothing about the next one.
            Refusal::Damaged { why } => Refusal::Unreadable { why },
            refusal => refusal,
        }),
    }
}

/// Size of the file, unless its list has more entries than allowed: the reader would make something of each of them,
/// whatever the archive says of their number.
fn count_listed(file: &mut File, most: usize) -> std::io::Result<Result<u64, Refusal>> {
    let (mut listed, mut size) = (0, 0);
    let mut chunk = vec![0; 64 * 1024];
    let mut kept = 0;
    loop {
        let read = file.read(chunk.get_mut(kept..).unwrap_or_default())?;
        if read == 0 {
            break;
        }
        size += read as u64;
        let seen = kept + read;
        let window = chunk.get(..seen).unwrap_or_default();
        listed += window.windows(LISTED.len()).filter(|bytes| *bytes == LISTED).count();
        if listed > most {
            return Ok(Err(Refusal::TooManyEntries { limit: most }));
        }
        // A mark may lie across two chunks.
        kept = seen.min(LISTED.len() - 1);
        chunk.copy_within(seen - kept..seen, 0);
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Ok(size))
}
