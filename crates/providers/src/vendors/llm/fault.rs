//! What is wrong with a line that a model wrote for a place.

use std::fmt;

use lyrics::{Language, LinePlace, LineVerdict, LyricFinding};

/// Longest line that is read, in characters.
const MOST_CHARS: usize = 160;
/// With fewer neighbours to compare, stress against the notes is chance.
const FEWEST_PAIRS: usize = 2;

/// Why a line is asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was written for the place.
    Missing,
    /// It has other signs than words and their punctuation.
    Signs,
    TooLong,
    UnknownWord(String),
    Blocked,
    Syllables {
        found: usize,
    },
    /// An earlier line, by its number.
    Same(usize),
    /// Its stressed syllables fall on weak notes.
    Stress,
}

impl Fault {
    /// Whether the engine may make something of the line as it stands.
    pub const fn may_be_mended(&self) -> bool {
        matches!(self, Self::Syllables { .. } | Self::Stress)
    }

    /// Of what kind it is, in words without a word of the line.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Signs => "with other signs than words",
            Self::TooLong => "too long to be lines",
            Self::UnknownWord(_) => "with words that nobody knows how to sing",
            Self::Blocked => "with words that are not sung here",
            Self::Syllables { .. } => "with another number of syllables",
            Self::Same(_) => "the same as others",
            Self::Stress => "with their stress against the melody",
        }
    }
}

/// As the model is told. Stands behind a number of syllables, and names no other in that word.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Signs => f.write_str("had digits, brackets or other signs that are not sung"),
            Self::TooLong => f.write_str("was far too long"),
            Self::UnknownWord(word) => write!(f, "had the word \"{word}\", which is in no dictionary"),
            Self::Blocked => f.write_str("had a word that is not sung here"),
            Self::Syllables { found } => write!(f, "had {found} instead"),
            Self::Same(line) => write!(f, "was the same as line {line}"),
            Self::Stress => f.write_str("had unstressed words on strong notes"),
        }
    }
}

/// What a line comes to on its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub fault: Option<Fault>,
    pub stress_in_order: usize,
    pub stress_pairs: usize,
}

/// The words of a line as it was written, without the number or the label in front of them that models like to put.
pub fn bare(line: &str) -> &str {
    let line = line.trim();
    let rest = line.strip_prefix("Line ").or_else(|| line.strip_prefix("line ")).unwrap_or(line);
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = behind.len() < rest.len() && behind.starts_with(['.', ':', ')']);
    if is_numbered { behind[1..].trim_start() } else { line }
}

/// Holds a line against its place.
pub fn judged(place: &LinePlace, language: Language, line: &str) -> Judged {
    let unread = |fault| Judged { fault: Some(fault), stress_in_order: 0, stress_pairs: 0 };
    if line.trim().is_empty() {
        return unread(Fault::Missing);
    }
    if line.chars().count() > MOST_CHARS {
        return unread(Fault::TooLong);
    }
    if !line.chars().all(is_sung_or_read) {
        return unread(Fault::Signs);
    }
    let LineVerdict { findings, stress_pairs, stress_in_order } = place.judge(language, line);
    let found = findings.into_iter().find_map(|finding| match finding {
        LyricFinding::Empty => Some(Fault::Missing),
        LyricFinding::UnknownWord { word, .. } => Some(Fault::UnknownWord(word)),
        LyricFinding::BlockedWord { .. } => Some(Fault::Blocked),
        LyricFinding::SyllableCount { found, .. } => Some(Fault::Syllables { found }),
        LyricFinding::LineCount { .. }
        | LyricFinding::RepeatedLine { .. }
        | LyricFinding::RepeatedWord { .. }
        | LyricFinding::WeakEnd { .. } => None,
    });
    let is_against = stress_pairs >= FEWEST_PAIRS && 2 * stress_in_order < stress_pairs;
    Judged { fault: found.or(is_against.then_some(Fault::Stress)), stress_in_order, stress_pairs }
}

/// Letters and the punctuation of a sentence. No colon: it ends labels.
fn is_sung_or_read(c: char) -> bool {
    c.is_alphabetic() || " '\u{2019}\u{2018}\u{201c}\u{201d}\",.;!?¡¿…«»-–—".contains(c)
}

#[cfg(test)]
mod tests {
    use lyrics::{LyricsRequest, line_places};
    use music::{Melody, MidiPitch, Note, Phrase};

    use super::*;

    /// One place of five syllables: light, strong, light, strong, strong.
    fn place() -> LinePlace {
        let note = |(at, duration_seconds): (usize, f64)| Note {
            onset_seconds: at as f64,
            duration_seconds,
            pitch: MidiPitch::new(60),
            cents: 0.0,
            velocity: 80,
        };
        let notes: Vec<Note> = [0.3, 0.6, 0.3, 0.6, 0.6].into_iter().enumerate().map(note).collect();
        let twice = notes.iter().chain(&notes).copied().collect();
        let phrases = vec![Phrase { start: 0, end: 5 }, Phrase { start: 5, end: 10 }];
        let melody = Melody { notes: twice, phrases, ..Melody::default() };
        line_places(&melody, &LyricsRequest::default()).unwrap().remove(0)
    }

    #[test]
    fn every_fault_has_its_line() {
        let place = place();
        let check = |line: &str, fault: Option<Fault>| {
            assert_eq!(judged(&place, Language::English, line).fault, fault, "{line:?}");
        };
        check("The river runs down slow", Some(Fault::Syllables { found: 6 }));
        check("The moon will shine bright", None);
        check("The moon, \u{201c}will\u{201d} shine - bright!", None);
        check(" ", Some(Fault::Missing));
        check("...", Some(Fault::Missing));
        check("The moon will shine\0 bright", Some(Fault::Signs));
        check("**The moon** will shine bright", Some(Fault::Signs));
        check("(softly) the moon shines", Some(Fault::Signs));
        check("The 3 moons will shine bright", Some(Fault::Signs));
        check("The zzxqy will shine bright", Some(Fault::UnknownWord("zzxqy".to_owned())));
        check(&"la ".repeat(60), Some(Fault::TooLong));
        check("Hold the river moon", Some(Fault::Stress));
    }

    #[test]
    fn numbers_in_front_are_no_words() {
        for line in ["3. Silver moon", "Line 3: Silver moon", " 3) Silver moon", "Silver moon"] {
            assert_eq!(bare(line), "Silver moon");
        }
        assert_eq!(bare("3 moons"), "3 moons");
        assert_eq!(bare("Line of gold"), "Line of gold");
    }
}
