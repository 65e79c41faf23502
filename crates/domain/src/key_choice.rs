//! A key that somebody asks for by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A key by name: `C`, `F# minor`, `Bbm`, `d`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyChoice {
    /// Pitch class, 0 = C … 11 = B.
    pub tonic: u8,
    pub minor: bool,
}

/// The text given as a key names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected a key such as C, F# minor, Bb or Am")]
pub struct InvalidKey;

impl FromStr for KeyChoice {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        let mut chars = text.chars();
        let letter = chars.next().ok_or(InvalidKey)?;
        let natural = match letter.to_ascii_uppercase() {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return Err(InvalidKey),
        };
        let rest = chars.as_str();
        let (step, rest) = match rest.chars().next() {
            Some('#' | '♯') => (1, rest.trim_start_matches(['#', '♯'])),
            Some('b' | '♭') => (11, rest.trim_start_matches(['b', '♭'])),
            _ => (0, rest),
        };
        let accidentals = text.chars().count() - 1 - rest.chars().count();
        let minor = match rest.trim().trim_start_matches('-').to_lowercase().as_str() {
            // A lone small letter is a minor key, as in much of Europe; `b` is B minor.
            "" => letter.is_ascii_lowercase(),
            "major" | "maj" => false,
            "minor" | "min" => true,
            "m" if rest.trim() == "m" => true,
            "m" => false,
            _ => return Err(InvalidKey),
        };
        if accidentals > 1 {
            return Err(InvalidKey);
        }
        Ok(Self { tonic: (natural + step) % 12, minor })
    }
}

impl fmt::Display for KeyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAJOR: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
        const MINOR: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
        let tonic = usize::from(self.tonic % 12);
        if self.minor { write!(f, "{} minor", MINOR[tonic]) } else { write!(f, "{} major", MAJOR[tonic]) }
    }
}

impl TryFrom<String> for KeyChoice {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<KeyChoice> for String {
    fn from(key: KeyChoice) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_people_write_them() {
        let check = |text: &str, expected: &str| {
            let key: KeyChoice = text.parse().unwrap();
            assert_eq!(key.to_string(), expected, "{text}");
            assert_eq!(key.to_string().parse(), Ok(key), "{text}");
        };
        for (text, expected) in [
            ("C", "C major"),
            ("c", "C minor"),
            ("Am", "A minor"),
            ("AM", "A major"),
            ("f#", "F# minor"),
            ("F♯ major", "F# major"),
            ("Bb", "Bb major"),
            ("bb", "Bb minor"),
            ("b", "B minor"),
            ("B", "B major"),
            ("Cb", "B major"),
            ("e-minor", "E minor"),
            ("Ebmin", "Eb minor"),
        ] {
            check(text, expected);
        }
    }
}
