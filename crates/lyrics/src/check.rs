//! Judging a text against the rules that our own lines keep; for words that come from elsewhere, such as a language
//! model. Nothing is believed of the text: it may be long, empty, or no words at all.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Language, scheme::STANZA, words};
use safety::{self, Severity};

/// More lines than this are not read.
pub const MOST_LINES: usize = 400;
/// More words than this of one line are not read.
pub const MOST_WORDS: usize = 48;

/// One thing wrong with a text. Lines count from 0; empty lines, headings such as `[Chorus]` and lines without letters
/// are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum LyricFinding {
    /// Nothing to sing.
    Empty,
    LineCount {
        expected: usize,
        found: usize,
    },
    /// Nobody knows how to sing the word: the dictionary does not list it, or its letters cannot be said.
    UnknownWord {
        line: usize,
        word: String,
    },
    /// No pronunciation of its words gives the line the wanted length. `found` counts the preferred ones.
    SyllableCount {
        line: usize,
        expected: usize,
        found: usize,
    },
    BlockedWord {
        line: usize,
    },
    /// The same line comes again less than a stanza later; a chorus that returns is no fault.
    RepeatedLine {
        line: usize,
        first: usize,
    },
    RepeatedWord {
        line: usize,
        word: String,
    },
    /// The line ends in an article, a pronoun, a preposition or the like.
    WeakEnd {
        line: usize,
        word: String,
    },
}

impl LyricFinding {
    /// Whether the line cannot be sung as it stands; the other findings are matters of style.
    pub const fn prevents_singing(&self) -> bool {
        matches!(self, Self::Empty | Self::UnknownWord { .. } | Self::SyllableCount { .. } | Self::BlockedWord { .. })
    }
}

/// Everything that is wrong with `text`, whose lines should have `syllable_counts` syllables. Empty when all is well.
pub fn check(text: &str, syllable_counts: &[usize], language: Language) -> Vec<LyricFinding> {
    let lines = lines_of(text);
    if lines.is_empty() {
        return vec![LyricFinding::Empty];
    }
    let mut findings = Vec::new();
    if lines.len() != syllable_counts.len() {
        findings.push(LyricFinding::LineCount { expected: syllable_counts.len(), found: lines.len() });
    }
    for (line, words) in lines.iter().enumerate() {
        findings.extend(line_findings(language, line, words, syllable_counts.get(line).copied()));
        let joined = words.join(" ").to_lowercase();
        let from = line.saturating_sub(STANZA - 1);
        let before = lines[from..line].iter().position(|earlier| earlier.join(" ").to_lowercase() == joined);
        findings.extend(before.map(|at| LyricFinding::RepeatedLine { line, first: from + at }));
    }
    findings
}

/// What is wrong with one line alone.
pub fn line_findings(language: Language, line: usize, words: &[String], expected: Option<usize>) -> Vec<LyricFinding> {
    let mut findings = Vec::new();
    let mut stems = HashSet::new();
    for word in words {
        if !language.knows(word) {
            findings.push(LyricFinding::UnknownWord { line, word: word.chars().take(32).collect() });
        }
        if !language.is_function_word(word) && !stems.insert(language.stem(word)) {
            findings.push(LyricFinding::RepeatedWord { line, word: word.clone() });
        }
    }
    if safety::built_in().screen(&words.join(" ")).iter().any(|found| found.severity == Severity::Block) {
        findings.push(LyricFinding::BlockedWord { line });
    }
    if let Some(last) = words.last().filter(|w| !language.may_end_a_line(w)) {
        findings.push(LyricFinding::WeakEnd { line, word: last.clone() });
    }
    if let Some(expected) = expected
        && let Some(natural) = language.realise(words, None)
        && language.realise(words, Some(expected)).is_none()
    {
        findings.push(LyricFinding::SyllableCount { line, expected, found: natural.len() });
    }
    findings
}

/// The lines of a text as words, without what writers put around them: headings, list marks, numbers, stage directions.
pub fn lines_of(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter(|line| !is_heading(line))
        .map(words_of_line)
        .filter(|words| !words.is_empty())
        .take(MOST_LINES)
        .collect()
}

