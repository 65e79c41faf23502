//! A form with files, as `multipart/form-data` (RFC 7578).

use std::{fmt, fs::File};

use bytes::Bytes;
use reqwest::multipart::{Form, Part};

/// Fields and files in the order in which they are added.
#[derive(Default)]
pub struct Multipart {
    form: Form,
    /// A media type that is none.
    is_invalid: bool,
}

impl Multipart {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        Self { form: self.form.text(name.to_owned(), value.into()), ..self }
    }

    #[must_use]
    pub fn bytes(self, name: &str, file_name: &str, media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        let length = bytes.len() as u64;
        self.part(name, file_name, media_type, Part::stream_with_length(bytes, length))
    }

    /// The first `length` bytes of a file, read while they are sent.
    #[must_use]
    pub fn file(self, name: &str, file_name: &str, media_type: &str, file: File, length: u64) -> Self {
        let file = tokio::fs::File::from_std(file);
        self.part(name, file_name, media_type, Part::stream_with_length(reqwest::Body::from(file), length))
    }

    fn part(mut self, name: &str, file_name: &str, media_type: &str, part: Part) -> Self {
        match part.file_name(file_name.to_owned()).mime_str(media_type) {
            Ok(part) => self.form = self.form.part(name.to_owned(), part),
            Err(_) => self.is_invalid = true,
        }
        self
    }

    /// `None` when a media type is none.
    pub(crate) fn into_form(self) -> Option<Form> {
        (!self.is_invalid).then_some(self.form)
    }
}

impl fmt::Debug for Multipart {
    /// Values are prompts and recordings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart").finish_non_exhaustive()
    }
}
