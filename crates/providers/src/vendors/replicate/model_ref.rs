//! Names of models as settings and callers write them: `owner/name`, `owner/name:version` or a version alone.

/// Digits of a version.
const DIGITS: usize = 64;

/// Whether a text has the form of a version: 64 hexadecimal digits in lower case. Public code carries many that were made up.
pub fn is_version(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a text can stand in a path as the name of an owner, a model or a run.
pub fn is_name(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (1..=128).contains(&text.len()) && is_plain && !text.starts_with('.')
}

/// A model, and which of its versions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ModelRef {
    pub owner: String,
    pub name: String,
    /// `None` for a model that is called without, which only the vendor's official ones are.
    pub version: Option<String>,
}

impl ModelRef {
    /// Reads a name. A version alone is one of `known`'s model, and that model without a version is `known` itself. `None`
    /// when it is no name.
    pub fn parse(text: &str, known: &Self) -> Option<Self> {
        if is_version(text) {
            return Some(Self { version: Some(text.to_owned()), ..known.clone() });
        }
        let (model, version) = match text.split_once(':') {
            Some((model, version)) => (model, Some(version)),
            None => (text, None),
        };
        let (owner, name) = model.split_once('/')?;
        if !is_name(owner) || !is_name(name) || version.is_some_and(|version| !is_version(version)) {
            return None;
        }
        if version.is_none() && (owner, name) == (known.owner.as_str(), known.name.as_str()) {
            return Some(known.clone());
        }
        Some(Self { owner: owner.to_owned(), name: name.to_owned(), version: version.map(str::to_owned) })
    }

    fn known(owner: &str, name: &str, version: &str) -> Self {
        Self { owner: owner.to_owned(), name: name.to_owned(), version: Some(version.to_owned()) }
    }

    /// The version of Bark that is known to work.
    pub fn bark() -> Self {
        Self::known("suno-ai", "bark", "b76242b40d67c76ab6742e987628a2a9ac019e11d56ab96c4e91ce03b79b2787")
    }

    /// The version of MusicGen that is known to work.
    pub fn musicgen() -> Self {
        Self::known("meta", "musicgen", "671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb")
    }

    /// The version of the trainer that is known to work.
    pub fn trainer() -> Self {
        Self::known(
            "sakemin",
            "musicgen-fine-tuner",
            "b1ec6490e57013463006e928abc7acd8d623fe3e8321d3092e1231bf006898b1",
        )
    }
}

impl std::fmt::Display for ModelRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)?;
        self.version.as_ref().map_or(Ok(()), |version| write!(f, ":{version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_slips_are_not() {
        let bark = ModelRef::bark();
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(ModelRef::parse(text, &bark).map(|model| model.to_string()).as_deref(), expected, "{text}");
        };
        let hash = "0123456789abcdef".repeat(4);
        let of_bark = format!("suno-ai/bark:{hash}");
        check(&hash, Some(&of_bark));
        check(&of_bark, Some(&of_bark));
        check("suno-ai/bark", Some(&bark.to_string()));
        check("google/lyria-2", Some("google/lyria-2"));
        check(&format!("acme/harbor:{hash}"), Some(&format!("acme/harbor:{hash}")));
        check(&hash[..63], None);
        check(&hash.to_uppercase(), None);
        check(&format!("acme/harbor:{}", &hash[..63]), None);
        check("acme", None);
        check("acme/../x", None);
        check("/x", None);
        check("", None);
        for known in [bark.clone(), ModelRef::musicgen(), ModelRef::trainer()] {
            assert!(known.version.as_deref().is_some_and(is_version), "{known}");
        }
    }
}
