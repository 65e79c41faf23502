//! Zip archives: wheels, and the files that PyTorch saves. As much of the format as those two use, read with a bound on
//! every size that the archive states. (PKWARE, "APPNOTE.TXT – .ZIP File Format Specification", version 6.3.)

use std::io::{Read, Seek, SeekFrom};

use crate::error::Malformed;

/// End-of-central-directory record without its comment.
const END_LEN: usize = 22;
const END_MARK: [u8; 4] = *b"PK\x05\x06";
const ENTRY_LEN: usize = 46;
const ENTRY_MARK: [u8; 4] = *b"PK\x01\x02";
const LOCAL_LEN: usize = 30;
const LOCAL_MARK: [u8; 4] = *b"PK\x03\x04";

const MOST_COMMENT: u64 = 65_535;
const MOST_ENTRIES: usize = 4_096;
const MOST_DIRECTORY: u64 = 4 << 20;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Bit of the flags that says a file is encrypted.
const ENCRYPTED: u16 = 1;

/// One file inside.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc32: u32,
    packed_len: u64,
    len: u64,
    offset: u64,
}

/// An archive whose directory was read.
pub(crate) struct Archive<R> {
    file: R,
    entries: Vec<Entry>,
}

impl<R: Read + Seek> Archive<R> {
    pub fn open(mut file: R) -> Result<Self, Malformed> {
        let file_len = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let end = end_record(&mut file, file_len)?;
        let (count, directory_len, offset) =
            (usize::from(u16_at(&end, 10)?), u64::from(u32_at(&end, 12)?), u64::from(u32_at(&end, 16)?));
        if count > MOST_ENTRIES || directory_len > MOST_DIRECTORY || offset + directory_len > file_len {
            return Err(Malformed::new("its directory is larger than a model's archive has"));
        }
        let directory = read_at(&mut file, offset, directory_len)?;
        let mut entries = Vec::with_capacity(count);
        let mut rest = &directory[..];
        for _ in 0..count {
            let (entry, after) = entry(rest)?;
            entries.push(entry);
            rest = after;
        }
        Ok(Self { file, entries })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The length that the directory states.
    pub fn len_of(&self, name: &str) -> Option<u64> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.len)
    }

    /// The bytes of a file of at most `most_bytes`, checked against its CRC-32.
    pub fn read(&mut self, name: &str, most_bytes: u64) -> Result<Vec<u8>, Malformed> {
        let found = self.entries.iter().find(|entry| entry.name == name).cloned();
        let entry = found.ok_or_else(|| Malformed::new(format!("{name} is missing")))?;
        // What cannot be packed grows by a few bytes for every block.
        if entry.len > most_bytes || entry.packed_len > most_bytes + most_bytes / 1_000 + 64 {
            return Err(Malformed::new(format!("{name} is longer than {most_bytes} bytes")));
        }
        if entry.flags & ENCRYPTED != 0 {
            return Err(Malformed::new(format!("{name} is encrypted")));
        }
        let local = read_at(&mut self.file, entry.offset, LOCAL_LEN as u64)?;
        if local[..4] != LOCAL_MARK {
            return Err(Malformed::new(format!("{name} is not where the directory says")));
        }
        let before = u64::from(u16_at(&local, 26)?) + u64::from(u16_at(&local, 28)?);
        let packed = read_at(&mut self.file, entry.offset + LOCAL_LEN as u64 + before, entry.packed_len)?;
        let bytes = match entry.method {
            STORED => packed,
            DEFLATED => {
                // One byte more than promised would show a wrong promise, and no more is ever unpacked.
                let mut bytes = Vec::new();
                let mut unpacked = flate2::read::DeflateDecoder::new(&packed[..]).take(entry.len + 1);
                unpacked.read_to_end(&mut bytes).map_err(unreadable)?;
                bytes
            }
            other => return Err(Malformed::new(format!("{name} is packed by method {other}"))),
        };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != entry.len || crc.sum() != entry.crc32 {
            return Err(Malformed::new(format!("{name} is damaged")));
        }
        Ok(bytes)
    }
}

/// The last record, which a comment may follow.
fn end_record(file: &mut (impl Read + Seek), file_len: u64) -> Result<Vec<u8>, Malformed> {
    let tail_len = file_len.min(END_LEN as u64 + MOST_COMMENT);
    let tail = read_at(file, file_len - tail_len, tail_len)?;
    let at = (0..(tail.len() + 1).saturating_sub(END_LEN)).rev().find(|&at| tail[at..at + 4] == END_MARK);
    let at = at.ok_or_else(|| Malformed::new("it is no zip archive"))?;
    Ok(tail[at..at + END_LEN].to_vec())
}

