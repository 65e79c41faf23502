//! Songs out of a tar archive, gzipped or not, and single gzipped files. Entries are read one by one into memory;
//! nothing is written anywhere.
//!
//! The `tar` crate reads raw entries only: long names come as entries of their own and are read here, with a bound.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{
    bounded::{self, Flow, read_file},
    item::{Item, Sink, Stop, is_litter, plain_path},
    limits::ImportLimits,
    refusal::Refusal,
};

/// Longest name of an entry, and most records about one.
const NAME_BYTES: u64 = 64 * 1024;
/// Where a tar archive says what it is: `ustar`, in its first header.
const MARK_AT: usize = 257;

/// Whether a file's beginning is that of a tar archive.
pub fn is_tar(head: &[u8]) -> bool {
    head.get(MARK_AT..MARK_AT + 5) == Some(b"ustar")
}

/// Gives every entry of a gzipped file to `sink`: of the archive in it, or the one file that it is.
pub fn walk_gzip(file: File, within: &str, limits: &ImportLimits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let flow = Flow::default();
    let packed = BufReader::new(flow.packed(file));
    let mut unpacked = BufReader::with_capacity(8 * 1024, flow.unpacked(MultiGzDecoder::new(packed), *limits));
    let head = unpacked.fill_buf().map(is_tar);
    match head {
        Ok(true) => walk_entries(unpacked, within, limits, sink),
        Ok(false) => {
            let name = within.strip_suffix(".gz").unwrap_or(within);
            if !sink.wants(name) {
                return Ok(());
            }
            let content = read_file(unpacked, limits.file_bytes).unwrap_or_else(|error| Err(bounded::refusal(&error)));
            sink.take(Item { path: name.to_owned(), content })
        }
        Err(error) => sink.take(Item { path: within.to_owned(), content: Err(bounded::refusal(&error)) }),
    }
}

/// Gives every entry of a tar archive to `sink`; `within` is the archive's own name.
pub fn walk_plain(file: File, within: &str, limits: &ImportLimits, sink: &mut dyn Sink) -> Result<(), Stop> {
    walk_entries(BufReader::new(file), within, limits, sink)
}

fn walk_entries(from: impl Read, within: &str, limits: &ImportLimits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let whole = |refusal| Item { path: within.to_owned(), content: Err(refusal) };
    let mut archive = Archive::new(from);
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => return sink.take(whole(bounded::refusal(&error))),
    };
    let mut long_name: Option<Vec<u8>> = None;
    for (count, entry) in entries.enumerate() {
        if count >= limits.entries {
            return sink.take(whole(Refusal::TooManyEntries { limit: limits.entries }));
        }
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => return sink.take(whole(bounded::refusal(&error))),
        };
        let kind = entry.header().entry_type();
        let extended = match kind {
            EntryType::GNULongName => read_name(&mut entry, |bytes| Some(bytes.to_vec())),
            EntryType::XHeader => read_name(&mut entry, pax_path),
            _ => Ok(None),
        };
        match extended {
            Err(error) => return sink.take(whole(bounded::refusal(&error))),
            Ok(Some(name)) => long_name = Some(name),
            Ok(None) => {}
        }
        if matches!(
            kind,
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader | EntryType::XGlobalHeader
        ) {
            continue;
        }
        let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let Some(name) = plain_path(&String::from_utf8_lossy(name.get(..end).unwrap_or_default())) else { continue };
        let path = format!("{within}/{name}");
        if kind.is_dir() || is_litter(&name) || !sink.wants(&path) {
            continue;
        }
        let content = match kind {
            EntryType::Regular | EntryType::Continuous => match read_file(&mut entry, limits.file_bytes) {
                Ok(content) => content,
                Err(error) => return sink.take(whole(bounded::refusal(&error))),
            },
            EntryType::Symlink | EntryType::Link => Err(Refusal::Link),
            _ => Err(Refusal::NotAFile),
        };
        sink.take(Item { path, content })?;
    }
    Ok(())
}

fn read_name(from: impl Read, name: fn(&[u8]) -> Option<Vec<u8>>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(NAME_BYTES).read_to_end(&mut bytes)?;
    Ok(name(&bytes))
}

/// The path in records of the form `27 path=folder/song.mid\n` (POSIX pax interchange format).
fn pax_path(mut records: &[u8]) -> Option<Vec<u8>> {
    loop {
        let blank = records.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(records.get(..blank)?).ok()?.parse().ok()?;
        let record = records.get(blank + 1..length.checked_sub(1)?)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(path.to_vec());
        }
        records = records.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_pax_records_are_found() {
        assert_eq!(pax_path(b"12 mtime=12\n16 path=a/b.mid\n"), Some(b"a/b.mid".to_vec()));
        for broken in [&b"16 path=a/b.mi"[..], b"99 path=x\n", b"0 path=x\n", b"1 \n", b"x y", b"", b"6 a=b\n"] {
            assert_eq!(pax_path(broken), None, "{broken:?}");
        }
    }
}
