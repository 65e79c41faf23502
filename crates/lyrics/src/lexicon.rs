//! The singable words of each language, tagged by what they can do in a line and by what they bring to mind.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use super::{Language, english};

pub(super) static ENGLISH: &str = include_str!("data/lexicon_en.txt");
static SPANISH: &str = include_str!("data/lexicon_es.txt");

/// What a word can be in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Noun,
    Plural,
    Mass,
    /// A noun that one can be in, or come through.
    Place,
    /// A person or place with a name of its own; needs no article.
    Name,
    Adjective,
    /// Third person singular, intransitive: "the river rolls".
    Does,
    /// Plural, intransitive: "the rivers roll".
    Do,
    /// What I, you and we do: "we rise". In Spanish the infinitive.
    Act,
    /// "rising".
    Acting,
    /// Transitive: "hold the light".
    Hold,
    Adverb,
    /// Adverbs of time that close almost any line.
    When,
    Preposition,
    Vocative,
    /// What somebody is: "we are free".
    State,
}

impl Class {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "noun" => Self::Noun,
            "plural" => Self::Plural,
            "mass" => Self::Mass,
            "place" => Self::Place,
            "name" => Self::Name,
            "adj" => Self::Adjective,
            "does" => Self::Does,
            "do" => Self::Do,
            "act" => Self::Act,
            "act+ing" => Self::Acting,
            "hold" => Self::Hold,
            "adv" => Self::Adverb,
            "when" => Self::When,
            "prep" => Self::Preposition,
            "vocative" => Self::Vocative,
            "state" => Self::State,
            _ => return None,
        })
    }

    pub fn is_noun(self) -> bool {
        matches!(self, Self::Noun | Self::Plural | Self::Mass | Self::Place | Self::Name)
    }
}

/// Of a noun, where the language has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gender {
    #[default]
    None,
    Masculine,
    Feminine,
}

/// A set of fields or moods.
pub type Tags = u32;

/// Semantic fields. `ANY` on a describing word means that it goes with everything.
pub const FIELDS: &[&str] = &[
    "any",
    "light",
    "sky",
    "water",
    "wind",
    "earth",
    "road",
    "city",
    "heart",
    "time",
    "music",
    "fire",
    "home",
    "night",
    "love",
    "dream",
    "winter",
    "summer",
    "sleep",
    "stage",
    "christmas",
    "people",
    "animal",
    "plant",
    "thing",
];
pub const ANY: Tags = 1;

pub const MOODS: &[&str] = &["any", "bright", "tender", "calm", "dark", "fierce"];

/// The set named by a comma-separated list; unknown names give no tag.
pub fn tags(names: &str, of: &[&str]) -> Tags {
    names
        .split(',')
        .filter_map(|name| of.iter().position(|known| *known == name.trim()))
        .fold(0, |all, bit| all | 1 << bit)
}

/// One word in one class.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub text: String,
    pub class: Class,
    pub gender: Gender,
    pub moods: Tags,
    pub fields: Tags,
    pub phones: Vec<String>,
    pub syllables: usize,
    /// See [`Language::rhyme`].
    pub rhyme: String,
    /// See [`Language::near_rhyme`].
    pub near_rhyme: String,
    /// See [`Language::stem`].
    pub stem: String,
}

impl Entry {
    /// `None` when nobody knows how the word sounds, or when it is blocked. In Spanish `word/f` and `word/m` give the
    /// gender where the ending misleads.
    pub fn new(language: Language, text: &str, class: Class, moods: Tags, fields: Tags) -> Option<Self> {
        let (text, mark) = text.split_once('/').unwrap_or((text, ""));
        if super::is_avoided(text) {
            return None;
        }
        let syllables = language.realise(&[text.to_owned()], None)?;
        Some(Self {
            text: text.to_owned(),
            class,
            gender: if language == Language::Spanish { gender(text, mark) } else { Gender::None },
            moods,
            fields,
            syllables: syllables.len(),
            rhyme: language.rhyme(text)?,
            near_rhyme: language.near_rhyme(text)?,
            stem: language.stem(text),
            phones: syllables.into_iter().flat_map(|s| s.phones).collect(),
        })
    }
}

fn gender(text: &str, mark: &str) -> Gender {
    let feminine = ["a", "as", "ción", "sión", "dad", "tad", "tud", "ciones", "dades", "ez", "umbre"];
    match mark {
        "f" => Gender::Feminine,
        "m" => Gender::Masculine,
        _ if feminine.iter().any(|ending| text.ends_with(ending)) => Gender::Feminine,
        _ => Gender::Masculine,
    }
}

/// One word of a line in the making: as the pattern or the lexicon has it, before words take their forms.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'a> {
    pub text: &'a str,
    /// `None` for the pattern's own words.
    pub entry: Option<&'a Entry>,
}

/// The words of one language.
pub struct Lexicon {
    entries: Vec<Entry>,
    by_length: HashMap<(Class, usize), Vec<usize>>,
}

static LEXICONS: LazyLock<[Lexicon; 2]> =
    LazyLock::new(|| [Lexicon::new(Language::English, ENGLISH), Lexicon::new(Language::Spanish, SPANISH)]);

/// All words of a language, in a fixed order.
pub fn of(language: Language) -> &'static Lexicon {
    match language {
        Language::English => &LEXICONS[0],
        Language::Spanish => &LEXICONS[1],
    }
}

impl Lexicon {
    fn new(language: Language, text: &str) -> Self {
        let entries = parse(language, text);
        let mut by_length: HashMap<(Class, usize), Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            by_length.entry((entry.class, entry.syllables)).or_default().push(index);
        }
        Self { entries, by_length }
    }

    pub fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// Words of a class with so many syllables.
    pub fn sized(&self, class: Class, syllables: usize) -> impl Iterator<Item = &Entry> {
        self.by_length.get(&(class, syllables)).into_iter().flatten().map(|&index| &self.entries[index])
    }
}

fn parse(language: Language, text: &str) -> Vec<Entry> {
    let mut merged: BTreeMap<(Class, &str), (Tags, Tags)> = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [class, moods, fields, list] = columns[..] else { continue };
        let Some(class) = Class::from_name(class) else { continue };
        for word in list.split_whitespace() {
            let entry = merged.entry((class, word)).or_default();
            entry.0 |= tags(moods, MOODS);
            entry.1 |= tags(fields, FIELDS);
        }
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(merged.len() * 5 / 4);
    for ((class, word), (moods, fields)) in merged {
        entries.extend(Entry::new(language, word, class, moods, fields));
        if class == Class::Act && language == Language::English {
            entries.extend(Entry::new(language, &english::ing_form(word), Class::Acting, moods, fields));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_lists_can_be_sung_and_none_is_blocked() {
        for (language, text) in [(Language::English, ENGLISH), (Language::Spanish, SPANISH)] {
            for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
                let columns: Vec<&str> = line.split('|').map(str::trim).collect();
                assert_eq!(columns.len(), 4, "{line}");
                let class = Class::from_name(columns[0]).unwrap_or_else(|| panic!("class of {line}"));
                for name in columns[1].split(',').chain(columns[2].split(',')).filter(|n| *n != "-") {
                    assert!(MOODS.contains(&name) || FIELDS.contains(&name), "tag {name:?} of {line}");
                }
                for word in columns[3].split_whitespace() {
                    assert!(Entry::new(language, word, class, 0, 0).is_some(), "{word}");
                }
            }
            assert!(of(language).all().len() > 400, "{language:?} {}", of(language).all().len());
        }
    }
}
