//! Requests about the catalogue of songs, and the report of an import.

use domain::{SongId, SongName};
use serde::{Deserialize, Serialize};

use crate::{
    error::ContractError,
    storage::{StoredObject, digest, present},
    v1,
};

/// Code of the file at which the time of a request was over.
pub const NO_TIME: &str = "no_time";

/// Files that storage is asked to take into the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SongImport {
    pub files: Vec<SongFile>,
    /// For a single song.
    pub title: Option<String>,
    /// For every song.
    pub artist: Option<String>,
    /// Where the [`SongReport`] is to be written.
    pub report_object_key: String,
}

/// An uploaded file: a song or an archive of songs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SongFile {
    pub object: StoredObject,
    /// As the client named it; not to be believed.
    pub file_name: Option<String>,
}

/// What became of every file of an import; a JSON document in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SongReport {
    /// In the order in which they were read.
    pub files: Vec<SongReportLine>,
    /// Files that are not in `files` because there were too many of them.
    #[serde(default)]
    pub unlisted: u64,
    /// What became of those.
    #[serde(default)]
    pub unlisted_counts: SongCounts,
}

/// How many files came to which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SongCounts {
    pub imported: u32,
    pub known: u32,
    pub refused: u32,
}

impl SongCounts {
    fn add(&mut self, outcome: &SongOutcome) {
        match outcome {
            SongOutcome::Imported { .. } => self.imported += 1,
            SongOutcome::Known { .. } => self.known += 1,
            SongOutcome::Refused { .. } => self.refused += 1,
        }
    }
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SongReportLine {
    /// Its name, with those of the archive and folders that it was in; not to be believed.
    pub file: String,
    #[serde(flatten)]
    pub outcome: SongOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SongOutcome {
    Imported {
        id: SongId,
        title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artist: Option<String>,
        /// Faults of the file that the reader mended.
        #[serde(default)]
        warnings: u32,
    },
    /// The same bytes are in the catalogue, under this name.
    Known {
        id: SongId,
        title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artist: Option<String>,
    },
    Refused {
        /// A word that a program can act on.
        code: String,
        /// What is wrong and what to do, as a sentence.
        why: String,
    },
}

impl SongReport {
    /// Adds a file; behind `most_lines` of them it is only counted.
    pub fn push(&mut self, line: SongReportLine, most_lines: usize) {
        if self.files.len() < most_lines {
            self.files.push(line);
        } else {
            self.unlisted += 1;
            self.unlisted_counts.add(&line.outcome);
        }
    }

    /// How many were imported, known and refused, listed or not.
    pub fn counts(&self) -> (u32, u32, u32) {
        let mut counts = self.unlisted_counts;
        self.files.iter().for_each(|line| counts.add(&line.outcome));
        (counts.imported, counts.known, counts.refused)
    }
}

impl From<SongImport> for v1::ImportSongs {
    fn from(import: SongImport) -> Self {
        let SongImport { files, title, artist, report_object_key } = import;
        Self {
            files: files.into_iter().map(Into::into).collect(),
            title: title.unwrap_or_default(),
            artist: artist.unwrap_or_default(),
            report_object_key,
        }
    }
}

impl TryFrom<v1::ImportSongs> for SongImport {
    type Error = ContractError;

    fn try_from(message: v1::ImportSongs) -> Result<Self, ContractError> {
        let v1::ImportSongs { files, title, artist, report_object_key } = message;
        Ok(Self {
            files: files.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            title: filled(title),
            artist: filled(artist),
            report_object_key: present("report_object_key", report_object_key)?,
        })
    }
}

impl From<SongFile> for v1::SongFile {
    fn from(file: SongFile) -> Self {
        let SongFile { object: StoredObject { object_key, sha256, size_bytes }, file_name } = file;
        Self { object_key, sha256, size_bytes, file_name: file_name.unwrap_or_default() }
    }
}

impl TryFrom<v1::SongFile> for SongFile {
    type Error = ContractError;

    fn try_from(message: v1::SongFile) -> Result<Self, ContractError> {
        let v1::SongFile { object_key, sha256, size_bytes, file_name } = message;
        let object_key = present("object_key", object_key)?;
        let object = StoredObject { object_key, sha256: digest("sha256", sha256)?, size_bytes };
        Ok(Self { object, file_name: filled(file_name) })
    }
}

impl v1::CorrectSong {
    /// To give a song this name.
    pub fn naming(song: SongId, name: &SongName) -> Self {
        let artist = name.artist().unwrap_or_default().to_owned();
        Self { song_id: song.to_string(), title: name.title().to_owned(), artist }
    }

    /// The name that the song is to have.
    pub fn name(&self) -> Result<SongName, ContractError> {
        SongName::new(&self.title, Some(&self.artist)).map_err(|_| ContractError::OutOfRange { field: "title" })
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_as_documented_and_read_back() {
        let id: SongId = "018f6b1e-7c2a-7000-8000-000000000004".parse().unwrap();
        let line = |file: &str, outcome| SongReportLine { file: file.to_owned(), outcome };
        let title = "Greensleeves".to_owned();
        let (code, why) = ("not_midi".to_owned(), "This is plain text.".to_owned());
        let report = SongReport {
            files: vec![
                line("a.mid", SongOutcome::Imported { id, title: title.clone(), artist: None, warnings: 2 }),
                line("b.mid", SongOutcome::Known { id, title, artist: Some("Traditional".to_owned()) }),
                line("c.txt", SongOutcome::Refused { code, why }),
            ],
            ..SongReport::default()
        };
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.starts_with(r#"{"files":[{"file":"a.mid","outcome":"imported","id":"018f6b1e-"#), "{text}");
        assert_eq!(serde_json::from_str::<SongReport>(&text).unwrap(), report);
        assert_eq!(report.counts(), (1, 1, 1));
        // As a storage service of before has it.
        let older: SongReport = serde_json::from_str(r#"{"files":[],"unlisted":3}"#).unwrap();
        assert_eq!((older.unlisted, older.counts()), (3, (0, 0, 0)));
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let mut report = SongReport::default();
        for file in ["a", "b", "c"] {
            let outcome = SongOutcome::Refused { code: "not_midi".to_owned(), why: String::new() };
            report.push(SongReportLine { file: file.to_owned(), outcome }, 2);
        }
        assert_eq!((report.files.len(), report.unlisted, report.counts()), (2, 1, (0, 0, 3)));
    }

    #[test]
    fn imports_travel() {
        let object = StoredObject { object_key: "uploads/1".to_owned(), sha256: "ab".repeat(32), size_bytes: 7 };
        let import = SongImport {
            files: vec![SongFile { object, file_name: Some("a.zip".to_owned()) }],
            title: None,
            artist: Some("Queen".to_owned()),
            report_object_key: "uploads/2".to_owned(),
        };
        let message = v1::ImportSongs::from(import.clone());
        assert_eq!(SongImport::try_from(message.clone()), Ok(import));
        let nowhere = v1::ImportSongs { report_object_key: String::new(), ..message };
        assert_eq!(SongImport::try_from(nowhere), Err(ContractError::Missing { field: "report_object_key" }));
    }
}
