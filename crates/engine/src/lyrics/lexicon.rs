//! The singable words, tagged by what they can do in a line and by what they bring to mind.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{dictionary, words};

static TEXT: &str = include_str!("lexicon.txt");

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
    /// What I, you and we do: "we rise".
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

/// A set of fields or moods.
pub type Tags = u32;

/// Semantic fields. `ANY` on a describing word means that it goes with everything.
pub const FIELDS: &[&str] = &[
    "any", "light", "sky", "water", "wind", "earth", "road", "city", "heart", "time", "music", "fire", "home", "night",
    "love", "dream", "winter", "summer",
];
pub const ANY: Tags = 1;

pub const MOODS: &[&str] = &["any", "bright", "tender", "calm", "dark", "fierce"];

/// The set named by a comma-separated list; unknown names give no tag.
pub fn tags(names: &str, of: &[&str]) -> Tags {
    names.split(',').filter_map(|name| of.iter().position(|known| *known == name.trim())).map(|bit| 1 << bit).sum()
}

/// One word in one class.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub text: String,
    pub class: Class,
    pub moods: Tags,
    pub fields: Tags,
    pub phones: dictionary::Phones,
    pub syllables: usize,
    /// See [`dictionary::rhyme_part`].
    pub rhyme: String,
    /// See [`words::stem`].
    pub stem: String,
    /// Stress of each syllable, 0–1.
    pub stress: Vec<f64>,
}

impl Entry {
    /// `None` when the word is not in the dictionary or is blocked.
    pub fn new(text: &str, class: Class, moods: Tags, fields: Tags) -> Option<Self> {
        if super::is_blocked(text) {
            return None;
        }
        let phones = dictionary::pronunciation(text)?;
        let stress = super::syllables::split_phones(&phones)
            .iter()
            .map(|syllable| words::syllable_stress(text, syllable))
            .collect::<Vec<_>>();
        Some(Self {
            text: text.to_owned(),
            class,
            moods,
            fields,
            syllables: stress.len(),
            rhyme: dictionary::rhyme_part(&phones),
            stem: words::stem(text),
            phones,
            stress,
        })
    }
}

static WORDS: LazyLock<Vec<Entry>> = LazyLock::new(|| parse(TEXT));

/// All words, in a fixed order.
pub fn all() -> &'static [Entry] {
    &WORDS
}

fn parse(text: &str) -> Vec<Entry> {
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
        entries.extend(Entry::new(word, class, moods, fields));
        if class == Class::Act {
            entries.extend(Entry::new(&ing_form(word), Class::Acting, moods, fields));
        }
    }
    entries
}

/// "dance" → "dancing", "run" → "running", "fly" → "flying".
pub fn ing_form(verb: &str) -> String {
    let bytes = verb.as_bytes();
    let vowel = |b: u8| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u');
    match bytes {
        [.., b'i', b'e'] => format!("{}ying", &verb[..verb.len() - 2]),
        [.., b, b'e'] if !vowel(*b) || *b == b'u' => format!("{}ing", &verb[..verb.len() - 1]),
        [.., a, b, c]
            if !vowel(*a) && vowel(*b) && !vowel(*c) && !matches!(c, b'w' | b'x' | b'y') && verb.len() <= 4 =>
        {
            format!("{verb}{}ing", *c as char)
        }
        _ => format!("{verb}ing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_list_is_in_the_dictionary_and_none_is_blocked() {
        for line in TEXT.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            assert_eq!(columns.len(), 4, "{line}");
            let class = Class::from_name(columns[0]).unwrap_or_else(|| panic!("class of {line}"));
            for name in columns[1].split(',').chain(columns[2].split(',')).filter(|n| *n != "-") {
                assert!(MOODS.contains(&name) || FIELDS.contains(&name), "tag {name:?} of {line}");
            }
            for word in columns[3].split_whitespace() {
                assert!(Entry::new(word, class, 0, 0).is_some(), "{word}");
                if class == Class::Act {
                    assert!(Entry::new(&ing_form(word), Class::Acting, 0, 0).is_some(), "{}", ing_form(word));
                }
            }
        }
        assert!(all().len() > 600, "{}", all().len());
    }

    #[test]
    fn builds_ing_forms() {
        for (verb, ing) in
            [("dance", "dancing"), ("run", "running"), ("fly", "flying"), ("sleep", "sleeping"), ("see", "seeing")]
        {
            assert_eq!(ing_form(verb), ing);
        }
    }
}
