//! Files out of a tar archive, gzipped or not, and single gzipped files, one by one.
//!
//! The `tar` crate reads raw entries only: long names come as entries of their own and are read here, with a bound.

use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use crate::{
    bounded::{self, Flow},
    content,
    limits::Limits,
    names::{is_litter, is_odd, plain_path},
    refusal::Refusal,
    signature::{HEADER_BYTES, is_tar},
    sink::{Sink, Stop},
};

/// Longest name of an entry, and most records about one.
const NAME_BYTES: u64 = 64 * 1024;
/// Gives every entry of a gzipped file to `sink`: of the archive in it, or the one file that it is.
pub fn walk_gzip<S: Sink>(file: File, within: &str, limits: &Limits, sink: &mut S) -> Result<(), Stop> {
    let flow = Flow::default();
    let packed = BufReader::new(flow.packed(file));
    let mut unpacked = BufReader::with_capacity(8 * 1024, flow.unpacked(MultiGzDecoder::new(packed), *limits));
    // A gzipped file may come in pieces of a few bytes.
    let mut head = Vec::new();
    if let Err(error) = unpacked.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut head) {
        return sink.take(within.to_owned(), Err(bounded::refusal(&error)));
    }
    let is_archive = is_tar(&head);
    let whole = head.as_slice().chain(unpacked);
    if is_archive {
        return walk_entries(whole, within, limits, sink);
    }
    let name = within.strip_suffix(".gz").unwrap_or(within);
    if !sink.wants(name) {
        return Ok(());
    }
    let content = content::entry(name, whole, limits, sink).unwrap_or_else(|error| Err(bounded::refusal(&error)));
    sink.take(name.to_owned(), content)
}

/// Gives every entry of a tar archive to `sink`; `within` is the archive's own name.
pub fn walk_plain<S: Sink>(file: File, within: &str, limits: &Limits, sink: &mut S) -> Result<(), Stop> {
    walk_entries(BufReader::new(file), within, limits, sink)
}

fn walk_entries<S: Sink>(from: impl Read, within: &str, limits: &Limits, sink: &mut S) -> Result<(), Stop> {
    let whole = |sink: &mut S, refusal| sink.take(within.to_owned(), Err(refusal));
    let mut archive = Archive::new(from);
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => return whole(sink, bounded::refusal(&error)),
    };
    let mut long_name: Option<Vec<u8>> = None;
    for (count, entry) in entries.enumerate() {
        if count >= limits.entries {
            return whole(sink, Refusal::TooManyEntries { limit: limits.entries });
        }
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => return whole(sink, bounded::refusal(&error)),
        };
        let kind = entry.header().entry_type();
        let extended = match kind {
            EntryType::GNULongName => read_name(&mut entry, |bytes| Some(bytes.to_vec())),
            EntryType::XHeader => read_name(&mut entry, pax_path),
            _ => Ok(None),
        };
        match extended {
            Err(error) => return whole(sink, bounded::refusal(&error)),
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
        let given = String::from_utf8_lossy(name.get(..end).unwrap_or_default());
        let is_odd = limits.strict_names && is_odd(&given);
        let Some(name) = plain_path(&given) else { continue };
        let path = format!("{within}/{name}");
        if kind.is_dir() || is_litter(&name) || !sink.wants(&path) {
            continue;
        }
        let content = match kind {
            EntryType::Regular | EntryType::Continuous if is_odd => Err(Refusal::OddName),
            EntryType::Regular | EntryType::Continuous => match content::entry(&path, &mut entry, limits, sink) {
                Ok(content) => content,
                Err(error) => return whole(sink, bounded::refusal(&error)),
            },
            EntryType::Symlink | EntryType::Link => Err(Refusal::Link),
            _ => Err(Refusal::NotAFile),
        };
        sink.take(path, content)?;
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
