//! What is sent to a server: files as they are, and folders as archives that are small enough for one request. Each is
//! packed when it is its turn; what cannot be sent is said, as a server says it of what it refuses.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use domain::song::{MAX_IMPORT_BYTES, MAX_LISTS, MAX_LISTS_BYTES};
use serde_json::{Value, json};

use crate::exit::Exit;

/// How much goes into one archive, and how much of a folder is taken at all.
#[derive(Clone, Copy)]
struct Bounds {
    /// Of one archive, lists of names and headers included: half of what a server takes.
    parcel_bytes: u64,
    parcel_files: usize,
    /// A file that no request can carry.
    file_bytes: u64,
    /// Lists of names, which go along with each part.
    lists: usize,
    lists_bytes: u64,
    /// Files and folders of one folder with all below it.
    entries: usize,
    /// Folders in each other.
    depth: usize,
}

const BOUNDS: Bounds = Bounds {
    parcel_bytes: MAX_IMPORT_BYTES / 2,
    parcel_files: 5_000,
    file_bytes: MAX_IMPORT_BYTES - MAX_LISTS_BYTES - (1 << 20),
    lists: MAX_LISTS,
    lists_bytes: MAX_LISTS_BYTES,
    entries: 200_000,
    depth: 32,
};

/// What an archive has of a file beside its content, and some room for a long name.
const HEADER_BYTES: u64 = 2 * 1024;

/// Something to be sent, with the name that it goes by.
pub struct Parcel {
    pub file: File,
    pub name: String,
    /// Files that turned out to be unreadable when they were to be packed, as lines of a report.
    pub refused: Vec<Value>,
}

/// All that is to be sent for a path.
pub struct Parcels {
    what: What,
    /// What is not sent, as lines of a report.
    pub refused: Vec<Value>,
}

enum What {
    File(Option<(File, String)>),
    Folder { root: Root, lists: Vec<Found>, parts: VecDeque<Vec<Found>> },
}

/// A folder that is sent, and what it is called.
struct Root {
    path: PathBuf,
    name: String,
}

impl Root {
    /// A file's name with those of the folders that it is in, as a report has it.
    fn name_of(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        if below.as_os_str().is_empty() { self.name.clone() } else { format!("{}/{}", self.name, below.display()) }
    }

    fn refused(&self, path: &Path, code: &str, why: impl Into<String>) -> Value {
        refusal(&self.name_of(path), Some(code), &why.into())
    }
}

struct Found {
    path: PathBuf,
    bytes: u64,
}

impl Found {
    fn packed_bytes(&self) -> u64 {
        self.bytes.saturating_add(HEADER_BYTES)
    }

    fn is_list(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
    }
}

/// A line of a report.
pub fn refusal(file: &str, code: Option<&str>, why: &str) -> Value {
    json!({ "file": file, "outcome": "refused", "code": code, "why": why, "id": null, "title": null, "artist": null })
}

impl Parcels {
    /// # Errors
    /// When nothing is there, or nothing in it can be read.
    pub fn of(path: &Path) -> Result<Self> {
        Self::within(path, BOUNDS)
    }

    fn within(path: &Path, bounds: Bounds) -> Result<Self> {
        let cannot = |error: std::io::Error| Exit::refused(format!("{} cannot be opened: {error}", path.display()));
        let path = fs::canonicalize(path).map_err(cannot)?;
        let name = path.file_name().map_or_else(|| "songs".to_owned(), |name| name.to_string_lossy().into_owned());
        if !path.is_dir() {
            let file = File::open(&path).map_err(cannot)?;
            return Ok(Self { what: What::File(Some((file, name))), refused: Vec::new() });
        }
        let root = Root { path: path.clone(), name };
        let mut gathering =
            Gathering { root: &root, bounds, left: Some(bounds.entries), found: Vec::new(), refused: Vec::new() };
        gathering.folder(&path, bounds.depth);
        let Gathering { found, mut refused, .. } = gathering;
        if found.is_empty() && refused.is_empty() {
            return Err(Exit::refused(format!("there is no file in {}", path.display())));
        }
        let (lists, songs): (Vec<_>, Vec<_>) = found.into_iter().partition(Found::is_list);
        let lists = fitting(&root, lists, bounds, &mut refused);
        let parts = parts(songs, lists.iter().map(Found::packed_bytes).sum(), bounds);
        Ok(Self { what: What::Folder { root, lists, parts }, refused })
    }

    /// The next one to be sent.
    ///
    /// # Errors
    /// When no temporary file can be written.
    pub fn next(&mut self) -> Result<Option<Parcel>> {
        match &mut self.what {
            What::File(file) => Ok(file.take().map(|(file, name)| Parcel { file, name, refused: Vec::new() })),
            What::Folder { root, lists, parts } => {
                let Some(part) = parts.pop_front() else { return Ok(None) };
                packed(root, lists.iter().chain(&part)).map(Some)
            }
        }
    }

