//! A word check on prompts and lyrics: severity lists for each language, with the contexts in which a listed word means
//! no harm. Sees through letters that stand for others, accents, stretched and spaced-out spelling; matches whole words
//! only, so that innocent words that contain a listed one pass.
//!
//! Pure and linear in the length of the text. Findings never carry the words: they may be logged and shown.

mod gate;
mod normal;

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::LazyLock,
};

use serde::{Deserialize, Serialize, de::value::StrDeserializer};

pub use gate::{Refusal, WordGate};
use normal::Token;

/// How bad a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// May be meant well; our own lines avoid it.
    Warn,
    /// Never sung.
    Block,
}

/// What a word is listed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Slur,
    Hate,
    Sexual,
    Vulgar,
    Violence,
    SelfHarm,
    Drugs,
    /// Of a list that somebody added.
    Other,
}

/// One listed word or phrase found in a text. Says where and why, never what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetyFinding {
    pub severity: Severity,
    pub category: Category,
    /// BCP 47 of the list.
    pub language: String,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// Entries of one list, as a settings file gives them. Case, accents and spelling tricks do not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEntry {
    /// BCP 47.
    pub language: String,
    pub severity: Severity,
    pub category: Category,
    /// Words, or phrases of several words.
    pub terms: Vec<String>,
    /// Phrases in which the terms mean no harm.
    #[serde(default)]
    pub allowed_in: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Listed {
    severity: Severity,
    category: Category,
    language: String,
}

/// All lists together, ready to be searched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SafetyLists {
    words: BTreeMap<String, Listed>,
    /// By their first word.
    phrases: BTreeMap<String, Vec<(Vec<String>, Listed)>>,
    allowed: BTreeMap<String, Vec<Vec<String>>>,
}

static BUILT_IN: LazyLock<SafetyLists> = LazyLock::new(|| {
    let mut lists = SafetyLists::default();
    for (language, text) in [("en", include_str!("list_en.txt")), ("es", include_str!("list_es.txt"))] {
        for entry in parse(language, text) {
            lists.add(&entry);
        }
    }
    lists
});

/// The lists that are built in: moderate, for an audience of all ages.
pub fn built_in() -> &'static SafetyLists {
    &BUILT_IN
}

fn parse(language: &str, text: &str) -> Vec<ListEntry> {
    let turned = |c: char| match c {
        'a'..='z' => char::from(b'a' + (c as u8 - b'a' + 13) % 26),
        '_' => ' ',
        other => other,
    };
    let mut entries = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let (severity, category, terms, allowed_in) = match columns[..] {
            ["allow", phrase] => (Severity::Warn, Category::Other, Vec::new(), vec![phrase.to_owned()]),
            [severity, category, terms] => {
                let terms = terms.split(' ').map(|term| term.chars().map(turned).collect()).collect();
                let (severity, category) = (named(severity), named(category));
                (severity.unwrap_or(Severity::Warn), category.unwrap_or(Category::Other), terms, Vec::new())
            }
            _ => continue,
        };
        entries.push(ListEntry { language: language.to_owned(), severity, category, terms, allowed_in });
    }
    entries
}

/// The value of that name, spelled as a settings file spells it.
fn named<'de, T: Deserialize<'de>>(name: &'de str) -> Option<T> {
    T::deserialize(StrDeserializer::<serde::de::value::Error>::new(name)).ok()
}

impl SafetyLists {
    /// These lists with more entries; a term that was listed already takes the new severity.
    #[must_use]
    pub fn with(mut self, entries: &[ListEntry]) -> Self {
        for entry in entries {
            self.add(entry);
        }
        self
    }

    fn add(&mut self, entry: &ListEntry) {
        let listed = Listed { severity: entry.severity, category: entry.category, language: entry.language.clone() };
        for term in &entry.terms {
            let mut words = normal::words(term);
            match words.len() {
                0 => {}
                1 => {
                    self.words.insert(words.remove(0), listed.clone());
                }
                _ => self.phrases.entry(words[0].clone()).or_default().push((words, listed.clone())),
            }
        }
        for phrase in &entry.allowed_in {
            let words = normal::words(phrase);
            if let Some(first) = words.first() {
                self.allowed.entry(first.clone()).or_default().push(words);
            }
        }
    }

