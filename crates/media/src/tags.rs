//! What a sound file says about itself.

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
