//! Where a provider has a model: `owner/name:version`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::field::{InvalidField, wrong};

/// Longest version that is no hash, and longest half of a path.
const MAX_CHARS: usize = 128;

/// `owner/name`, as Replicate has it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelPath(String);

impl ModelPath {
    /// # Errors
    /// When it is not two words of ASCII letters, digits, `-`, `_` and `.` with one `/` between them.
    pub fn new(text: &str) -> Result<Self, InvalidField> {
        let is_word = |word: &str| {
            let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.len() <= MAX_CHARS
                && word.chars().all(is_inside)
        };
        match text.split_once('/') {
            Some((owner, name)) if is_word(owner) && is_word(name) => Ok(Self(text.to_owned())),
            _ => Err(wrong("path", "expected owner/name, such as meta/musicgen")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of a model's versions, as its provider names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelVersion(String);

impl ModelVersion {
    /// Hexadecimal digits of a version of a model that has a path, and of a file.
    pub const HASH_DIGITS: usize = 64;

    /// # Errors
    /// When it is empty, longer than 128 characters, or has others than those of ASCII that are seen.
    pub fn new(text: &str) -> Result<Self, InvalidField> {
        let is_good = !text.is_empty() && text.len() <= MAX_CHARS && text.chars().all(|c| c.is_ascii_graphic());
        if is_good {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong("version", "expected 1 to 128 characters, no blanks"))
        }
    }

    /// A version of a model at a path: 64 hexadecimal digits there, in lower case; the provider's own word elsewhere.
    ///
    /// # Errors
    /// When the text is not that.
    pub fn at(path: Option<&ModelPath>, text: &str) -> Result<Self, InvalidField> {
        if path.is_none() {
            return Self::new(text);
        }
        let lower = Self(text.to_ascii_lowercase());
        if lower.is_hash() {
            return Ok(lower);
        }
        let detail = format!(
            "expected the {} hexadecimal digits of a version, as the model's page lists them; {} characters came",
            Self::HASH_DIGITS,
            text.chars().count()
        );
        Err(wrong("version", detail))
    }

    /// Whether it is a hash as Replicate and files have it.
    pub fn is_hash(&self) -> bool {
        self.0.len() == Self::HASH_DIGITS && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidField;

            fn try_from(text: String) -> Result<Self, InvalidField> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}
as_text!(ModelPath);
as_text!(ModelVersion);

/// A path, where the provider has paths, and a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelAddress {
    pub path: Option<ModelPath>,
    pub version: ModelVersion,
}

impl FromStr for ModelAddress {
    type Err = InvalidField;

    /// `owner/name:version`, or a version alone.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let (path, version) = match text.rsplit_once(':') {
            Some((path, version)) => (Some(ModelPath::new(path)?), version),
            None => (None, text),
        };
        let version = ModelVersion::at(path.as_ref(), version)?;
        Ok(Self { path, version })
    }
}

impl fmt::Display for ModelAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}:{}", self.version),
            None => write!(f, "{}", self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_vendors_write_them() {
        let hash = "b05b1dff1d8c6dc63d14b0cdb42135378dcb87f6373b0d3d341ede46e59e2b38";
        let check = |text: &str, wrong_field: Option<&str>| {
            let read = text.parse::<ModelAddress>();
            assert_eq!(read.as_ref().err().map(|error| error.field), wrong_field, "{text}");
            if let Ok(address) = read {
                assert_eq!(address.to_string(), text, "written as it was read");
            }
        };
        check(&format!("meta/musicgen:{hash}"), None);
        check(&format!("Your-Name/a.b_c:{hash}"), None);
        check(hash, None);
        check("music_v1", None);
        check("your-username/telecaster-model:version-id", Some("version"));
        check(&format!("meta/musicgen:{}", &hash[1..]), Some("version"));
        check(&format!("meta/musicgen:{hash}0"), Some("version"));
        check(&format!("meta/musicgen:g{}", &hash[1..]), Some("version"));
        check(&format!("musicgen:{hash}"), Some("path"));
        check(&format!("a/b/c:{hash}"), Some("path"));
        check(&format!("../b:{hash}"), Some("path"));
        check("", Some("version"));
        check("music v1", Some("version"));
        let shouted: ModelAddress = format!("meta/musicgen:{}", hash.to_uppercase()).parse().unwrap();
        assert_eq!(shouted.version.as_str(), hash, "one way of writing each");
    }
}
