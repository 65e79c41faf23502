//! What a user may ask for in words.

use serde::{Deserialize, Serialize};

/// A prompt of 10 to 500 characters, trimmed, without control characters but tabs and line ends. Debug shows only its length: prompts are
/// private and must not reach a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prompt(String);

impl Prompt {
    pub const MIN_CHARS: usize = 10;
    pub const MAX_CHARS: usize = 500;

    pub fn new(text: &str) -> Result<Self, InvalidPrompt> {
        // Web forms end lines with both.
        let text = text.trim().replace("\r\n", "\n");
        let chars = text.chars().count();
        if chars < Self::MIN_CHARS {
            return Err(InvalidPrompt::TooShort { chars });
        }
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
