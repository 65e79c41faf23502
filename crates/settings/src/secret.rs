//! A value that does not print itself.

use std::fmt;

use serde::{Serialize, Serializer};

/// Prints as `***` in every way there is to print it; [`Secret::expose`] is the only way to the value.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T>(T);

/// What stands in place of a secret.
pub const MASK: &str = "***";

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that uses it. It must not be logged, stored or sent elsewhere.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_only_when_asked() {
        let secret = Secret::new("hunter2".to_owned());
        let value = figment::value::Value::serialize(&secret).unwrap();
        assert_eq!(
            (format!("{secret} {secret:?} {secret:#?}"), value.as_str()),
            ("*** *** ***".to_owned(), Some(MASK))
        );
        assert_eq!(secret.expose(), "hunter2");
    }
}
