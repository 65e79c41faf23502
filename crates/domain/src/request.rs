//! What a job was asked to do, one type a kind: the gateway validates and stores it, the stages read it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{options::SongOptions, prompt::Prompt, text::is_seen};

/// A recorded melody and a sentence, please, as a sung vocal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MelodyToVocalsRequest {
    pub prompt: Prompt,
    pub genre: Option<Label>,
    pub mood: Option<Label>,
    /// Same recording, same words, same seed: same song.
    pub seed: u64,
    #[serde(default)]
    pub options: SongOptions,
}

impl MelodyToVocalsRequest {
    /// Everything that it says in words, with the name of the field: what a check of content looks at.
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        let Self { prompt, genre, mood, seed: _, options: _ } = self;
        let mut texts = vec![("prompt", prompt.as_str())];
        texts.extend(genre.as_ref().map(|genre| ("genre", genre.as_str())));
        texts.extend(mood.as_ref().map(|mood| ("mood", mood.as_str())));
        texts
    }
}

/// A short word or two that a user chose, such as a genre: 1 to 50 characters, trimmed, printable.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    pub const MAX_CHARS: usize = 50;

    pub fn new(text: &str) -> Result<Self, InvalidLabel> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) || !text.chars().any(is_seen) {
            return Err(InvalidLabel);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is read from a row, a message or a request passes the same door.
impl TryFrom<String> for Label {
    type Error = InvalidLabel;

    fn try_from(text: String) -> Result<Self, InvalidLabel> {
        Self::new(&text)
    }
}

impl From<Label> for String {
    fn from(value: Label) -> Self {
        value.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text given as a label is empty, too long or not printable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected 1 to {} printable characters", Label::MAX_CHARS)]
pub struct InvalidLabel;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_something_to_see() {
        assert_eq!(Label::new(" bossa nova ").map(|label| label.as_str().to_owned()), Ok("bossa nova".to_owned()));
        for nothing in ["", "\u{200b}", "\u{2800}\u{3164}", "a\u{7}b"] {
            assert_eq!(Label::new(nothing), Err(InvalidLabel), "{nothing:?}");
        }
    }
}
