//! The files that were sent, each in a temporary file of its own.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use archive::{Refusal, Sink, Source, Stop, plain_path};
use sha2::{Digest, Sha256};

use crate::{
    error::TrainingError,
    limits::Limits,
    report::{FileReport, Verdict},
};

/// A file as it was sent: a recording, or an archive of some.
#[derive(Debug)]
pub struct NamedFile {
    /// What its sender calls it. Only text.
    pub name: String,
    pub file: File,
}

/// A file that may be a recording.
#[derive(Debug)]
pub struct Upload {
    pub path: String,
    pub file: File,
    pub sha256: String,
}

impl Upload {
    /// The folder it lies in; what lies in one belongs together.
    pub fn folder(&self) -> &str {
        split(&self.path).0
    }
}

/// All that was sent.
#[derive(Debug, Default)]
pub struct Uploads {
    /// By folder and name.
    pub files: Vec<Upload>,
    /// What is written beside recordings, by their paths without endings.
    descriptions: BTreeMap<String, String>,
    pub told: Vec<FileReport>,
}

impl Uploads {
    /// Reads everything, archives opened.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn read(inputs: Vec<NamedFile>, limits: &Limits) -> Result<Self, TrainingError> {
        let mut reader =
            Reader { limits, found: Self::default(), hashes: HashMap::new(), bytes: 0, full: None, failure: None };
        for (index, NamedFile { name, file }) in inputs.into_iter().enumerate() {
            let name = plain_path(&name).unwrap_or_else(|| format!("recording-{}", index + 1));
            if let Some(full) = &reader.full {
                let refusal = full.clone();
                reader.refuse(name, refusal);
                continue;
            }
            // Only the last part: a client may send the path that it knows the file by.
            let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
            // When it stops, what follows is refused or the failure is told below.
            let _ = Source::File { name: name.clone(), file }.walk(&limits.files(), &mut reader);
            if let Some(failure) = reader.failure.take() {
                return Err(TrainingError::Spool(failure));
            }
        }
        let mut found = reader.found;
        found.files.sort_by(|a, b| (split(&a.path), &a.sha256).cmp(&(split(&b.path), &b.sha256)));
        Ok(found)
    }

    /// What somebody wrote beside a recording, as one line.
    pub fn description(&self, path: &str) -> Option<&str> {
        self.descriptions.get(stem(path)).map(String::as_str)
    }
}

/// Why nothing more is read.
#[derive(Clone, Debug)]
enum Full {
    Files(usize),
    Bytes(u64),
}

struct Reader<'a> {
    limits: &'a Limits,
    found: Uploads,
    hashes: HashMap<String, String>,
    bytes: u64,
    full: Option<Full>,
    /// Why a temporary file could not be written.
    failure: Option<io::Error>,
}

impl Reader<'_> {
    fn refuse(&mut self, path: String, full: Full) {
        let (code, why) = match full {
            Full::Files(limit) => {
                ("too_many_files", format!("There are more than {limit} recordings; send the best ones."))
            }
            Full::Bytes(limit) => (
                "unpacks_too_large",
                format!("All files together are larger than {} MB; send fewer or compress them.", limit >> 20),
            ),
        };
        self.found.told.push(FileReport::refused(path, code, why));
    }

    fn spool(&mut self, from: &mut dyn Read) -> io::Result<Content> {
        let mut file = self.written(tempfile::tempfile())?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 64 * 1024];
        let mut size = 0;
        loop {
            let read = from.read(&mut block)?;
            let part = block.get(..read).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            hash.update(part);
            size += part.len() as u64;
            let written = file.write_all(part);
            self.written(written)?;
        }
        let rewound = file.seek(SeekFrom::Start(0));
        self.written(rewound)?;
        Ok(Content::File { file, sha256: hex::encode(hash.finalize()), size })
    }

    /// Remembers a failure that is none of the source's.
    fn written<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.failure.get_or_insert(error);
            kind.into()
        })
    }
}

/// What a file is by its name, once it is read.
enum Content {
    File { file: File, sha256: String, size: u64 },
    Words(String),
    Other,
}

impl Sink for Reader<'_> {
    type Content = Content;

    fn wants(&self, _path: &str) -> bool {
        true
    }

    fn read(&mut self, path: &str, from: &mut dyn Read) -> io::Result<Content> {
        const MOST_WORDS_BYTES: u64 = 4096;
        match ending(path).as_str() {
            "txt" => {
                let mut bytes = Vec::new();
                from.take(MOST_WORDS_BYTES).read_to_end(&mut bytes)?;
                Ok(Content::Words(String::from_utf8_lossy(&bytes).into_owned()))
            }
            ending if OTHER.contains(&ending) => Ok(Content::Other),
            _ => self.spool(from),
        }
    }

    fn take(&mut self, path: String, content: Result<Content, Refusal>) -> Result<(), Stop> {
        if self.failure.is_some() {
            return Err(Stop);
        }
        match content {
            Err(refusal) => self.found.told.push(FileReport::refused(path, refusal.code(), refusal.to_string())),
            Ok(Content::Other) => self.found.told.push(FileReport::new(path, Verdict::PassedOver)),
            Ok(Content::Words(words)) => {
                self.found.descriptions.insert(stem(&path).to_owned(), words);
                self.found.told.push(FileReport::new(path, Verdict::PassedOver));
            }
            Ok(Content::File { file, sha256, size }) => {
                if let Some(of) = self.hashes.get(&sha256) {
                    let of = of.clone();
                    self.found.told.push(FileReport::new(path, Verdict::Duplicate { of }));
                    return Ok(());
                }
                self.bytes = self.bytes.saturating_add(size);
                let full = if self.found.files.len() >= self.limits.files {
                    Some(Full::Files(self.limits.files))
                } else {
                    (self.bytes > self.limits.unpacked_bytes).then_some(Full::Bytes(self.limits.unpacked_bytes))
                };
                if let Some(full) = full {
                    self.refuse(path, full.clone());
                    self.full = Some(full);
                    return Err(Stop);
                }
                self.hashes.insert(sha256.clone(), path.clone());
                self.found.files.push(Upload { path, file, sha256 });
            }
        }
        Ok(())
    }
}

/// What lies beside recordings and is none.
const OTHER: [&str; 18] = [
    "jpg", "jpeg", "png", "gif", "webp", "pdf", "cue", "m3u", "m3u8", "nfo", "log", "json", "md", "rtf", "url", "asd",
    "csv", "ini",
];

fn ending(path: &str) -> String {
    split(path).1.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
}

/// A path without its ending.
fn stem(path: &str) -> &str {
    let file = split(path).1;
    let length = file.rsplit_once('.').map_or(file.len(), |(stem, _)| stem.len());
    path.get(..path.len() - file.len() + length).unwrap_or(path)
}

/// Folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_folders_stems_and_endings() {
        let check = |path, folder, stemmed, ended: &str| {
            assert_eq!((split(path).0, stem(path), ending(path).as_str()), (folder, stemmed, ended), "{path}");
        };
        check("a.zip/b/c.Wav", "a.zip/b", "a.zip/b/c", "wav");
        check("a.b/c", "a.b", "a.b/c", "");
        check("c.d.flac", "", "c.d", "flac");
        check(".wav", "", "", "wav");
    }
}
