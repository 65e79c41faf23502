//! Lyrics that fit a melody: as many syllables as there are notes, stress on the strong notes, rhymes, words from the
//! prompt; and the placing and checking of words that somebody else wrote.
//!
//! Every word is one whose sound is known: listed in the pronouncing dictionary (English) or spelled by rule (Spanish). The same melody, request and seed give the same words. Never calls out,
//! never writes a word of the safety lists.

mod check;
mod compose;
mod english;
mod error;
mod figures;
mod fit;
mod goals;
mod language;
mod lexicon;
mod places;
mod plan;
mod repair;
mod scheme;
mod score;
mod sections;
mod spanish;
mod stress;
mod templates;
mod theme;
mod title;
mod word;
mod words;
mod writer;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use check::{LyricFinding, check};
pub use compose::write_lyrics;
pub use english::dictionary;
pub use error::LyricsError;
pub use figures::{LyricsFit, lyrics_figures, lyrics_fit};
pub use fit::{fit, fit_in};
pub use goals::{LyricsGoal, LyricsGoals, MissedGoal, weakest_line};
pub use language::Language;
pub use places::{Beat, LinePlace, LineVerdict, align_lines, line_places};
pub use repair::{LineFate, Repaired, RepairedLine, fit_lyrics, repair};
pub use sections::{Section, SectionKind};
pub use words::words as words_of;

/// What the words should be about and how they should feel. Debug shows the lengths of texts, which are private.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LyricsRequest {
    pub prompt: String,
    pub genre: Option<String>,
    pub mood: Option<String>,
    pub seed: u64,
    /// BCP 47; see [`Language`]. English when absent.
    #[serde(default = "english_tag")]
    pub language: String,
}

impl Default for LyricsRequest {
    fn default() -> Self {
        Self { prompt: String::new(), genre: None, mood: None, seed: 0, language: english_tag() }
    }
}

impl fmt::Debug for LyricsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prompt, genre, mood, seed, language } = self;
        let chars = |text: &String| text.chars().count();
        f.debug_struct("LyricsRequest")
            .field("prompt_chars", &chars(prompt))
            .field("genre_chars", &genre.as_ref().map(chars))
            .field("mood_chars", &mood.as_ref().map(chars))
            .field("seed", seed)
            .field("language", language)
            .finish()
    }
}

/// Whether a word is on one of the built-in lists, however mild: our own lines never have it.
pub(crate) fn is_avoided(word: &str) -> bool {
    !safety::built_in().screen(word).is_empty()
}

/// Stems of the prompt's words that a song should contain, each with the fewest syllables that it can be sung in.
pub(crate) fn prompt_words(language: Language, request: &LyricsRequest) -> Vec<(String, usize)> {
    let shortest = |keyword: &theme::Keyword| keyword.entries.iter().map(|entry| entry.syllables).min();
    let keywords = theme::Theme::of(language, request).keywords;
    keywords
        .into_iter()
        .filter_map(|keyword| Some((shortest(&keyword)?, keyword.stem)))
        .map(|(n, stem)| (stem, n))
        .collect()
}

fn english_tag() -> String {
    Language::English.tag().into()
}

/// A song text, placed on the notes of one melody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lyrics {
    pub title: String,
    /// In the order in which they are sung.
    pub lines: Vec<LyricLine>,
    /// BCP 47.
    pub language: String,
}

/// One written line. A long phrase may carry several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LyricLine {
    /// Index into the phrases of the melody.
    pub phrase: usize,
    #[serde(default)]
    pub section: Section,
    pub text: String,
    pub syllables: Vec<Syllable>,
}

/// One sung syllable. Syllables stand in the order of their notes. Several on one note share its time; a note of the
/// phrase that has none continues the vowel before it.
///
/// Where vowels meet between two Spanish words one syllable has both, with an undertie between their letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syllable {
    /// A piece of the spelling; may be empty where spelling has fewer pieces than the sound.
    pub text: String,
    /// Which word of the line, from 0; the last one of a joined syllable.
    pub word_index: usize,
    /// ARPAbet, vowels with their stress digit.
    pub phones: Vec<String>,
    /// Index into the notes of the melody.
    pub note: usize,
}

impl Lyrics {
    /// The lines, each ended by a line feed.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect()
    }

    /// The parts of the song in order, each with the lines that belong to it.
    pub fn sections(&self) -> Vec<(Section, &[LyricLine])> {
        self.lines.chunk_by(|a, b| a.section == b.section).map(|lines| (lines[0].section, lines)).collect()
    }

    /// The lines under the names of their parts, a blank line between parts. A song of one part has no names.
    pub fn text_with_sections(&self) -> String {
        let language = Language::of(&self.language).unwrap_or(Language::English);
        let sections = self.sections();
        let part = |(section, lines): &(Section, &[LyricLine])| {
            let heading = if sections.len() > 1 { format!("[{}]\n", section.label(language)) } else { String::new() };
            let lines: String = lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
            heading + &lines
        };
        sections.iter().map(part).collect::<Vec<_>>().join("\n")
    }

    pub fn syllable_count(&self) -> usize {
        self.lines.iter().map(|line| line.syllables.len()).sum()
    }
}