    /// A file of a report as it lies here: a server knows a folder by the archive that it was sent as.
    pub fn name_here(&self, file: &str) -> Option<String> {
        let What::Folder { root, .. } = &self.what else { return None };
        let below = file.strip_prefix(&archive_name(root))?;
        Some(format!("{}{below}", root.name))
    }
}

fn archive_name(root: &Root) -> String {
    format!("{}.tar", root.name)
}

struct Gathering<'a> {
    root: &'a Root,
    bounds: Bounds,
    /// Entries that may still come; `None` when too many did.
    left: Option<usize>,
    found: Vec<Found>,
    refused: Vec<Value>,
}

impl Gathering<'_> {
    fn refuse(&mut self, path: &Path, code: &str, why: impl Into<String>) {
        let line = self.root.refused(path, code, why);
        self.refused.push(line);
    }

    /// Files with their sizes, in the order of their names; hidden ones are not meant.
    fn folder(&mut self, folder: &Path, depth: usize) {
        if depth == 0 {
            let why = format!("The folders lie more than {} deep in each other.", self.bounds.depth);
            return self.refuse(folder, "too_deep", why);
        }
        let mut entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(folder, "unreadable", format!("The folder cannot be read: {error}.")),
        };
        entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            // Said once, and the end of all folders.
            let Some(left) = self.left.as_mut() else { return };
            let Some(less) = left.checked_sub(1) else {
                self.left = None;
                let why = format!("There are more than {} entries; import them in parts.", self.bounds.entries);
                return self.refuse(&self.root.path, "too_many_entries", why);
            };
            *left = less;
            match entry.file_type().and_then(|kind| Ok((kind, entry.metadata()?.len()))) {
                Ok((kind, _)) if kind.is_dir() => self.folder(&path, depth - 1),
                Ok((kind, bytes)) if kind.is_file() => self.file(path, bytes),
                Ok((kind, _)) if kind.is_symlink() => {
                    self.refuse(&path, "link", "This is a link; links are not followed. Import what it leads to.");
                }
                Ok(_) => self.refuse(&path, "not_a_file", "This is neither a file nor a folder."),
                Err(error) => self.refuse(&path, "unreadable", format!("The file cannot be read: {error}.")),
            }
        }
    }

    fn file(&mut self, path: PathBuf, bytes: u64) {
        if bytes > self.bounds.file_bytes {
            let why = format!("The file is larger than {} MB, the most that is sent.", self.bounds.file_bytes >> 20);
            return self.refuse(&path, "too_large", why);
        }
        self.found.push(Found { path, bytes });
    }
}

/// Lists of names that a server reads all of; the others are refused.
fn fitting(root: &Root, lists: Vec<Found>, bounds: Bounds, refused: &mut Vec<Value>) -> Vec<Found> {
    let mut sent: Vec<Found> = Vec::new();
    let mut bytes = 0_u64;
    for list in lists {
        let with_it = bytes.saturating_add(list.bytes);
        if sent.len() < bounds.lists && with_it <= bounds.lists_bytes {
            bytes = with_it;
            sent.push(list);
            continue;
        }
        let why = format!(
            "The lists of names are more than {} or have more than {} MB together; this one was not sent. Import in parts, each \
             with its own list.",
            bounds.lists,
            bounds.lists_bytes >> 20
        );
        refused.push(root.refused(&list.path, "lists_too_large", why));
    }
    sent
}

/// Songs in parts that fit into one archive each, beside `lists_bytes` of lists. One that does not fit by itself is the
/// server's to judge.
fn parts(songs: Vec<Found>, lists_bytes: u64, bounds: Bounds) -> VecDeque<Vec<Found>> {
    let mut parts: VecDeque<Vec<Found>> = VecDeque::new();
    let mut bytes = 0_u64;
    for song in songs {
        let with_it = bytes.saturating_add(song.packed_bytes());
        match parts.back_mut() {
            Some(part) if part.len() < bounds.parcel_files && with_it <= bounds.parcel_bytes => {
                bytes = with_it;
                part.push(song);
            }
            _ => {
                bytes = lists_bytes.saturating_add(song.packed_bytes());
                parts.push_back(vec![song]);
            }
        }
    }
    parts
}

