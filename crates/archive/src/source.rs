//! Where files come from: a folder, an archive or a single file. What a thing is shows in its content, never in its name.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    bounded, content,
    limits::Limits,
    names::is_litter,
    refusal::Refusal,
    signature::{HEADER_BYTES, is_archive, is_gzip, is_tar, is_zip},
    sink::{Sink, Stop},
    tarred, zipped,
};

/// Something with files in it.
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
    ///
    /// # Errors
    /// [`Stop`] when the sink answered it.
    pub fn walk<S: Sink>(&self, limits: &Limits, sink: &mut S) -> Result<(), Stop> {
        match self {
            Self::Folder(root) => {
                let mut left = limits.entries;
                walk_folder(root, &file_name(root), limits, limits.depth, &mut left, sink)
            }
            Self::File { name, file } => match file.try_clone() {
                Ok(file) => walk_file(file, name, limits, sink),
                Err(error) => sink.take(name.clone(), Err(unreadable(&error))),
            },
        }
    }
}

fn walk_folder<S: Sink>(
    folder: &Path,
    within: &str,
    limits: &Limits,
    depth: usize,
    left: &mut usize,
    sink: &mut S,
) -> Result<(), Stop> {
    if depth == 0 {
        return sink.take(within.to_owned(), Err(Refusal::TooDeep { limit: limits.depth }));
    }
    let mut entries = Vec::new();
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) => return sink.take(within.to_owned(), Err(unreadable(&error))),
    };
    for entry in listed.flatten() {
        if *left == 0 {
            return sink.take(within.to_owned(), Err(Refusal::TooManyEntries { limit: limits.entries }));
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
                Err(error) => sink.take(path, Err(unreadable(&error)))?,
            },
            Ok(kind) if kind.is_symlink() => sink.take(path, Err(Refusal::Link))?,
            Ok(_) => sink.take(path, Err(Refusal::NotAFile))?,
            Err(error) => sink.take(path, Err(unreadable(&error)))?,
        }
    }
    Ok(())
}

fn walk_file<S: Sink>(mut file: File, path: &str, limits: &Limits, sink: &mut S) -> Result<(), Stop> {
    let (head, size) = match head(&mut file) {
        Ok(head) => head,
        Err(error) => return sink.take(path.to_owned(), Err(unreadable(&error))),
    };
    if is_archive(&head) && size > limits.archive_bytes {
        return sink.take(path.to_owned(), Err(Refusal::ArchiveTooLarge { limit_bytes: limits.archive_bytes }));
    }
    match head.as_slice() {
        head if is_zip(head) => zipped::walk(file, path, limits, sink),
        head if is_gzip(head) => tarred::walk_gzip(file, path, limits, sink),
        head if is_tar(head) => tarred::walk_plain(file, path, limits, sink),
        _ if !sink.wants(path) => Ok(()),
        _ => {
            let content = content::file(path, file, limits, sink).unwrap_or_else(|error| {
                Err(match bounded::refusal(&error) {
                    Refusal::Damaged { why } => Refusal::Unreadable { why },
                    refusal => refusal,
                })
            });
            sink.take(path.to_owned(), content)
        }
    }
}

/// The beginning of a file, and its size; the file is at its start.
fn head(file: &mut File) -> std::io::Result<(Vec<u8>, u64)> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(HEADER_BYTES as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((head, file.metadata()?.len()))
}

fn unreadable(error: &std::io::Error) -> Refusal {
    Refusal::Unreadable { why: error.to_string() }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "files".to_owned(), |name| name.to_string_lossy().into_owned())
}
