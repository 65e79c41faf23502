//! What a sound file says about itself.

use std::io::{Read, Seek};

use crate::{Bounds, MediaError, ffi, source::Source};

/// Bytes of tags at most; longer ones are cut. Keeps a header a header.
const MAX_TAG_CHARS: usize = 1000;

/// What the file says about itself; empty fields are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tags {
    pub title: Option<String>,
    pub artist: Option<String>,
    pub comment: Option<String>,
    /// A picture (PNG) for the front cover. Only MP3 files carry it.
    pub cover_png: Option<Vec<u8>>,
}

/// A text as a tag holds it. A NUL would end it for ffmpeg, and the bindings would panic on it.
pub(crate) fn tag_text(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().filter(|c| *c != '\0').take(MAX_TAG_CHARS).collect()
}

/// What somebody else's file says about itself, as far as it may say how it sounds. Any text, of up to 1,000 characters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    pub title: Option<String>,
    pub genre: Option<String>,
    pub comment: Option<String>,
}

/// Reads the tags of a sound file; nothing is decoded.
///
/// # Errors
/// See [`MediaError`].
pub fn read_tags(source: impl Read + Seek + Send + 'static, bounds: &Bounds) -> Result<Told, MediaError> {
    let source = Source::open(source, bounds)?;
    let text = |key| {
        let text = tag_text(ffi::metadata(&source.input, source.stream, key).as_deref());
        (!text.is_empty()).then_some(text)
    };
    Ok(Told { title: text(c"title"), genre: text(c"genre"), comment: text(c"comment") })
}
