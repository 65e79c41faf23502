//! What a user may ask for in words.

use serde::{Deserialize, Serialize};

use crate::text::is_seen;

/// A prompt of 10 to 500 characters, trimmed, without control characters but tabs and line ends. Signs that nobody sees
/// do not count towards the ten. Debug shows only its length: prompts are private and must not reach a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prompt(String);

impl Prompt {
    pub const MIN_CHARS: usize = 10;
    pub const MAX_CHARS: usize = 500;

    pub fn new(text: &str) -> Result<Self, InvalidPrompt> {
        // Web forms end lines with both.
        let text = text.trim().replace("\r\n", "\n");
        let seen =
            text.trim_matches(|c: char| !is_seen(c)).chars().filter(|c| is_seen(*c) || c.is_whitespace()).count();
        if seen < Self::MIN_CHARS {
            return Err(InvalidPrompt::TooShort { chars: seen });
        }
        let chars = text.chars().count();
        if chars > Self::MAX_CHARS {
            return Err(InvalidPrompt::TooLong { chars });
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(InvalidPrompt::ControlCharacters);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is read from a row, a message or a request passes the same door.
impl TryFrom<String> for Prompt {
    type Error = InvalidPrompt;

    fn try_from(text: String) -> Result<Self, InvalidPrompt> {
        Self::new(&text)
    }
}

impl From<Prompt> for String {
    fn from(value: Prompt) -> Self {
        value.0
    }
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prompt({} chars)", self.0.chars().count())
    }
}

/// Why a prompt was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPrompt {
    #[error("the prompt has {chars} characters; describe the song in at least {}", Prompt::MIN_CHARS)]
    TooShort { chars: usize },
    #[error("the prompt has {chars} characters; shorten it to at most {}", Prompt::MAX_CHARS)]
    TooLong { chars: usize },
    #[error("the prompt holds control characters; send plain text")]
    ControlCharacters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_no_prompt() {
        for filler in ['\u{200b}', '\u{200f}', '\u{2800}', '\u{3164}', '\u{ad}', '\u{feff}', '\u{e0041}', '\u{301}'] {
            let nothing = String::from(filler).repeat(20);
            assert_eq!(Prompt::new(&nothing), Err(InvalidPrompt::TooShort { chars: 0 }), "{filler:?}");
            let mixed = format!("{filler} {filler}").repeat(10);
            assert_eq!(Prompt::new(&mixed), Err(InvalidPrompt::TooShort { chars: 0 }), "{filler:?} and blanks");
            let padded = format!("a sea{nothing}");
            assert_eq!(Prompt::new(&padded), Err(InvalidPrompt::TooShort { chars: 5 }), "{filler:?}");
            let long = format!("a quiet sea{filler}");
            assert_eq!(Prompt::new(&long).map(String::from), Ok(long.clone()), "{filler:?} does no harm to words");
        }
        // Joiners inside of words and emoji belong there.
        for text in [
            "می\u{200c}خواهم شعر",
            "👨\u{200d}👩\u{200d}👧 at the sea",
            "café\u{301} at the sea",
            "歌を作ってください。夜",
        ] {
            assert_eq!(Prompt::new(text).map(String::from).as_deref(), Ok(text));
        }
    }
}
