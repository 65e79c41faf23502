//! Songs of the catalogue: what they are called, and what is known of their music.

use serde::{Deserialize, Serialize};

use crate::{InvalidField, field::filled, text::is_seen};

/// Largest file, or all files together, of one import over HTTP: an archive of some thousand songs.
pub const MAX_IMPORT_BYTES: u64 = 64 * 1024 * 1024;
/// Files of one import over HTTP; an archive is one.
pub const MAX_IMPORT_FILES: u32 = 200;
/// All lists of names of one import over HTTP together, and how many there may be.
pub const MAX_LISTS_BYTES: u64 = 8 * 1024 * 1024;
pub const MAX_LISTS: usize = 64;

/// Characters of an id.
const ID_CHARS: usize = 36;

/// What a song is called. Blanks are single, nothing is a control character, and each is at most
/// [`SongName::MAX_CHARS`] long.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
pub struct SongName {
    title: String,
    artist: Option<String>,
}

impl SongName {
    /// Characters of a title or an artist's name.
    pub const MAX_CHARS: usize = 200;
    /// Characters of a song's name as it is offered: title, artist, and an id in brackets.
    pub const MAX_OFFERED_CHARS: usize = 2 * Self::MAX_CHARS + " - ".len() + " ()".len() + ID_CHARS;

    /// Checks a title and an artist that a person gave. A blank artist is none.
    ///
    /// # Errors
    /// `title` when it is missing, `title` or `artist` when it is too long.
    pub fn new(title: &str, artist: Option<&str>) -> Result<Self, InvalidField> {
        let title = tidy(title);
        if title.is_empty() {
            let detail = "a song needs a title of at least one visible character".to_owned();
            return Err(InvalidField { field: "title", detail });
        }
        let artist = filled(artist).map(tidy).filter(|artist| !artist.is_empty());
        for (field, text) in [("title", Some(&title)), ("artist", artist.as_ref())] {
            let chars = text.map_or(0, |text| text.chars().count());
            if chars > Self::MAX_CHARS {
                let detail = format!("{chars} characters are too many; at most {} are kept", Self::MAX_CHARS);
                return Err(InvalidField { field, detail });
            }
        }
        Ok(Self { title, artist })
    }

    /// The same for names that nobody chose (of files, or from inside them): cuts what is too long. `None` without a
    /// title.
    pub fn found(title: &str, artist: Option<&str>) -> Option<Self> {
        let cut = |text: &str| tidy(&tidy(text).chars().take(Self::MAX_CHARS).collect::<String>());
        Self::new(&cut(title), artist.map(cut).as_deref()).ok()
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    pub fn artist(&self) -> Option<&str> {
        self.artist.as_deref()
    }
}

/// `Title - Artist`, or the title alone.
impl std::fmt::Display for SongName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)?;
        self.artist.as_ref().map_or(Ok(()), |artist| write!(f, " - {artist}"))
    }
}

/// Words with single blanks between them; empty without a visible character.
fn tidy(text: &str) -> String {
    if !text.chars().any(is_seen) {
        return String::new();
    }
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the analysis at import found, for lists and choices. Stored as JSON; fields of later versions are ignored.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SongFacts {
    pub bars: u32,
    /// From its start to the end of the last note.
    pub seconds: f64,
    /// As it is displayed: `C minor`. `None` without pitched notes.
    pub key: Option<String>,
    /// Quarters per minute, the median over the song.
    pub tempo_bpm: f64,
    /// Meter of most bars: `4/4`.
    pub meter: String,
    pub notes: u64,
    /// The parts that play, in the order of the file; at most [`SongFacts::MAX_PARTS`].
    pub parts: Vec<SongPart>,
    /// Whether it has words.
    pub has_lyrics: bool,
    /// Faults of the file that the reader mended.
    pub warnings: u32,
}

impl SongFacts {
    /// Parts that are listed.
    pub const MAX_PARTS: usize = 64;
}

/// A part of a song.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SongPart {
    /// Name of its track; may be empty.
    pub name: String,
    /// `melody`, `counter_melody`, `chords`, `bass`, `drums`, `pad` or `effects`.
    pub role: String,
    /// General MIDI program, 0 to 127; of no meaning for drums.
    pub program: u8,
    pub notes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied_and_bounded() {
        let name = SongName::new(" Bohemian\t\u{0}Rhapsody \n", Some("  Queen ")).unwrap();
        assert_eq!((name.title(), name.artist()), ("Bohemian Rhapsody", Some("Queen")));
        assert_eq!(name.to_string(), "Bohemian Rhapsody - Queen");
        assert_eq!(SongName::new("x", Some(" \u{200b} ")).unwrap().artist(), None);
        assert_eq!(SongName::new(" \u{200b}", None).unwrap_err().field, "title");
        let edge = "ä".repeat(SongName::MAX_CHARS);
        assert!(SongName::new(&edge, Some(&edge)).is_ok());
        let over = "ä".repeat(SongName::MAX_CHARS + 1);
        assert_eq!(SongName::new(&over, None).unwrap_err().field, "title");
        assert_eq!(SongName::new("x", Some(&over)).unwrap_err().field, "artist");
        assert_eq!(SongName::found(&over, Some(&over)).unwrap().title(), edge);
        assert_eq!(SongName::found("\n", Some("Queen")), None);
    }

    #[test]
    fn facts_of_other_versions_are_read() {
        let facts: SongFacts = serde_json::from_str(r#"{"bars": 4, "mood": "calm"}"#).unwrap();
        assert_eq!((facts.bars, facts.parts.len()), (4, 0));
    }
}
