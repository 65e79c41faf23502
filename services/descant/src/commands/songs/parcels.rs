//! What is sent to a server: files as they are, and folders as archives that are small enough for one request.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use domain::song::MAX_IMPORT_BYTES;

use crate::exit::Exit;

/// Of one archive: half of what a server takes, since headers come on top.
const PARCEL_BYTES: u64 = MAX_IMPORT_BYTES / 2;
const PARCEL_FILES: usize = 5_000;
/// Folders in each other.
const DEPTH: usize = 32;

/// The files to send for a path, each with the name that it goes by.
pub fn of(path: &Path) -> Result<Vec<(File, String)>> {
    let cannot = |error: std::io::Error| Exit::refused(format!("{} cannot be opened: {error}", path.display()));
    let path = fs::canonicalize(path).map_err(cannot)?;
    let name = path.file_name().map_or_else(|| "songs".to_owned(), |name| name.to_string_lossy().into_owned());
    if !path.is_dir() {
        return Ok(vec![(File::open(&path).map_err(cannot)?, name)]);
    }
    let mut files = Vec::new();
    gather(&path, DEPTH, &mut files).with_context(|| format!("{} cannot be read", path.display()))?;
    if files.is_empty() {
        return Err(Exit::refused(format!("there is no file in {}", path.display())));
    }
    // Lists of names are few and go along with each part.
    let (lists, songs): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(file, _)| file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")));
    let mut parcels = Vec::new();
    let mut rest = &songs[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(PARCEL_FILES).take_while(|(_, size)| {
            bytes += size + 1024;
            bytes <= PARCEL_BYTES
        });
        // One that is too large by itself is the server's to refuse.
        let (part, after) = rest.split_at(fits.count().max(1));
        rest = after;
        parcels.push((packed(&path, lists.iter().chain(part))?, format!("{name}.tar")));
    }
    Ok(parcels)
}

/// Files with their sizes, in the order of their names; links are not followed, hidden ones not meant.
fn gather(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 1 {
            gather(&entry.path(), depth - 1, files)?;
        } else if kind.is_file() {
            files.push((entry.path(), entry.metadata()?.len()));
        }
    }
    Ok(())
}

fn packed<'a>(root: &Path, files: impl Iterator<Item = &'a (PathBuf, u64)>) -> Result<File> {
    let mut archive = tar::Builder::new(tempfile::tempfile()?);
    for (path, _) in files {
        let name = path.strip_prefix(root).unwrap_or(path);
        archive.append_path_with_name(path, name).with_context(|| format!("{} cannot be read", path.display()))?;
    }
    let mut file = archive.into_inner()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
