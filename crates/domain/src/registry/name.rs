//! What a model is called in requests and in addresses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_` and `.`, the first a letter or a digit. No two models have the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(String);

impl ModelName {
    pub const MAX_CHARS: usize = 64;
    /// Words that stand in addresses where a name would.
    pub const RESERVED: [&'static str; 2] = ["export", "import"];

    /// # Errors
    /// When the text breaks the rule above, or is one of [`Self::RESERVED`].
    pub fn new(text: &str) -> Result<Self, InvalidModelName> {
        let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let is_good = starts && text.len() <= Self::MAX_CHARS && text.chars().all(is_inside);
        if !is_good {
            return Err(InvalidModelName::Form);
        }
        if Self::RESERVED.contains(&text) {
            return Err(InvalidModelName::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot be a model's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidModelName {
    #[error(
        "expected 1 to {} lower-case letters, digits, `-`, `_` and `.`, a letter or a digit first, such as metro_drums",
        ModelName::MAX_CHARS
    )]
    Form,
    #[error("expected another name: {} stand in addresses", ModelName::RESERVED.join(" and "))]
    Reserved,
}

impl FromStr for ModelName {
    type Err = InvalidModelName;

    fn from_str(text: &str) -> Result<Self, InvalidModelName> {
        Self::new(text)
    }
}

impl TryFrom<String> for ModelName {
    type Error = InvalidModelName;

    fn try_from(text: String) -> Result<Self, InvalidModelName> {
        Self::new(&text)
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        let check = |text: &str, expected: Result<(), InvalidModelName>| {
            assert_eq!(ModelName::new(text).map(|_| ()), expected, "{text:?}");
        };
        for text in ["small", "metro_drums", "crepe-tiny", "v1.2", "7", &"a".repeat(64)] {
            check(text, Ok(()));
        }
        for text in ["", "Small", "-a", ".a", "_a", "a b", "a/b", "a:b", "naïve", "a\n", &"a".repeat(65)] {
            check(text, Err(InvalidModelName::Form));
        }
        check("import", Err(InvalidModelName::Reserved));
        check("imports", Ok(()));
        assert!(serde_json::from_str::<ModelName>("\"A\"").is_err(), "what is read passes the same door");
    }
}
