//! The singable words of each language, tagged by what they can do in a line and by what they bring to mind.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use super::{
    Language, english, spanish,
    word::{Class, Entry, FIELDS, Gender, MOODS, Tags, tags},
};

/// The words of one language.
pub struct Lexicon {
    entries: Vec<Entry>,
    by_length: HashMap<(Class, usize), Vec<usize>>,
}

static LEXICONS: LazyLock<[Lexicon; 2]> = LazyLock::new(|| {
    [Lexicon::new(Language::English, english::LEXICON), Lexicon::new(Language::Spanish, spanish::LEXICON)]
});

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

/// `None` when nobody knows how the word sounds, or when it is blocked. In Spanish `word/f` and `word/m` give the
/// gender where the ending misleads.
pub fn entry(language: Language, text: &str, class: Class, moods: Tags, fields: Tags) -> Option<Entry> {
    let (text, mark) = text.split_once('/').unwrap_or((text, ""));
    if super::is_avoided(text) {
        return None;
    }
    let syllables = language.realise(&[text.to_owned()], None)?;
    Some(Entry {
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

fn gender(text: &str, mark: &str) -> Gender {
    let feminine = ["a", "as", "ción", "sión", "dad", "tad", "tud", "ciones", "dades", "ez", "umbre"];
    match mark {
        "f" => Gender::Feminine,
        "m" => Gender::Masculine,
        _ if feminine.iter().any(|ending| text.ends_with(ending)) => Gender::Feminine,
        _ => Gender::Masculine,
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
        entries.extend(entry(language, word, class, moods, fields));
        if class == Class::Act && language == Language::English {
            entries.extend(entry(language, &english::ing_form(word), Class::Acting, moods, fields));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_lists_can_be_sung_and_none_is_blocked() {
        for (language, text) in [(Language::English, english::LEXICON), (Language::Spanish, spanish::LEXICON)] {
            for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
                let columns: Vec<&str> = line.split('|').map(str::trim).collect();
                assert_eq!(columns.len(), 4, "{line}");
                let class = Class::from_name(columns[0]).unwrap_or_else(|| panic!("class of {line}"));
                for name in columns[1].split(',').chain(columns[2].split(',')).filter(|n| *n != "-") {
                    assert!(MOODS.contains(&name) || FIELDS.contains(&name), "tag {name:?} of {line}");
                }
                for word in columns[3].split_whitespace() {
                    assert!(entry(language, word, class, 0, 0).is_some(), "{word}");
                }
            }
            assert!(of(language).all().len() > 400, "{language:?} {}", of(language).all().len());
        }
    }
}