fn packed<'a>(root: &Root, files: impl Iterator<Item = &'a Found>) -> Result<Parcel> {
    let mut archive = tar::Builder::new(tempfile::tempfile()?);
    let mut refused = Vec::new();
    for Found { path, .. } in files {
        // Opened apart from the archive: an error of the file is one line, one of the archive is the end.
        match File::open(path) {
            Ok(mut file) => {
                let below = path.strip_prefix(&root.path).unwrap_or(path);
                archive
                    .append_file(below, &mut file)
                    .with_context(|| format!("{} cannot be packed", path.display()))?;
            }
            Err(error) => refused.push(root.refused(path, "unreadable", format!("The file cannot be read: {error}."))),
        }
    }
    let mut file = archive.into_inner()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Parcel { file, name: archive_name(root), refused })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Read, os::unix::fs::symlink};

    use super::*;

    const SMALL: Bounds =
        Bounds { parcel_bytes: 16 * 1024, parcel_files: 3, lists: 2, lists_bytes: 3_000, depth: 3, ..BOUNDS };

    /// The files of every parcel with their sizes, and the refusals.
    fn sent(path: &Path, bounds: Bounds) -> (Vec<BTreeMap<String, u64>>, Vec<String>) {
        let mut parcels = Parcels::within(path, bounds).unwrap();
        let mut all = Vec::new();
        while let Some(mut parcel) = parcels.next().unwrap() {
            let mut bytes = Vec::new();
            parcel.file.read_to_end(&mut bytes).unwrap();
            let mut archive = tar::Archive::new(&bytes[..]);
            let entries = archive.entries().unwrap().map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.size())
            });
            all.push(entries.collect());
            parcels.refused.append(&mut parcel.refused);
        }
        let line = |line: &Value| format!("{}: {}", line["file"].as_str().unwrap(), line["code"].as_str().unwrap());
        (all, parcels.refused.iter().map(line).collect())
    }

    fn folder(files: &[(&str, usize)]) -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let music = home.path().join("music");
        for (name, bytes) in files {
            let path = music.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![b'x'; *bytes]).unwrap();
        }
        (home, music)
    }

    #[test]
    fn whatever_is_not_sent_is_said() {
        let (home, music) = folder(&[("a.mid", 1), ("b/c/d/deep.mid", 1), (".hidden/x.mid", 1), ("large.mid", 9_000)]);
        symlink(home.path(), music.join("loop")).unwrap();
        symlink(music.join("a.mid"), music.join("z.mid")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(music.join("socket")).unwrap();
        let (parcels, refused) = sent(&music, Bounds { file_bytes: 8_000, ..SMALL });
        assert_eq!(parcels.iter().flat_map(BTreeMap::keys).collect::<Vec<_>>(), ["a.mid"]);
        let expected = ["b/c/d: too_deep", "large.mid: too_large", "loop: link", "socket: not_a_file", "z.mid: link"];
        assert_eq!(refused, expected.map(|line| format!("music/{line}")));
        let two = Bounds { entries: 2, ..SMALL };
        assert_eq!(sent(&music, two).1, ["music: too_many_entries"]);
        let empty = tempfile::tempdir().unwrap();
        assert!(Parcels::of(empty.path()).is_err());
    }

    #[test]
    fn lists_of_names_go_along_with_each_part_and_take_room_in_it() {
        let songs = [("1.mid", 3_000), ("2.mid", 3_000), ("3.mid", 3_000), ("list.csv", 2_900)];
        let (_home, music) = folder(&songs);
        let names = |parcels: &[BTreeMap<String, u64>]| -> Vec<String> {
            parcels.iter().map(|parcel| parcel.keys().cloned().collect::<Vec<_>>().join(" ")).collect()
        };
        let (parcels, refused) = sent(&music, SMALL);
        assert_eq!(names(&parcels), ["1.mid 2.mid list.csv", "3.mid list.csv"]);
        assert_eq!(refused, [""; 0]);
        fs::remove_file(music.join("list.csv")).unwrap();
        assert_eq!(names(&sent(&music, SMALL).0), ["1.mid 2.mid 3.mid"]);
    }

    #[test]
    fn lists_that_no_server_reads_are_not_sent() {
        let (_home, music) = folder(&[("1.csv", 2_000), ("2.csv", 2_000), ("3.csv", 10), ("4.csv", 10), ("x.mid", 1)]);
        let (sent, refused) = sent(&music, SMALL);
        assert_eq!(sent[0].keys().collect::<Vec<_>>(), ["1.csv", "3.csv", "x.mid"]);
        assert_eq!(refused, ["music/2.csv: lists_too_large", "music/4.csv: lists_too_large"]);
    }

    #[test]
    fn a_report_names_files_as_they_lie_here() {
        let (_home, music) = folder(&[("a.mid", 1)]);
        let parcels = Parcels::of(&music).unwrap();
        assert_eq!(parcels.name_here("music.tar/Queen/a.mid").as_deref(), Some("music/Queen/a.mid"));
        assert_eq!(parcels.name_here("other.tar/a.mid"), None);
        let single = Parcels::of(&music.join("a.mid")).unwrap();
        assert_eq!(single.name_here("a.mid"), None);
    }
}
