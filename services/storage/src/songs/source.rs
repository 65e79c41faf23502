//! Where songs come from: a folder, an archive or a single file. What a thing is shows in its content, never in its name.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    bounded::read_file,
    item::{Item, Sink, Stop, is_litter},
    limits::ImportLimits,
    refusal::Refusal,
    tarred, zipped,
};

/// Something with songs in it.
#[derive(Debug)]
pub enum Source {
    /// Everything in it and below.
    Folder(PathBuf),
    /// An open file with the name that it goes by.
    File { name: String, file: File },
}

impl Source {
    /// Opens what a person named; a link that they name is followed.
    ///
    /// # Errors
    /// When nothing is there, or it is not to be read.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let path = fs::canonicalize(path)?;
        if fs::metadata(&path)?.is_dir() {
            return Ok(Self::Folder(path));
        }
        Ok(Self::File { name: file_name(&path), file: File::open(&path)? })
    }

    /// Gives everything to `sink`, folders in the order of their names. Blocks.
    pub fn walk(&self, limits: &ImportLimits, sink: &mut dyn Sink) -> Result<(), Stop> {
        match self {
            Self::Folder(root) => {
                let mut left = limits.entries;
                walk_folder(root, &file_name(root), limits, limits.depth, &mut left, sink)
            }
            Self::File { name, file } => match file.try_clone() {
                Ok(file) => walk_file(file, name, limits, sink),
                Err(error) => sink.take(unreadable(name, &error)),
            },
        }
    }
}

fn walk_folder(
    folder: &Path,
    within: &str,
    limits: &ImportLimits,
    depth: usize,
    left: &mut usize,
    sink: &mut dyn Sink,
) -> Result<(), Stop> {
    let refused = |refusal| Item { path: within.to_owned(), content: Err(refusal) };
    if depth == 0 {
        return sink.take(refused(Refusal::TooDeep { limit: limits.depth }));
    }
    let mut entries = Vec::new();
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) => return sink.take(unreadable(within, &error)),
    };
    for entry in listed.flatten() {
        if *left == 0 {
            return sink.take(refused(Refusal::TooManyEntries { limit: limits.entries }));
        }
        *left -= 1;
        entries.push(entry);
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_litter(&name) {
            continue;
        }
        let path = format!("{within}/{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk_folder(&entry.path(), &path, limits, depth - 1, left, sink)?,
            Ok(kind) if kind.is_file() => match File::open(entry.path()) {
                Ok(file) => walk_file(file, &path, limits, sink)?,
                Err(error) => sink.take(unreadable(&path, &error))?,
            },
            Ok(kind) if kind.is_symlink() => sink.take(Item { path, content: Err(Refusal::Link) })?,
            Ok(_) => sink.take(Item { path, content: Err(Refusal::NotAFile) })?,
            Err(error) => sink.take(unreadable(&path, &error))?,
        }
    }
    Ok(())
}

fn walk_file(mut file: File, path: &str, limits: &ImportLimits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let (head, size) = match head(&mut file) {
        Ok(head) => head,
        Err(error) => return sink.take(unreadable(path, &error)),
    };
    let is_archive = is_archive(&head);
    if is_archive && size > limits.archive_bytes {
        let content = Err(Refusal::ArchiveTooLarge { limit_bytes: limits.archive_bytes });
        return sink.take(Item { path: path.to_owned(), content });
    }
    // An archive inside this one is none that is opened.
    let mut outermost = Unnested(sink);
    match &head[..] {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => zipped::walk(file, path, limits, &mut outermost),
        [0x1f, 0x8b, ..] => tarred::walk_gzip(file, path, limits, &mut outermost),
        head if tarred::is_tar(head) => tarred::walk_plain(file, path, limits, &mut outermost),
        _ if !sink.wants(path) => Ok(()),
        _ => {
            let content = read_file(file, limits.file_bytes)
                .unwrap_or_else(|error| Err(Refusal::Unreadable { why: error.to_string() }));
            sink.take(Item { path: path.to_owned(), content })
        }
    }
}

/// Refuses archives among the entries of one.
struct Unnested<'a>(&'a mut dyn Sink);

impl Sink for Unnested<'_> {
    fn wants(&self, path: &str) -> bool {
        self.0.wants(path)
    }

    fn take(&mut self, item: Item) -> Result<(), Stop> {
        let content = item.content.and_then(|bytes| if is_archive(&bytes) { Err(Refusal::Nested) } else { Ok(bytes) });
        self.0.take(Item { content, ..item })
    }
}

fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"PK\x05\x06")
        || bytes.starts_with(b"\x1f\x8b")
        || tarred::is_tar(bytes)
}

/// The beginning of a file, and its size; the file is at its start.
fn head(file: &mut File) -> std::io::Result<(Vec<u8>, u64)> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(tarred::HEADER_BYTES as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((head, file.metadata()?.len()))
}

fn unreadable(path: &str, error: &std::io::Error) -> Item {
    Item { path: path.to_owned(), content: Err(Refusal::Unreadable { why: error.to_string() }) }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "songs".to_owned(), |name| name.to_string_lossy().into_owned())
}