fn entry(bytes: &[u8]) -> Result<(Entry, &[u8]), Malformed> {
    if bytes.get(..4) != Some(&ENTRY_MARK) {
        return Err(Malformed::new("its directory is damaged"));
    }
    let name_len = usize::from(u16_at(bytes, 28)?);
    let behind = ENTRY_LEN + name_len + usize::from(u16_at(bytes, 30)?) + usize::from(u16_at(bytes, 32)?);
    let (Some(name), Some(rest)) = (bytes.get(ENTRY_LEN..ENTRY_LEN + name_len), bytes.get(behind..)) else {
        return Err(Malformed::new("its directory is cut short"));
    };
    let entry = Entry {
        name: String::from_utf8_lossy(name).into_owned(),
        flags: u16_at(bytes, 8)?,
        method: u16_at(bytes, 10)?,
        crc32: u32_at(bytes, 16)?,
        packed_len: u64::from(u32_at(bytes, 20)?),
        len: u64::from(u32_at(bytes, 24)?),
        offset: u64::from(u32_at(bytes, 42)?),
    };
    Ok((entry, rest))
}

/// Exactly `len` bytes; callers have bounded it.
fn read_at(file: &mut (impl Read + Seek), offset: u64, len: u64) -> Result<Vec<u8>, Malformed> {
    file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 == len { Ok(bytes) } else { Err(Malformed::new("it is cut short")) }
}

fn unreadable(error: std::io::Error) -> Malformed {
    Malformed(error.to_string())
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Malformed> {
    let found = bytes.get(at..at + 2).and_then(|two| two.try_into().ok());
    found.map(u16::from_le_bytes).ok_or_else(|| Malformed::new("it is cut short"))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let found = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    found.map(u32::from_le_bytes).ok_or_else(|| Malformed::new("it is cut short"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::archive_bytes::zip;

    const FILES: [(&str, &[u8]); 3] = [("a/one", b"first"), ("a/two", &[7; 5_000]), ("empty", b"")];

    fn read(bytes: &[u8], name: &str, most: u64) -> Result<Vec<u8>, Malformed> {
        Archive::open(Cursor::new(bytes))?.read(name, most)
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        for packed in [false, true] {
            let bytes = zip(&FILES, packed);
            for (name, content) in FILES {
                assert_eq!(read(&bytes, name, 5_000).as_deref(), Ok(content), "{name}");
            }
            // A comment may follow the last record.
            let commented = [&bytes[..bytes.len() - 2], &[3, 0], b"PK!"].concat();
            assert_eq!(read(&commented, "a/one", 5).as_deref(), Ok(&b"first"[..]));
            assert_eq!(read(&bytes, "three", 5), Err(Malformed::new("three is missing")));
            assert_eq!(read(&bytes, "a/two", 4_999), Err(Malformed::new("a/two is longer than 4999 bytes")));
        }
    }

    #[test]
    fn what_is_cut_or_changed_is_refused() {
        for packed in [false, true] {
            let whole = zip(&FILES, packed);
            for len in 0..whole.len() {
                assert!(read(&whole[..len], "a/two", 5_000).is_err(), "{len} bytes");
            }
            for at in 0..whole.len() {
                let mut changed = whole.clone();
                changed[at] ^= 0x11;
                // Times and attributes do not matter; content never comes out changed.
                if let Ok(content) = read(&changed, "a/two", 5_000) {
                    assert_eq!(content, FILES[1].1, "byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_bomb_unpacks_to_no_more_than_it_said() {
        let mut bytes = zip(&[("a", &[0; 100_000])], true);
        let directory = bytes.windows(4).position(|four| four == ENTRY_MARK).unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&10u32.to_le_bytes());
        assert_eq!(read(&bytes, "a", 1_000), Err(Malformed::new("a is damaged")));
    }

    #[test]
    fn encrypted_and_unknown_packings_are_refused() {
        for (offset, value, why) in [(8, 1, "a is encrypted"), (10, 12, "a is packed by method 12")] {
            let mut bytes = zip(&[("a", b"text")], false);
            let directory = bytes.windows(4).position(|four| four == ENTRY_MARK).unwrap();
            bytes[directory + offset] = value;
            assert_eq!(read(&bytes, "a", 10), Err(Malformed::new(why)));
        }
    }
}
