//! The chunks of a font, found without reading what is in them. Every size that the file says is held against the bytes
//! that are there before anybody allocates it.

use std::{collections::BTreeMap, io};

use super::source::Source;

/// Beyond this no table of a font reaches: its indices have 16 bits, and its longest entry 46 bytes.
const MOST_TABLE_BYTES: u64 = 65_537 * 46;
/// Longest text that is read.
const MOST_TEXT_BYTES: u64 = 4_096;
/// Chunks in one list; fonts have up to a dozen.
const MOST_CHUNKS: usize = 1_000;

/// Why a file is no font.
#[derive(Debug)]
pub(crate) enum Flaw {
    Read(io::Error),
    Broken(String),
    /// What is asked of it needs more memory than is given.
    TooLarge,
}

impl From<io::Error> for Flaw {
    fn from(source: io::Error) -> Self {
        Self::Read(source)
    }
}

impl From<&str> for Flaw {
    fn from(reason: &str) -> Self {
        Self::Broken(reason.to_owned())
    }
}

/// A part of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    pub(crate) at: u64,
    pub(crate) length: u64,
}

impl Extent {
    const fn end(self) -> u64 {
        self.at + self.length
    }
}

/// What is where.
pub(crate) struct Layout {
    /// Of the list `INFO`, by their names.
    pub(crate) info: BTreeMap<[u8; 4], Vec<u8>>,
    pub(crate) samples: Extent,
    /// Of the list `pdta`, by their names.
    pub(crate) tables: BTreeMap<[u8; 4], Vec<u8>>,
}

/// Finds the chunks of a font and reads the small ones.
pub(crate) fn layout(source: &Source) -> Result<Layout, Flaw> {
    let mut head = [0; 12];
    if source.length() < 12 {
        return Err("it is too short".into());
    }
    source.read_at(0, &mut head)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"sfbk" {
        return Err("it does not begin as one".into());
    }
    let said = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    // Some writers count a last pad byte that they do not write.
    if said < 4 || said > source.length() - 8 + 1 {
        return Err("it is cut off".into());
    }
    let whole = Extent { at: 12, length: (said + 8).min(source.length()) - 12 };
    let (mut info, mut samples, mut tables) = (BTreeMap::new(), None, BTreeMap::new());
    for (name, list) in chunks(source, whole)? {
        if &name != b"LIST" || list.length < 4 {
            continue;
        }
        let mut kind = [0; 4];
        source.read_at(list.at, &mut kind)?;
        let inside = Extent { at: list.at + 4, length: list.length - 4 };
        for (name, chunk) in chunks(source, inside)? {
            match &kind {
                b"INFO" => {
                    let length = chunk.length.min(MOST_TEXT_BYTES) as usize;
                    info.insert(name, source.bytes(chunk.at, length)?);
                }
                b"sdta" if &name == b"smpl" => samples = Some(chunk),
                b"pdta" => {
                    if chunk.length > MOST_TABLE_BYTES {
                        return Err("one of its tables is longer than any can be".into());
                    }
                    tables.insert(name, source.bytes(chunk.at, chunk.length as usize)?);
                }
                _ => {}
            }
        }
    }
    if tables.is_empty() {
        return Err("the list of its instruments is missing".into());
    }
    let samples = samples.ok_or("its samples are missing")?;
    Ok(Layout { info, samples, tables })
}

/// The chunks of a list, in order.
fn chunks(source: &Source, list: Extent) -> Result<Vec<([u8; 4], Extent)>, Flaw> {
    let mut found = Vec::new();
    let mut at = list.at;
    while at + 8 <= list.end() {
        let mut head = [0; 8];
        source.read_at(at, &mut head)?;
        let chunk = Extent { at: at + 8, length: u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]])) };
        if chunk.end() > list.end() {
            return Err("a part of it is cut off".into());
        }
        if found.len() == MOST_CHUNKS {
            return Err("it has more parts than any font".into());
        }
        found.push(([head[0], head[1], head[2], head[3]], chunk));
        at = after(source, chunk, list)?;
    }
    Ok(found)
}

/// Names of chunks that follow another one.
const NAMES: [&[u8; 4]; 11] =
    [b"LIST", b"smpl", b"sm24", b"pbag", b"pmod", b"pgen", b"inst", b"ibag", b"imod", b"igen", b"shdr"];

/// Where the next chunk begins: at an even place, except in files whose writer forgot the pad byte.
fn after(source: &Source, chunk: Extent, list: Extent) -> Result<u64, Flaw> {
    let padded = chunk.end() + chunk.length % 2;
    if padded == chunk.end() || chunk.end() + 8 > list.end() {
        return Ok(padded);
    }
    let mut next = [0; 4];
    source.read_at(chunk.end(), &mut next)?;
    let is_text = next[0].eq_ignore_ascii_case(&b'I') && next[1..].iter().all(u8::is_ascii_alphanumeric);
    Ok(if is_text || NAMES.contains(&&next) { chunk.end() } else { padded })
}