/// The words of one line that are sung, at most [`MOST_WORDS`].
pub fn words_of_line(line: &str) -> Vec<String> {
    words::words(line).into_iter().filter(|word| word.chars().any(char::is_alphabetic)).take(MOST_WORDS).collect()
}

/// Whether a line names a part of the song instead of being sung.
pub fn is_heading(line: &str) -> bool {
    const NAMES: &[&str] = &[
        "verse",
        "chorus",
        "bridge",
        "intro",
        "outro",
        "hook",
        "refrain",
        "pre-chorus",
        "title",
        "estrofa",
        "estribillo",
        "coro",
        "puente",
        "verso",
        "título",
        "lyrics",
        "letra",
    ];
    let line = line.trim().trim_start_matches(['#', '*', '_', '-', '>', ' ']).trim_end_matches(['*', '_', ' ']);
    let bracketed = |open, close| line.starts_with(open) && line.ends_with(close);
    if bracketed('[', ']') || bracketed('(', ')') || bracketed('{', '}') || line.starts_with("```") {
        return true;
    }
    let (head, rest) = line.split_once(':').unwrap_or((line, ""));
    let mut words = head.split_whitespace();
    let names_a_part = words.next().is_some_and(|first| NAMES.contains(&first.to_lowercase().as_str()))
        && words.all(|word| word.len() <= 2 || word.chars().all(|c| c.is_ascii_digit()));
    // "Title: ..." is no line either; "Bridge of gold" is one.
    names_a_part && (rest.is_empty() || line.to_lowercase().starts_with(['t', 'l']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Language = Language::English;

    #[test]
    fn a_good_text_has_no_findings() {
        assert!(check("Silver moon above the harbor\n\nEvery river finds the sea", &[8, 7], EN).is_empty());
        // "fire" may be one syllable or two.
        assert!(check("hold the fire", &[3], EN).is_empty());
        assert!(check("hold the fire", &[4], EN).is_empty());
        let spanish = "La luna canta sobre el mar\nY yo te espero junto al fuego";
        assert_eq!(check(spanish, &[9, 9], Language::Spanish), []);
    }

    #[test]
    fn each_rule_has_its_finding() {
        assert_eq!(check(" \n!!\n", &[3], EN), [LyricFinding::Empty]);
        let findings = check("we sail zzxqy\nhold the moon of\nmoon and moonlight moon\nwe sail zzxqy", &[3, 4, 4], EN);
        let has = |f: &LyricFinding| findings.contains(f);
        assert!(has(&LyricFinding::LineCount { expected: 3, found: 4 }));
        assert!(has(&LyricFinding::UnknownWord { line: 0, word: "zzxqy".into() }));
        assert!(has(&LyricFinding::WeakEnd { line: 1, word: "of".into() }));
        assert!(has(&LyricFinding::SyllableCount { line: 2, expected: 4, found: 5 }));
        assert!(has(&LyricFinding::RepeatedWord { line: 2, word: "moon".into() }));
        assert!(has(&LyricFinding::RepeatedLine { line: 3, first: 0 }));
        let spanish = check("la luna de\nbcdfg", &[2, 2], Language::Spanish);
        assert!(spanish.contains(&LyricFinding::WeakEnd { line: 0, word: "de".into() }));
        assert!(spanish.contains(&LyricFinding::SyllableCount { line: 0, expected: 2, found: 4 }));
        assert!(spanish.contains(&LyricFinding::UnknownWord { line: 1, word: "bcdfg".into() }));
    }

    #[test]
    fn headings_and_marks_are_no_lines() {
        let text =
            "Title: My Song\n**[Verse 1]**\n1. Silver moon\n- rolling sea\n\nChorus:\n(guitar)\nBridge of gold\n```";
        let lines: Vec<String> = lines_of(text).iter().map(|l| l.join(" ")).collect();
        assert_eq!(lines, ["Silver moon", "rolling sea", "Bridge of gold"]);
    }
}
