//! Judging a text against the rules that our own lines keep; for words that come from elsewhere.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::{dictionary, is_blocked, words};

/// One thing wrong with a text. Lines count from 0, empty lines left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum LyricFinding {
    /// Nothing to sing.
    Empty,
    LineCount {
        expected: usize,
        found: usize,
    },
    /// The dictionary does not have the word, so nobody knows how to sing it.
    UnknownWord {
        line: usize,
        word: String,
    },
    /// No listed pronunciation of its words gives the line the wanted length. `found` counts the preferred ones.
    SyllableCount {
        line: usize,
        expected: usize,
        found: usize,
    },
    BlockedWord {
        line: usize,
    },
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

/// Everything that is wrong with `text`, whose lines should have `syllable_counts` syllables. Empty when all is well.
pub fn check(text: &str, syllable_counts: &[usize]) -> Vec<LyricFinding> {
    let lines: Vec<Vec<String>> = text.lines().map(words::words).filter(|w| !w.is_empty()).collect();
    if lines.is_empty() {
        return vec![LyricFinding::Empty];
    }
    let mut findings = Vec::new();
    if lines.len() != syllable_counts.len() {
        findings.push(LyricFinding::LineCount { expected: syllable_counts.len(), found: lines.len() });
    }
    let mut seen: Vec<String> = Vec::new();
    for (line, words) in lines.iter().enumerate() {
        check_words(line, words, &mut findings);
        if let Some(&expected) = syllable_counts.get(line) {
            findings.extend(check_length(line, words, expected));
        }
        let joined = words.join(" ").to_lowercase();
        if let Some(first) = seen.iter().position(|s| *s == joined) {
            findings.push(LyricFinding::RepeatedLine { line, first });
        }
        seen.push(joined);
    }
    findings
}

fn check_words(line: usize, words: &[String], findings: &mut Vec<LyricFinding>) {
    let mut stems = HashSet::new();
    for word in words {
        if !dictionary::contains(word) {
            findings.push(LyricFinding::UnknownWord { line, word: word.clone() });
        }
        if is_blocked(word) {
            findings.push(LyricFinding::BlockedWord { line });
        }
        if !words::is_function_word(word) && !stems.insert(words::stem(word)) {
            findings.push(LyricFinding::RepeatedWord { line, word: word.clone() });
        }
    }
    if let Some(last) = words.last().filter(|w| !words::may_end_a_line(w)) {
        findings.push(LyricFinding::WeakEnd { line, word: last.clone() });
    }
}

fn check_length(line: usize, words: &[String], expected: usize) -> Option<LyricFinding> {
    let mut possible = BTreeSet::from([0]);
    let mut found = 0;
    for word in words {
        let counts: Vec<usize> =
            dictionary::pronunciations(word).iter().map(|p| dictionary::syllable_count(p)).collect();
        let first = *counts.first()?;
        found += first;
        possible =
            possible.iter().flat_map(|sum| counts.iter().map(move |n| sum + n)).filter(|n| *n <= expected).collect();
    }
    (!possible.contains(&expected)).then_some(LyricFinding::SyllableCount { line, expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_text_has_no_findings() {
        assert!(check("Silver moon above the harbor\n\nEvery river finds the sea", &[8, 7]).is_empty());
        // "fire" may be one syllable or two.
        assert!(check("hold the fire", &[3]).is_empty());
        assert!(check("hold the fire", &[4]).is_empty());
    }

    #[test]
    fn each_rule_has_its_finding() {
        assert_eq!(check(" \n!!\n", &[3]), [LyricFinding::Empty]);
        let findings = check("we sail zzxqy\nhold the moon of\nmoon and moonlight moon\nwe sail zzxqy", &[3, 4, 4]);
        let has = |f: &LyricFinding| findings.contains(f);
        assert!(has(&LyricFinding::LineCount { expected: 3, found: 4 }));
        assert!(has(&LyricFinding::UnknownWord { line: 0, word: "zzxqy".into() }));
        assert!(has(&LyricFinding::WeakEnd { line: 1, word: "of".into() }));
        assert!(has(&LyricFinding::SyllableCount { line: 2, expected: 4, found: 5 }));
        assert!(has(&LyricFinding::RepeatedWord { line: 2, word: "moon".into() }));
        assert!(has(&LyricFinding::RepeatedLine { line: 3, first: 0 }));
    }
}
