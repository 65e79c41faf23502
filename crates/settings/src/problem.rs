//! What is wrong with the settings, said so that a person can put it right.

use std::fmt;

use crate::{keys::Key, secret::MASK};

/// One thing to put right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The key, such as `http.port`, or the name of a variable or file that is no setting.
    pub key: String,
    /// The value as given, `***` for a secret; `None` when there is none.
    pub given: Option<String>,
    /// Where the value came from; empty when there is none.
    pub origin: String,
    pub expected: String,
    /// How it could look; empty when there is nothing to show.
    pub example: String,
}

impl Problem {
    /// A problem that is not about one key of the table.
    pub(crate) fn elsewhere(key: impl Into<String>, origin: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { key: key.into(), given: None, origin: origin.into(), expected: expected.into(), example: String::new() }
    }

    /// A key without a value that it needs here.
    pub(crate) fn missing(path: &str, key: &Key, why: &str) -> Self {
        Self {
            key: path.to_owned(),
            given: None,
            origin: String::new(),
            expected: format!("{} ({why})", key.expected),
            example: example(path, key),
        }
    }

    /// A key with a value that cannot stand.
    pub(crate) fn wrong(path: &str, key: &Key, given: &str, origin: String, expected: String) -> Self {
        // An address may carry a password in a key that is no secret by itself.
        let hidden = key.secret || (given.contains("://") && given.contains('@'));
        Self {
            key: path.to_owned(),
            given: Some(if hidden { MASK.to_owned() } else { shortened(given) }),
            origin,
            expected,
            example: example(path, key),
        }
    }
}

/// The example as a line of the file and as a variable.
fn example(path: &str, key: &Key) -> String {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let place = if section.is_empty() { String::new() } else { format!(" under [{section}]") };
    let variable = key.env.first().map_or_else(|| crate::keys::variable(path), |name| (*name).to_owned());
    format!("{name} = {}{place}, or {variable}={}", key.example, crate::keys::as_variable(key.example))
}

/// Enough of a long value to recognise it.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(std::iter::once('…')).collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        if let Some(given) = &self.given {
            write!(f, " = {given:?}")?;
        }
        if !self.origin.is_empty() {
            write!(f, " ({})", self.origin)?;
        }
        write!(f, "\n    expected: {}", self.expected)?;
        if !self.example.is_empty() {
            write!(f, "\n    example:  {}", self.example)?;
        }
        Ok(())
    }
}

/// All problems at once; at least one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct SettingsErrors(pub Vec<Problem>);

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "problem" } else { "problems" };
        write!(f, "{} {plural} in the settings:", self.0.len())?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
