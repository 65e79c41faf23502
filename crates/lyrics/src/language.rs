//! The languages that lyrics are written in. All that depends on one is behind [`Language`]: sounds, syllables, stress,
//! rhyme, which words are weak, and the forms that words take beside each other.

use super::{Syllable, english, spanish};
use crate::LyricsError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    Spanish,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// The language of a BCP 47 tag; region and script are ignored (`es-MX` is Spanish).
    ///
    /// # Errors
    /// `UnknownLanguage`, which lists what there is.
    pub fn of(tag: &str) -> Result<Self, LyricsError> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.tag() == primary).ok_or_else(|| LyricsError::UnknownLanguage {
            asked: tag.chars().filter(|c| !c.is_control()).take(16).collect(),
            known: Self::ALL.map(Self::tag).join(", "),
        })
    }

    /// BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// Whether it is known how the word sounds.
    pub fn knows(self, word: &str) -> bool {
        match self {
            Self::English => english::dictionary::contains(word),
            Self::Spanish => spanish::is_pronounceable(word),
        }
    }

    /// Words that carry no stress.
    pub fn is_function_word(self, word: &str) -> bool {
        match self {
            Self::English => english::is_function_word(word),
            Self::Spanish => spanish::is_function_word(word),
        }
    }

    /// Whether a line may close with this word: no article, preposition or the like.
    pub fn may_end_a_line(self, word: &str) -> bool {
        match self {
            Self::English => english::may_end_a_line(word),
            Self::Spanish => spanish::may_end_a_line(word),
        }
    }

    /// Of whom one says "my mother" rather than "the mother".
    pub fn is_relative(self, word: &str) -> bool {
        match self {
            Self::English => english::RELATIVES.contains(&word),
            Self::Spanish => spanish::RELATIVES.contains(&word),
        }
    }

    /// The form that counts for "the same word again": inflections of one word share it. Not a linguist's lemma.
    pub fn stem(self, word: &str) -> String {
        match self {
            Self::English => english::stem(word),
            Self::Spanish => spanish::stem(word),
        }
    }

    /// What perfect rhymes share: all sounds from the last stressed vowel on. `None` for an unknown word.
    pub fn rhyme(self, word: &str) -> Option<String> {
        match self {
            Self::English => english::dictionary::pronunciation(word).map(|p| english::dictionary::rhyme_part(&p)),
            Self::Spanish => spanish::rhyme(word),
        }
    }

    /// What weaker rhymes share. English: the same vowels with consonants of the same kind ("time", "line"). Spanish:
    /// assonance, the vowels from the stressed one on.
    pub fn near_rhyme(self, word: &str) -> Option<String> {
        match self {
            Self::English => english::near_rhyme(word),
            Self::Spanish => spanish::assonance(word),
        }
    }

    /// The syllables of a line, not yet on notes. With `wanted`, other pronunciations are tried ("fire" in one syllable
    /// or two; vowels that meet run together or stay apart) until the line has that many.
    ///
    /// `None` when a word is unknown, or when no reading has the wanted length.
    pub fn realise(self, words: &[String], wanted: Option<usize>) -> Option<Vec<Syllable>> {
        match self {
            Self::English => english::realise(words, wanted),
            Self::Spanish => spanish::realise(words, wanted),
        }
    }

    /// The forms that words take beside each other: "an" before a vowel, agreement of articles and adjectives.
    pub fn inflected(self, words: &[super::word::Chosen<'_>]) -> Vec<String> {
        match self {
            Self::English => english::with_articles(words),
            Self::Spanish => spanish::agreeing(words),
        }
    }

    /// "and", to join two short lines.
    pub const fn conjunction(self) -> &'static str {
        match self {
            Self::English => "and",
            Self::Spanish => "y",
        }
    }
}

/// How strongly a sung syllable asks for a strong note, 0–1.
pub fn stress_of(language: Language, syllable: &Syllable, words: &[String]) -> f64 {
    if words.get(syllable.word_index).is_some_and(|word| language.is_function_word(word)) {
        return 0.1;
    }
    match syllable.phones.iter().filter_map(|p| p.chars().last()).find(char::is_ascii_digit) {
        Some('1') => 1.0,
        Some('2') => 0.6,
        _ => 0.15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_unknown_ones_say_what_there_is() {
        assert_eq!(Language::of("en"), Ok(Language::English));
        assert_eq!(Language::of("es-MX"), Ok(Language::Spanish));
        assert_eq!(Language::of(" EN_us "), Ok(Language::English));
        for tag in ["", "fr", "spanish", "e"] {
            let why = Language::of(tag).expect_err(tag).to_string();
            assert!(why.contains("en, es"), "{why}");
        }
    }
}
