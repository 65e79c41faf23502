//! Where a command puts files: never over the recording, over other files only when that was asked for, and each with
//! its name only once all of them are whole.

use std::{
    fs::{self, File, Metadata, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::{Builder, NamedTempFile};

use crate::{
    exit::Exit,
    recording::{FileId, Source, What},
};

const RECORDING: &str = What::Recording.word();

/// Folders that are tried for a song whose folder nobody named.
const MAX_FOLDERS: u32 = 10_000;

/// A folder that files go to.
pub struct Destination {
    folder: Folder,
    overwrite: bool,
    /// What the command was given, which no file may replace, whoever asks for it.
    inputs: Vec<FileId>,
    /// What that is called in a sentence.
    input_word: &'static str,
}

enum Folder {
    /// Named by the user.
    Named(PathBuf),
    /// Ours to choose: this one, or this with a number where there is such a folder already.
    Fresh(PathBuf),
}

impl Destination {
    /// A folder that the user named.
    pub fn named(folder: PathBuf, overwrite: bool) -> Self {
        Self { folder: Folder::Named(folder), overwrite, inputs: Vec::new(), input_word: RECORDING }
    }

    /// `out`, or a new folder named after the recording; with `overwrite` always the same one.
    pub fn of_song(out: Option<PathBuf>, overwrite: bool, recording: &Source) -> Self {
        Self::beside(out, recording.song_folder(), overwrite).sparing(recording)
    }

    /// `out`, or a new folder of this name; with `overwrite` always the same one.
    pub fn beside(out: Option<PathBuf>, name: PathBuf, overwrite: bool) -> Self {
        let folder = match out {
            Some(folder) => Folder::Named(folder),
            None if overwrite => Folder::Named(name),
            None => Folder::Fresh(name),
        };
        Self { folder, overwrite, inputs: Vec::new(), input_word: RECORDING }
    }

    #[must_use]
    pub fn sparing(mut self, input: &Source) -> Self {
        self.inputs.push(input.id());
        self.input_word = input.what().word();
        self
    }

    /// Before any work: whether files can be made there, and whether these names are free. Leaves nothing behind.
    ///
    /// # Errors
    /// Refused, saying what is in the way.
    pub fn check(&self, names: &[impl AsRef<Path>]) -> Result<()> {
        match &self.folder {
            Folder::Named(folder) => {
                check_folder(folder)?;
                self.check_names(folder, names)
            }
            Folder::Fresh(folder) => check_folder(folder.parent().unwrap_or(Path::new(""))),
        }
    }

    fn check_names(&self, folder: &Path, names: &[impl AsRef<Path>]) -> Result<()> {
        let mut taken = Vec::new();
        for name in names.iter().map(AsRef::as_ref) {
            let path = folder.join(name);
            // Through links: whatever leads to the recording counts as the recording.
            if fs::metadata(&path).is_ok_and(|found| self.inputs.contains(&FileId::of(&found))) {
                return Err(Exit::refused(format!(
                    "{} is the {} itself, and the song would replace it; choose another folder with --out",
                    path.display(),
                    self.input_word
                )));
            }
            match fs::symlink_metadata(&path) {
                Ok(found) if self.overwrite => check_replaceable(&path, &found)?,
                Ok(_) => taken.push(name.display().to_string()),
                Err(_) => {}
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        let there = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Err(Exit::refused(format!(
            "{} already has {}; choose another folder with --out, or replace what is there with --overwrite",
            there.display(),
            taken.join(", ")
        )))
    }

    /// Makes the folder and begins to write.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(self) -> Result<Files> {
        let (folder, made) = match &self.folder {
            Folder::Named(folder) => (folder.clone(), make(folder)),
            Folder::Fresh(folder) => {
                let (folder, made) = make_fresh(folder);
                (folder.clone(), made.map(|()| vec![folder]))
            }
        };
        let made = made.with_context(|| format!("folder {} cannot be made", folder.display()))?;
        Ok(Files { destination: self, made: MadeFolders(made), folder, parts: Vec::new() })
    }
}

/// Files that are being written. What was not committed is gone when this goes.
pub struct Files {
    destination: Destination,
    folder: PathBuf,
    // Before the folders: those can only go once they are empty.
    parts: Vec<(PathBuf, NamedTempFile)>,
    made: MadeFolders,
}

impl Files {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new file for the contents of `name`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&mut self, name: impl AsRef<Path>) -> Result<File> {
        let name = name.as_ref();
        let part = temporary(&self.folder).and_then(|part| Ok((part.as_file().try_clone()?, part)));
        let (file, part) = part.with_context(|| format!("{} cannot be written", self.folder.join(name).display()))?;
        self.parts.push((name.to_owned(), part));
        Ok(file)
    }

    /// Gives all of them their names; returns their paths.
    ///
    /// # Errors
    /// When a disk is full, or something has come into the way since [`Destination::check`].
    pub fn commit(mut self) -> Result<Vec<PathBuf>> {
        let parts = std::mem::take(&mut self.parts);
        let unwritable = |name: &Path| format!("{} cannot be written", self.folder.join(name).display());
        for (name, part) in &parts {
            part.as_file().sync_all().with_context(|| unwritable(name))?;
        }
        let names: Vec<&Path> = parts.iter().map(|(name, _)| name.as_path()).collect();
        self.destination.check_names(&self.folder, &names)?;
        let mut written = Vec::new();
        for (name, part) in parts {
            let path = self.folder.join(&name);
            persist(part, &path, self.destination.overwrite).with_context(|| unwritable(&name))?;
            written.push(path);
        }
        self.made.keep();
        Ok(written)
    }
}

/// Folders that were made for files, outermost first; removed again when no file came into them.
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Only an empty one goes: whatever else is in it by now is not ours.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Puts one file where the user said, whole or not at all.
///
/// # Errors
/// Refused when something else has this name; else when it cannot be written.
pub fn place(path: &Path, contents: &[u8], overwrite: bool) -> Result<()> {
    let unwritable = || format!("{} cannot be written", path.display());
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        // A pipe or a device: written into, never replaced.
        return fs::write(path, contents).with_context(unwritable);
    }
    if let Ok(found) = &found {
        check_replaceable(path, found)?;
    }
    if fs::symlink_metadata(path).is_ok() && !overwrite {
        return Err(Exit::refused(format!(
            "{} already exists; choose another name, or replace it with --overwrite",
            path.display()
        )));
    }
    // What a link points to is replaced, and the link stays.
    let path = if found.is_ok() { fs::canonicalize(path).with_context(unwritable)? } else { path.to_owned() };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut made = MadeFolders(make(folder).with_context(|| format!("folder {} cannot be made", folder.display()))?);
    let written = temporary(folder).and_then(|mut part| {
        io::Write::write_all(&mut part, contents)?;
        part.as_file().sync_all()?;
        persist(part, &path, overwrite)
    });
    written.with_context(unwritable)?;
    made.keep();
    Ok(())
}

fn check_replaceable(path: &Path, found: &Metadata) -> Result<()> {
    if found.is_file() || found.is_symlink() {
        return Ok(());
    }
    let what = if found.is_dir() { "a folder" } else { "no ordinary file" };
    Err(Exit::refused(format!("{} is {what} and stays; choose another place", path.display())))
}

/// Whether files can be made in a folder that may not exist yet.
fn check_folder(folder: &Path) -> Result<()> {
    let is_there = |path: &&Path| fs::symlink_metadata(path).is_ok();
    let there = folder.ancestors().find(is_there).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(Exit::refused(format!("{} is no folder; choose another place with --out", there.display())));
    }
    // Asking the system who may write would not see a read-only or full disk; this file has no name.
    tempfile::tempfile_in(there).map(drop).map_err(|error| {
        Exit::refused(format!(
            "nothing can be written to {}: {error}; choose another place with --out",
            there.display()
        ))
    })
}

/// Makes a folder and those above it; returns those that were not there, outermost first.
fn make(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && fs::symlink_metadata(path).is_err();
    let mut made: Vec<PathBuf> = folder.ancestors().take_while(is_missing).map(Path::to_owned).collect();
    made.reverse();
    fs::create_dir_all(folder)?;
    Ok(made)
}

/// Makes a folder that was not there. Two commands at once get two.
fn make_fresh(wanted: &Path) -> (PathBuf, io::Result<()>) {
    let mut folder = wanted.to_owned();
    for number in 2..=MAX_FOLDERS {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => return (folder, outcome),
        }
        let mut name = wanted.as_os_str().to_owned();
        name.push(format!("-{number}"));
        folder = name.into();
    }
    (folder, Err(io::ErrorKind::AlreadyExists.into()))
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // As readable for others as any file that the user makes: the umask decides.
    let mode = Permissions::from_mode(0o666);
    Builder::new().prefix(".descant-").suffix(".part").permissions(mode).tempfile_in(folder)
}

fn persist(part: NamedTempFile, path: &Path, overwrite: bool) -> io::Result<()> {
    let placed = if overwrite { part.persist(path) } else { part.persist_noclobber(path) };
    placed.map(drop).map_err(|error| error.error)
}
