//! What a song can be asked to be, apart from its style: mood, era, form.

use std::{fmt, str::FromStr};

use music::Mode;
use serde::{Deserialize, Serialize};

/// How a song feels. It moves tempo, mode, register and loudness; it never overrides what is said in so many words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mood {
    Happy,
    Sad,
    Calm,
    Dark,
    Energetic,
    Romantic,
    Epic,
    Dreamy,
    Tense,
    Playful,
}

impl Mood {
    pub const ALL: [Self; 10] = [
        Self::Happy,
        Self::Sad,
        Self::Calm,
        Self::Dark,
        Self::Energetic,
        Self::Romantic,
        Self::Epic,
        Self::Dreamy,
        Self::Tense,
        Self::Playful,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Calm => "calm",
            Self::Dark => "dark",
            Self::Energetic => "energetic",
            Self::Romantic => "romantic",
            Self::Epic => "epic",
            Self::Dreamy => "dreamy",
            Self::Tense => "tense",
            Self::Playful => "playful",
        }
    }

    /// Major or minor, where the mood leans to one.
    pub const fn mode(self) -> Option<Mode> {
        match self {
            Self::Happy | Self::Romantic | Self::Playful => Some(Mode::Major),
            Self::Sad | Self::Dark | Self::Tense | Self::Epic => Some(Mode::Minor),
            Self::Calm | Self::Energetic | Self::Dreamy => None,
        }
    }

    /// How far the tempo leans within the range of the style, −1 (slowest) to 1.
    pub(crate) const fn pace(self) -> f64 {
        match self {
            Self::Energetic => 0.7,
            Self::Happy | Self::Playful => 0.35,
            Self::Tense => 0.25,
            Self::Epic => 0.0,
            Self::Dark | Self::Romantic => -0.35,
            Self::Dreamy | Self::Sad => -0.55,
            Self::Calm => -0.7,
        }
    }

    /// How much the band gives, 0 to 1.
    pub(crate) const fn energy(self) -> f64 {
        match self {
            Self::Energetic => 0.9,
            Self::Epic => 0.85,
            Self::Happy | Self::Playful | Self::Tense => 0.65,
            Self::Dark => 0.5,
            Self::Romantic => 0.4,
            Self::Sad | Self::Dreamy => 0.3,
            Self::Calm => 0.2,
        }
    }
}

impl fmt::Display for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no mood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no mood \"{given}\"; there are: {}", Mood::ALL.map(Mood::name).join(", "))]
pub struct UnknownMood {
    pub given: String,
}

impl FromStr for Mood {
    type Err = UnknownMood;

    fn from_str(text: &str) -> Result<Self, UnknownMood> {
        let wanted = text.trim().to_lowercase();
        let found = Self::ALL.into_iter().find(|mood| mood.name() == wanted);
        found.ok_or_else(|| UnknownMood { given: text.chars().take(60).collect() })
    }
}

/// A decade whose sounds are played.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Era {
    /// Its first year: 1980 for the eighties.
    pub decade: u16,
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.decade)
    }
}

/// Letters that a form may have.
const LETTERS: std::ops::RangeInclusive<char> = 'A'..='D';
const MOST_SECTIONS: usize = 26;

/// Sections by letter, such as `AABA`: equal letters have the same tune over the same chords. Intro and ending are put around
/// them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Form(Vec<char>);

impl Form {
    pub fn letters(&self) -> &[char] {
        &self.0
    }
}

/// The text is no form.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("form \"{given}\": it must be 1 to {MOST_SECTIONS} of the letters A to D, such as AABA")]
pub struct InvalidForm {
    pub given: String,
}

impl FromStr for Form {
    type Err = InvalidForm;

    /// Spaces, hyphens and case make no difference.
    fn from_str(text: &str) -> Result<Self, InvalidForm> {
        let letters: Vec<char> = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .map(|letter| letter.to_ascii_uppercase())
            .take(MOST_SECTIONS + 1)
            .collect();
        if letters.is_empty() || letters.len() > MOST_SECTIONS || !letters.iter().all(|letter| LETTERS.contains(letter))
        {
            return Err(InvalidForm { given: text.chars().take(60).collect() });
        }
        Ok(Self(letters))
    }
}

impl TryFrom<String> for Form {
    type Error = InvalidForm;

    fn try_from(text: String) -> Result<Self, InvalidForm> {
        text.parse()
    }
}

impl From<Form> for String {
    fn from(form: Form) -> Self {
        form.to_string()
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{letter}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_people_write_them() {
        for (text, expected) in [("AABA", "AABA"), ("a-b-a", "ABA"), (" a b a c ", "ABAC")] {
            assert_eq!(text.parse::<Form>().unwrap().to_string(), expected);
        }
        for text in ["", " ", "AABE", "A1", &"A".repeat(27)] {
            assert!(text.parse::<Form>().is_err(), "{text}");
        }
        assert_eq!("Dark".parse(), Ok(Mood::Dark));
        assert!("blue".parse::<Mood>().unwrap_err().to_string().contains("dreamy"));
    }
}
