//! Tags of an MP3 file with a picture: ID3 version 2.3 (id3.org, *ID3 tag version 2.3.0*). ffmpeg writes texts by itself, and
//! pictures only as a stream of their own; a tag is simpler, and its bytes are ours.

use std::io::{self, Seek, SeekFrom, Write};

use crate::tags::{Tags, tag_text};

/// What a picture in a tag is: the front cover.
const FRONT_COVER: u8 = 3;
/// Texts in UTF-16 with a byte order mark: the only encoding of version 2.3 that holds any letter.
const UTF16: u8 = 1;
/// The size of a tag has 28 bits.
const MOST_BYTES: usize = (1 << 28) - 1;

/// The tag that stands before the sound; `None` where there is no picture, or none that a tag can hold.
pub(crate) fn tag(tags: &Tags) -> Option<Vec<u8>> {
    let png = tags.cover_png.as_ref()?;
    let mut frames = Vec::new();
    for (id, text) in [(b"TIT2", &tags.title), (b"TPE1", &tags.artist)] {
        let text = tag_text(text.as_deref());
        if !text.is_empty() {
            frame(&mut frames, id, &[&[UTF16][..], &utf16(&text)].concat());
        }
    }
    let comment = tag_text(tags.comment.as_deref());
    if !comment.is_empty() {
        // Language, then a description, which is empty.
        frame(&mut frames, b"COMM", &[&[UTF16][..], b"eng", &utf16(""), &[0, 0], &utf16(&comment)].concat());
    }
    frame(&mut frames, b"APIC", &[&[0][..], b"image/png\0", &[FRONT_COVER, 0], png].concat());
    if frames.len() > MOST_BYTES {
        return None;
    }
    let mut tag = b"ID3\x03\0\0".to_vec();
    tag.extend([21, 14, 7, 0].map(|shift| (frames.len() >> shift & 0x7f) as u8));
    tag.extend(frames);
    Some(tag)
}

fn frame(out: &mut Vec<u8>, id: &[u8; 4], body: &[u8]) {
    out.extend(id);
    out.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend([0, 0]);
    out.extend(body);
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// A writer whose beginning lies behind what was written before.
pub(crate) struct Behind<W> {
    inner: W,
    begin: u64,
}

impl<W: Write + Seek> Behind<W> {
    /// Writes `before`; what follows does not know of it.
    pub(crate) fn new(mut inner: W, before: &[u8]) -> io::Result<Self> {
        inner.write_all(before)?;
        Ok(Self { inner, begin: before.len() as u64 })
    }
}

impl<W: Write> Write for Behind<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Seek> Seek for Behind<W> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let position = match position {
            SeekFrom::Start(at) => SeekFrom::Start(at.saturating_add(self.begin)),
            other => other,
        };
        let at = self.inner.seek(position)?;
        at.checked_sub(self.begin).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}
