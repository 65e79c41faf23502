//! The JSON of songs.

use chrono::{DateTime, Utc};
use contracts::{SongOutcome, SongReport, SongReportLine};
use domain::{InvalidField, SongFacts, SongPart};
use persistence::{Song, SongCursor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which songs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct SongQuery {
    /// What to look for, as people type: title and artist in any order, with typing errors. All songs by title when
    /// absent.
    pub q: Option<String>,
    /// 1 to 100; 20 when absent.
    pub limit: Option<u64>,
    /// `next` of the page before; not together with `q`.
    pub cursor: Option<String>,
}

/// A page of the catalogue, or what a search found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SongListBody {
    pub success: bool,
    /// By title; of a search, best first.
    pub songs: Vec<SongBody>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl SongListBody {
    /// Opaque to clients: the id and the compared title of the last song of a page.
    pub fn write_cursor(cursor: &SongCursor) -> String {
        hex::encode([cursor.id.uuid().as_bytes(), cursor.title_key.as_bytes()].concat())
    }

    /// # Errors
    /// For what is no cursor.
    pub fn read_cursor(text: &str) -> Result<SongCursor, InvalidField> {
        /// More than any title makes.
        const MAX_CHARS: usize = 4096;
        let read = || {
            let bytes = hex::decode(Some(text).filter(|text| text.len() <= MAX_CHARS)?).ok()?;
            let (id, title) = bytes.split_at_checked(16)?;
            let title_key = String::from_utf8(title.to_vec()).ok().filter(|title| !title.contains('\0'))?;
            Some(SongCursor { title_key, id: hex::encode(id).parse().ok()? })
        };
        read().ok_or_else(|| InvalidField {
            field: "cursor",
            detail: "expected `next` of an earlier answer; leave it out to begin at the first title".to_owned(),
        })
    }
}

/// A song of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SongBody {
    pub id: String,
    pub title: String,
    pub artist: Option<String>,
    /// How well it answers the search: above 0, at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    pub bars: u32,
    pub seconds: f64,
    /// Such as `C minor`; null without pitched notes.
    pub key: Option<String>,
    /// Quarters per minute.
    pub tempo_bpm: f64,
    /// Such as `4/4`.
    pub meter: String,
    pub notes: u64,
    pub parts: Vec<SongPartBody>,
    pub has_lyrics: bool,
    /// Faults of the file that the reader mended.
    pub warnings: u32,
    pub size_bytes: u64,
    /// Of the file.
    pub sha256: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A part that plays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SongPartBody {
    /// Name of its track; may be empty.
    pub name: String,
    /// melody, counter_melody, chords, bass, drums, pad or effects.
    pub role: String,
    /// General MIDI program, 0 to 127.
    pub program: u8,
    pub notes: u32,
}

impl SongBody {
    pub fn of(song: Song, score: Option<f64>) -> Self {
        let Song { id, title, artist, sha256, object_key: _, bytes, facts, created_at, updated_at } = song;
        let SongFacts { bars, seconds, key, tempo_bpm, meter, notes, parts, has_lyrics, warnings } = facts;
        let part = |SongPart { name, role, program, notes }| SongPartBody { name, role, program, notes };
        Self {
            id: id.to_string(),
            title,
            artist,
            score,
            bars,
            seconds,
            key,
            tempo_bpm,
            meter,
            notes,
            parts: parts.into_iter().map(part).collect(),
            has_lyrics,
            warnings,
            size_bytes: bytes,
            sha256,
            created_at,
            updated_at,
        }
    }
}

/// One song.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneSongBody {
    pub success: bool,
    pub song: SongBody,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SongCorrection {
    pub title: Option<String>,
    /// Null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub artist: Option<Option<String>>,
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// The song is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct SongRemovedBody {
    pub success: bool,
    pub id: String,
}

/// The form of an import.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes a form that is read part by part")]
pub struct SongImportForm {
    /// MIDI files (.mid, .midi, .kar, .rmi) or archives of them (.zip, .tar, .tar.gz); up to 200 parts of this name, 64 MB
    /// in all.
    #[schema(value_type = Vec<String>, format = Binary)]
    pub file: Vec<u8>,
    /// What the song is called; for a single MIDI file only.
    pub title: Option<String>,
    /// By whom all of them are.
    pub artist: Option<String>,
}

/// What became of every file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SongImportBody {
    pub success: bool,
    pub imported: u32,
    /// Were there already.
    pub known: u32,
    pub refused: u32,
    pub files: Vec<SongFileBody>,
    /// Files that are not listed because there were too many.
    pub unlisted: u64,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SongFileBody {
    /// Its name, with those of the archive and folders that it was in.
    pub file: String,
    /// imported, known or refused.
    pub outcome: &'static str,
    /// The song's.
    pub id: Option<String>,
    pub title: Option<String>,
    pub artist: Option<String>,
    /// A word that a program can act on; of refused files.
    pub code: Option<String>,
    /// What is wrong and what to do; of refused files.
    pub why: Option<String>,
}

impl SongImportBody {
    pub fn of(report: SongReport) -> Self {
        let (imported, known, refused) = report.counts();
        let SongReport { files, unlisted, unlisted_counts: _ } = report;
        let files = files.into_iter().map(SongFileBody::of).collect();
        Self { success: true, imported, known, refused, files, unlisted }
    }
}

impl SongFileBody {
    pub fn of(line: SongReportLine) -> Self {
        let SongReportLine { file, outcome } = line;
        let song = |outcome, id: domain::SongId, title, artist| Self {
            file: file.clone(),
            outcome,
            id: Some(id.to_string()),
            title: Some(title),
            artist,
            code: None,
            why: None,
        };
        match outcome {
            SongOutcome::Imported { id, title, artist, warnings: _ } => song("imported", id, title, artist),
            SongOutcome::Known { id, title, artist } => song("known", id, title, artist),
            SongOutcome::Refused { code, why } => {
                Self { file, outcome: "refused", id: None, title: None, artist: None, code: Some(code), why: Some(why) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = SongCursor {
            title_key: "東 京 night".to_owned(),
            id: "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap(),
        };
        assert_eq!(SongListBody::read_cursor(&SongListBody::write_cursor(&cursor)).unwrap(), cursor);
        for other in ["", "zz", "00", &"ff".repeat(17), &"00".repeat(17), &"ab".repeat(5_000)] {
            assert!(SongListBody::read_cursor(other).is_err(), "{other}");
        }
    }
}
