//! A word as lines are made of it: what it can be in a line, and what it brings to mind.

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
    /// See [`crate::Language::rhyme`].
    pub rhyme: String,
    /// See [`crate::Language::near_rhyme`].
    pub near_rhyme: String,
    /// See [`crate::Language::stem`].
    pub stem: String,
}

/// One word of a line in the making: as the pattern or the lexicon has it, before words take their forms.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'a> {
    pub text: &'a str,
    /// `None` for the pattern's own words.
    pub entry: Option<&'a Entry>,
}