    /// Everything listed that the text contains, in the order of the text.
    pub fn screen(&self, text: &str) -> Vec<SafetyFinding> {
        let tokens = normal::tokens(text);
        let innocent = self.innocent(&tokens);
        let mut findings: Vec<SafetyFinding> = Vec::new();
        let mut found = |listed: &Listed, range: Range<usize>| {
            let Listed { severity, category, language } = listed.clone();
            findings.push(SafetyFinding { severity, category, language, range });
        };
        for (at, token) in tokens.iter().enumerate() {
            if innocent.contains(&at) {
                continue;
            }
            if let Some(listed) = self.listed(token) {
                found(listed, token.range.clone());
            }
            for (phrase, listed) in self.phrases.get(&token.plain).into_iter().flatten() {
                if stands_at(phrase, &tokens, at) {
                    found(listed, token.range.start..tokens[at + phrase.len() - 1].range.end);
                }
            }
        }
        for (word, range) in normal::spelled_out(&tokens) {
            if let Some(listed) = self.words_inside(&word) {
                found(listed, range);
            }
        }
        for (word, range) in normal::torn(&tokens) {
            if let Some(listed) = self.words.get(&word) {
                found(listed, range);
            }
        }
        findings.sort_by_key(|finding| (finding.range.start, finding.range.end));
        findings
    }

    /// The worst that a text contains.
    pub fn worst(&self, text: &str) -> Option<SafetyFinding> {
        self.screen(text).into_iter().max_by_key(|finding| finding.severity)
    }

    /// Tokens inside of allowed phrases.
    fn innocent(&self, tokens: &[Token]) -> HashSet<usize> {
        let mut innocent = HashSet::new();
        for (at, token) in tokens.iter().enumerate() {
            for phrase in self.allowed.get(&token.plain).into_iter().flatten() {
                if stands_at(phrase, tokens, at) {
                    innocent.extend(at..at + phrase.len());
                }
            }
        }
        innocent
    }

    fn listed(&self, token: &Token) -> Option<&Listed> {
        token.readings.iter().find_map(|reading| self.words.get(reading).or_else(|| self.inflected(reading)))
    }

    /// The entry that a word was inflected from.
    fn inflected(&self, word: &str) -> Option<&Listed> {
        if INNOCENT.contains(&word) {
            return None;
        }
        ["s", "es", "ed", "d", "er", "ers", "ing", "in", "ings"].iter().filter_map(|e| word.strip_suffix(e)).find_map(
            |stem| {
                let length = stem.chars().count();
                let undoubled = || {
                    let (last, rest) = (stem.chars().last()?, &stem[..stem.len() - stem.chars().last()?.len_utf8()]);
                    (length >= 4 && rest.ends_with(last)).then(|| self.words.get(rest)).flatten()
                };
                if length < 3 {
                    return None;
                }
                self.words.get(stem).or_else(|| self.words.get(&format!("{stem}e"))).or_else(undoubled)
            },
        )
    }

    /// A listed word of at least four letters inside of letters that were spelled out one by one.
    fn words_inside(&self, letters: &str) -> Option<&Listed> {
        const LONGEST: usize = 16;
        let letters: Vec<char> = letters.chars().collect();
        (0..letters.len()).find_map(|start| {
            (4..=LONGEST.min(letters.len() - start))
                .find_map(|length| self.words.get(&letters[start..start + length].iter().collect::<String>()))
        })
    }
}

fn stands_at(phrase: &[String], tokens: &[Token], at: usize) -> bool {
    tokens
        .get(at..at + phrase.len())
        .is_some_and(|here| here.iter().zip(phrase).all(|(token, word)| token.plain == *word))
}

