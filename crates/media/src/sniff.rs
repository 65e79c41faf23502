//! Names a file's kind by its first bytes. Decides what is refused before ffmpeg sees it, and makes the refusal
//! helpful; never decides that a file is good.

use crate::MediaError;

/// How many first bytes are looked at.
pub(crate) const HEAD_BYTES: usize = 4096;

/// What the first bytes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One of our containers, by its signature.
    Ours(Container),
    /// Sound or film in a container that is not accepted.
    OtherMedia(&'static str),
    /// Certainly no sound.
    NotMedia(&'static str),
    /// No signature: may still be a bare MP3 or AAC stream with something in front.
    Unknown,
}

/// Containers that have more to say about themselves than their signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Container {
    Wave,
    Wave64,
    Aiff,
    Caf,
    Ogg,
    Webm,
    Other,
}

/// Sound and film that we do not read: signature, offset and name. Signatures as in the formats' specifications.
const OTHER_MEDIA: [(&[u8], usize, &str); 16] = [
    (b"MThd", 0, "MIDI"),
    (b"RMID", 8, "MIDI"),
    (b"AVI ", 8, "AVI"),
    (b"#!AMR", 0, "AMR"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, "Windows Media"),
    (b".snd", 0, "Sun AU"),
    (b"FLV\x01", 0, "Flash video"),
    (b"MAC ", 0, "Monkey's Audio"),
    (b"wvpk", 0, "WavPack"),
    (b"TTA1", 0, "True Audio"),
    (b"MPCK", 0, "Musepack"),
    (b"MP+", 0, "Musepack"),
    (b"\x0b\x77", 0, "AC-3"),
    (b"DSD ", 0, "DSD"),
    (b"\x00\x00\x01\xba", 0, "MPEG program stream"),
    (b".RMF", 0, "RealMedia"),
];

