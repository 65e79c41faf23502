//! What is said of a song in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::is_seen;

/// A text of bounded length that is kept as it is. Debug shows only its length: what people write is private and must not
/// reach a log.
macro_rules! texts {
    ($($(#[$about:meta])* $name:ident ($least:literal to $most:literal characters, on lines: $lines:literal; $what:literal) = $error:ident;)+) => {
        $(
            $(#[$about])*
            #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(try_from = "String", into = "String")]
            pub struct $name(String);

            impl $name {
                pub const MIN_CHARS: usize = $least;
                pub const MAX_CHARS: usize = $most;

                /// # Errors
                /// For a text that is too short, too long, or not printable.
                pub fn new(text: &str) -> Result<Self, $error> {
                    let text = text.trim().replace("\r\n", "\n");
                    let is_plain = |c: char| !c.is_control() || ($lines && matches!(c, '\n' | '\t'));
                    let seen = text.chars().filter(|c| is_seen(*c)).count();
                    let fits = seen >= Self::MIN_CHARS && text.chars().count() <= Self::MAX_CHARS;
                    if fits && text.chars().all(is_plain) { Ok(Self(text)) } else { Err($error) }
                }

                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl TryFrom<String> for $name {
                type Error = $error;

                fn try_from(text: String) -> Result<Self, $error> {
                    Self::new(&text)
                }
            }

            impl From<$name> for String {
                fn from(text: $name) -> Self {
                    text.0
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{}({} chars)", stringify!($name), self.0.chars().count())
                }
            }

            #[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
            #[error("expected {} of {} to {} printable characters", $what, $name::MIN_CHARS, $name::MAX_CHARS)]
            pub struct $error;
        )+
    };
}

texts! {
    /// What the music is to be, in words; one may be enough.
    MusicPrompt(3 to 2000 characters, on lines: true; "a description of the music") = InvalidMusicPrompt;
    /// What a song is called.
    SongTitle(1 to 100 characters, on lines: false; "a name") = InvalidSongTitle;
    /// A chord chart as it was written.
    ChordText(1 to 4000 characters, on lines: true; "a chord chart") = InvalidChordText;
}