/// Words that end like an inflected form of a listed one.
const INNOCENT: &[&str] = &[
    "spice", "spiced", "spices", "spicing", "spicer", "titer", "titers", "title", "cocked", "cocker", "cocking",
    "crackers", "cummings", "cumin", "homes", "homer", "passing", "passed", "assed", "dicker", "dickens", "dicken",
    "gypsum", "sexed", "sexes", "japes", "japed", "crapes",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(word: &str) -> String {
        word.chars()
            .map(|c| if c.is_ascii_lowercase() { char::from(b'a' + (c as u8 - b'a' + 13) % 26) } else { c })
            .collect()
    }

    fn severity(text: &str) -> Option<Severity> {
        built_in().worst(text).map(|f| f.severity)
    }

    #[test]
    fn innocent_words_and_phrases_pass() {
        for text in [
            "Scunthorpe cockatoo grape therapist assassin class passing grass cockpit shitake Dickens",
            "a bass line and a title, spices in the kitchen, raccoons on the roof",
            "kill the lights and dance",
            "a glass of Bloody Mary",
            "killing me softly",
            "the pussy willows bloom",
            "matar el tiempo junto al mar",
            "con el alma desnuda",
            "año nuevo, cumpleaños, computadora, disputa",
            "push it, I am a b c d e f g",
            "h e l l o world",
            "U S A",
            "4ever 2gether in 1999",
            "100% love!!! :-)",
            "",
            "analysis of Essex and Sussex",
            "mishit the ball",
        ] {
            assert_eq!(built_in().screen(text), [], "{text}");
        }
    }

    #[test]
    fn tricks_of_spelling_are_seen_through() {
        let word = turned("shpx");
        let letters: Vec<String> = word.chars().map(String::from).collect();
        let starred = format!("{}*{}", &word[..1], &word[2..]);
        let stretched = format!("{}uuuuu{}", &word[..1], &word[2..]);
        let stressed = word.replace('u', "ü");
        let wide: String = word.chars().filter_map(|c| char::from_u32(c as u32 - 0x21 + 0xff01)).collect();
        let bold: String = word.chars().filter_map(|c| char::from_u32(c as u32 - 0x61 + 0x1d41a)).collect();
        for text in [
            word.clone(),
            word.to_uppercase(),
            format!("{word}s"),
            format!("{word}ing"),
            letters.join(" "),
            letters.join("."),
            starred,
            stretched,
            stressed,
            wide,
            bold,
            letters.join("\u{200b}"),
            turned("fuvg").replace('i', "1"),
            turned("fuvg").replace('s', "$"),
            format!("{}-{}", &word[..2], &word[2..]),
        ] {
            let found = built_in().screen(&format!("oh {text} yes"));
            assert!(found.iter().any(|f| f.severity == Severity::Block), "{text}: {found:?}");
        }
    }

    #[test]
    fn findings_say_where_and_why_but_not_what() {
        let text = format!("a song that says {} twice", turned("qnza"));
        let found = built_in().screen(&text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].severity, found[0].category), (Severity::Warn, Category::Vulgar));
        assert_eq!(text[found[0].range.clone()], turned("qnza"));
        assert!(!format!("{found:?}").contains(&turned("qnza")));
        assert_eq!(severity(&format!("quiero {}", turned("zngnezr"))), Some(Severity::Block));
        assert_eq!(severity(&turned("xvyy lbhefrys")), Some(Severity::Block));
        assert_eq!(severity(&turned("xvyy gur qentba")), Some(Severity::Warn));
    }

    #[test]
    fn lists_can_be_added_to() {
        let entry = ListEntry {
            language: "en".into(),
            severity: Severity::Block,
            category: Category::Other,
            terms: vec!["Turnip".into(), "rival band".into()],
            allowed_in: vec!["turnip soup".into()],
        };
        let lists = built_in().clone().with(&[entry]);
        assert_eq!(lists.screen("T-u-r-n-i-p!").len(), 1);
        assert_eq!(lists.screen("the Rival  Bánd sings of turnips").len(), 2);
        assert!(lists.screen("hot turnip soup").is_empty());
        assert!(SafetyLists::default().screen("anything").is_empty());
    }
}