/// What is no sound at all.
const NOT_MEDIA: [(&[u8], usize, &str); 16] = [
    (b"%PDF", 0, "a PDF document"),
    (b"PK\x03\x04", 0, "a ZIP archive"),
    (b"PK\x05\x06", 0, "a ZIP archive"),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive"),
    (b"Rar!\x1a\x07", 0, "a RAR archive"),
    (b"\x89PNG\r\n\x1a\n", 0, "a PNG picture"),
    (b"\xff\xd8\xff", 0, "a JPEG picture"),
    (b"GIF8", 0, "a GIF picture"),
    (b"WEBP", 8, "a WebP picture"),
    (b"ftypheic", 4, "a HEIF picture"),
    (b"ftypavif", 4, "an AVIF picture"),
    (b"\x7fELF", 0, "a program"),
    (b"MZ", 0, "a program"),
    (b"SQLite format 3\0", 0, "a database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "an Office document"),
];

/// `riff` in the GUID form of Sony Wave64.
const WAVE64: &[u8] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";

pub(crate) fn sniff(head: &[u8]) -> Kind {
    let at = |signature: &[u8], offset: usize| head.get(offset..).is_some_and(|rest| rest.starts_with(signature));
    if let Some((_, _, name)) = NOT_MEDIA.iter().find(|(signature, offset, _)| at(signature, *offset)) {
        return Kind::NotMedia(name);
    }
    if let Some((_, _, name)) = OTHER_MEDIA.iter().find(|(signature, offset, _)| at(signature, *offset)) {
        return Kind::OtherMedia(name);
    }
    if at(b"WAVE", 8) && (at(b"RIFF", 0) || at(b"RF64", 0) || at(b"BW64", 0) || at(b"RIFX", 0)) {
        return Kind::Ours(Container::Wave);
    }
    if at(WAVE64, 0) {
        return Kind::Ours(Container::Wave64);
    }
    if at(b"FORM", 0) && (at(b"AIFF", 8) || at(b"AIFC", 8)) {
        return Kind::Ours(Container::Aiff);
    }
    if at(b"caff", 0) {
        return Kind::Ours(Container::Caf);
    }
    // EBML: WebM is a kind of Matroska, and both are read.
    if at(b"\x1a\x45\xdf\xa3", 0) {
        return Kind::Ours(Container::Webm);
    }
    if at(b"OggS", 0) {
        return Kind::Ours(Container::Ogg);
    }
    if at(b"fLaC", 0) || at(b"ID3", 0) || at(b"ftyp", 4) || at(b"RIFF", 0) {
        return Kind::Ours(Container::Other);
    }
    text(head).map_or(Kind::Unknown, Kind::NotMedia)
}

/// The refusal for what is not ours; `Ok` when ffmpeg may have a look.
pub(crate) fn refuse(kind: Kind) -> Result<(), MediaError> {
    match kind {
        Kind::Ours(_) | Kind::Unknown => Ok(()),
        Kind::OtherMedia(format) => Err(MediaError::UnsupportedFormat { format: Some(format) }),
        Kind::NotMedia(kind) => Err(MediaError::NotAudio { looks_like: Some(kind) }),
    }
}

/// Names text, and the texts that would send a player elsewhere: playlists, session descriptions, concat scripts.
fn text(head: &[u8]) -> Option<&'static str> {
    let readable = match str::from_utf8(head) {
        Ok(text) => text,
        // The head may end inside a character, nowhere else.
        Err(error) if error.error_len().is_none() => str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if readable.is_empty() || readable.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c')) {
        return None;
    }
    let start = readable.trim_start_matches('\u{feff}').trim_start();
    let begins = |word: &str| start.get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word));
    Some(if begins("#EXTM3U") || begins("[playlist]") || begins("#EXTINF") {
        "a playlist"
    } else if begins("ffconcat") {
        "a concat script"
    } else if begins("v=0") {
        "a session description"
    } else if begins("<!doctype html") || begins("<html") {
        "a web page"
    } else if begins("<?xml") || begins("<MPD") {
        "an XML document"
    } else if begins("{") || begins("[") {
        "a JSON document"
    } else {
        "text"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_sees() {
        let cases: [(&[u8], Kind); 16] = [
            (b"RIFF\x24\0\0\0WAVEfmt ", Kind::Ours(Container::Wave)),
            (b"RF64\xff\xff\xff\xffWAVEds64", Kind::Ours(Container::Wave)),
            (b"OggS\0\x02", Kind::Ours(Container::Ogg)),
            (b"\0\0\0\x20ftypM4A ", Kind::Ours(Container::Other)),
            (b"FORM\0\0\0\0AIFFCOMM", Kind::Ours(Container::Aiff)),
            (b"caff\0\x01\0\0desc", Kind::Ours(Container::Caf)),
            (b"\x1a\x45\xdf\xa3\x9f", Kind::Ours(Container::Webm)),
            (b"#!AMR\n\x3c", Kind::OtherMedia("AMR")),
            (b"MThd\0\0\0\x06", Kind::OtherMedia("MIDI")),
            (b"%PDF-1.7", Kind::NotMedia("a PDF document")),
            (b"\x89PNG\r\n\x1a\n", Kind::NotMedia("a PNG picture")),
            (b"#EXTM3U\nhttp://x/", Kind::NotMedia("a playlist")),
            (b"ffconcat version 1.0\n", Kind::NotMedia("a concat script")),
            (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1", Kind::NotMedia("a session description")),
            (b"just words", Kind::NotMedia("text")),
            (b"\xff\xfb\x90\x64\0\0", Kind::Unknown),
        ];
        for (head, expected) in cases {
            assert_eq!(sniff(head), expected, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn text_cut_inside_a_character_is_still_text() {
        let words = "é".repeat(HEAD_BYTES);
        assert_eq!(sniff(&words.as_bytes()[..HEAD_BYTES - 1]), Kind::NotMedia("text"));
    }
}
