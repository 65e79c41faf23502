//! What a file is that is no MIDI file, by its first bytes: people rename things.

/// Beginnings, from the longer to the shorter, and what they are.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"OggS", "an Ogg recording"),
    (b"fLaC", "a FLAC recording"),
    (b"ID3", "an MP3 recording"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (a MusicXML score, an office document or an app may be one, too)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ\0", "an xz archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM film or recording"),
    (b"caff", "a Core Audio recording"),
    (b"MUS\x1a", "a MUS file of the Doom engine, another format for music: convert it to MIDI first"),
    (b"HMI-MIDISONG", "an HMI file, another format for music: convert it to MIDI first"),
    (b"HMIMIDIP", "an HMP file, another format for music: convert it to MIDI first"),
    (b"GMF\x01", "a GMF file, another format for music: convert it to MIDI first"),
    (b"MMMD", "an SMAF file, another format for music: convert it to MIDI first"),
    (b"XFIH", "a Yamaha style's second half without the MIDI part"),
    (b"IMPM", "an Impulse Tracker module: no MIDI"),
    (b"Extended Module:", "a FastTracker module: no MIDI"),
    (b"BM", "a BMP picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"MTrk", "a piece of a MIDI file without its header"),
];

/// Names what `bytes` are, with the article.
pub(super) fn what_it_is(bytes: &[u8]) -> &'static str {
    if let Some((_, name)) = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)) {
        return name;
    }
    match (bytes.get(..4), bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"RIFF" | b"RF64"), _, Some(b"WAVE")) => "a WAV recording",
        (Some(b"RIFF"), _, Some(b"AVI ")) => "an AVI film",
        (Some(b"RIFF"), _, Some(b"sfbk")) => "a SoundFont",
        (Some(b"RIFF"), _, Some(b"DLS ")) => "a DLS bank of instruments",
        (Some(b"RIFF"), _, Some(b"WEBP")) => "a WebP picture",
        (Some(b"RIFF"), _, Some(b"RMID")) => "an RMID wrapper without a MIDI file in it",
        (Some(b"RIFF"), _, _) => "a RIFF file of another kind",
        (Some(b"FORM"), _, Some(b"AIFF" | b"AIFC")) => "an AIFF recording",
        (Some(b"FORM"), _, Some(b"XDIR" | b"XMID")) => {
            "an XMI file, another format for music: convert it to MIDI first"
        }
        (Some(_), Some(b"ftyp"), Some(b"M4A " | b"M4B " | b"M4P ")) => "an M4A recording",
        (Some(_), Some(b"ftyp"), _) => "an MP4 film or recording",
        _ => by_nature(bytes),
    }
}

fn by_nature(bytes: &[u8]) -> &'static str {
    let head = bytes.get(..bytes.len().min(1_024)).unwrap_or_default();
    // An MPEG frame: eleven set bits, a layer that exists, a bit rate and a sample rate that do.
    if let [0xff, second, third, ..] = head
        && second & 0xe0 == 0xe0
    {
        let (layer, rate, sampling) = (second >> 1 & 3, third >> 4, third >> 2 & 3);
        if layer == 0 && second & 0x10 != 0 {
            return "an AAC recording";
        }
        if layer != 0 && rate != 0xf && sampling != 3 {
            return "an MP3 recording";
        }
    }
    if head.iter().all(|byte| *byte == 0) {
        return "empty: it has only zeros";
    }
    let text = String::from_utf8_lossy(head).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<head") {
        return "a web page (HTML): the download may have been an error page";
    }
    if text.contains("<score-partwise") || text.contains("<score-timewise") {
        return "a MusicXML score";
    }
    if text.starts_with("<?xml") || text.starts_with('<') {
        return "an XML document";
    }
    if text.starts_with('{') || text.starts_with('[') {
        return "JSON text";
    }
    if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return "plain text";
    }
    "something else (it does not begin with MThd)"
}
