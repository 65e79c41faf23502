//! The recording that a command is given: a file, or what comes out of a pipe, once. Opening it reads nothing, so that a
//! command can refuse before it waits for somebody who is still humming into the pipe.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, IsTerminal, Read, Seek},
    os::{
        fd::AsFd,
        unix::{
            ffi::{OsStrExt, OsStringExt},
            fs::MetadataExt,
        },
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::exit::Exit;

/// The path that stands for standard input, as for most tools; a file of this name is `./-`.
pub const STDIN: &str = "-";

/// Longest start of a recording's name that a folder is named after; file systems end at 255 bytes.
const MAX_STEM_BYTES: usize = 200;

/// Which file it is, under whatever name: device and inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileId(u64, u64);

impl FileId {
    pub fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// What a command is given, in words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    Recording,
    /// A song as a MIDI file.
    Song,
}

impl What {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Song => "MIDI file",
        }
    }
}

/// A recording, or a song as a MIDI file, that is open and was not read yet.
pub struct Source {
    what: What,
    file: File,
    metadata: Metadata,
    /// `None` for standard input.
    path: Option<PathBuf>,
}

/// A recording that can be read from its start as often as wanted.
pub struct Recording {
    pub file: File,
    pub size_bytes: u64,
    /// What it is called where only text will do; `None` when it came without a name.
    pub name: Option<String>,
    /// How messages call it.
    pub shown: String,
}

impl Source {
    /// Opens a file, a pipe, or standard input. A named pipe is waited for until somebody writes to it.
    ///
    /// # Errors
    /// Refused when there is none, when it may not be read, and when it is no recording for certain.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_as(What::Recording, path)
    }

    /// The same for a song as a MIDI file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_song(path: &Path) -> Result<Self> {
        Self::open_as(What::Song, path)
    }

    fn open_as(what: What, path: &Path) -> Result<Self> {
        let word = what.word();
        let stdin = path.as_os_str() == STDIN;
        let opened = if stdin { io::stdin().as_fd().try_clone_to_owned().map(File::from) } else { File::open(path) };
        let path = (!stdin).then(|| path.to_owned());
        let shown = shown(path.as_deref());
        let (file, metadata) =
            opened.and_then(|file| file.metadata().map(|metadata| (file, metadata))).map_err(|error| {
                Exit::refused(match error.kind() {
                    io::ErrorKind::NotFound => {
                        format!("there is no file {shown}; check its name and the folder you are in")
                    }
                    io::ErrorKind::PermissionDenied => {
                        format!("you may not read {shown}; change its permissions, or name a copy of it")
                    }
                    _ => format!("{shown} cannot be opened: {error}"),
                })
            })?;
        if metadata.is_dir() {
            return Err(Exit::refused(format!("{shown} is a folder; name one {word} in it")));
        }
        if file.is_terminal() {
            return Err(Exit::refused(format!(
                "{shown} is a terminal, and a {word} cannot be typed; name a file, or pipe one into this command"
            )));
        }
        Ok(Self { what, file, metadata, path })
    }

    pub fn what(&self) -> What {
        self.what
    }

    pub fn id(&self) -> FileId {
        FileId::of(&self.metadata)
    }

    /// The folder that a song gets when nobody names one. It keeps the bytes of the recording's name, UTF-8 or not.
    pub fn song_folder(&self) -> PathBuf {
        self.folder("hum", "-song")
    }

    /// A folder named after this, `nameless` where it came without a name.
    pub fn folder(&self, nameless: &str, ending: &str) -> PathBuf {
        let stem = self.name().and_then(|name| Path::new(name).file_stem()).unwrap_or(OsStr::new(nameless)).as_bytes();
        let mut end = stem.len().min(MAX_STEM_BYTES);
        // Not in the middle of a character.
        while end > 0 && stem.get(end).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
            end -= 1;
        }
        OsString::from_vec([&stem[..end], ending.as_bytes()].concat()).into()
    }

    /// `/dev/fd/63`, which is what a shell makes of `<(…)`, is an address and no name.
    fn name(&self) -> Option<&OsStr> {
        let path = self.path.as_deref()?;
        let address = path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc");
        path.file_name().filter(|_| !address)
    }

    /// Makes it readable from its start. What is no file, or a file that somebody has begun to read, is copied into a
    /// temporary file without a name, and refused when it has more than `limit_bytes`.
    ///
    /// # Errors
    /// Refused when nothing is in it or too much; else when it cannot be read or there is no room for the copy.
    pub fn read(mut self, limit_bytes: u64) -> Result<Recording> {
        let shown = shown(self.path.as_deref());
        let name = self.name().map(|name| {
            // It goes into a header of a form, where a line break would end it.
            name.to_string_lossy().replace(|c: char| c.is_control(), "_")
        });
        let whole = self.metadata.is_file()
            && self.file.stream_position().with_context(|| format!("{shown} cannot be read"))? == 0;
        let what = self.what.word();
        let (file, size_bytes) =
            if whole { (self.file, self.metadata.len()) } else { spool(self.file, limit_bytes, &shown, what)? };
        if size_bytes == 0 {
            return Err(Exit::refused(format!(
                "{shown} is empty: no {} arrived in it; {} it once more",
                self.what.word(),
                if self.what == What::Recording { "record or export" } else { "export" }
            )));
        }
        Ok(Recording { file, size_bytes, name, shown })
    }
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string())
}

fn spool(source: File, limit_bytes: u64, shown: &str, what: &str) -> Result<(File, u64)> {
    let room = || format!("{} (TMPDIR names another folder)", std::env::temp_dir().display());
    let mut spool = tempfile::tempfile().with_context(|| format!("no temporary file can be made in {}", room()))?;
    let copied = io::copy(&mut source.take(limit_bytes.saturating_add(1)), &mut spool)
        .with_context(|| format!("{shown} cannot be copied into a temporary file in {}", room()))?;
    if copied > limit_bytes {
        return Err(Exit::refused(format!(
            "{shown} has more than {:.0} MB, the most that is read from a pipe; {}",
            limit_bytes as f64 / (1024.0 * 1024.0),
            if what == What::Recording.word() {
                "shorten or compress the recording"
            } else {
                "send the MIDI file alone"
            }
        )));
    }
    spool.rewind().context("the temporary file cannot be read")?;
    Ok((spool, copied))
}
