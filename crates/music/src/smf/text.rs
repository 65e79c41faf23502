//! Names and lyrics, which files hold in whatever encoding their writer used, as valid text.

use encoding_rs::{Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Characters of a name that are kept.
const LONGEST_NAME: usize = 255;

/// What texts that are not UTF-8 are read as; one file has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Old {
    ShiftJis,
    /// A superset of Latin-1's letters.
    Windows1252,
}

/// Judges all texts of a file together: a single short one says little.
pub(super) fn guess<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Old {
    let (mut japanese, mut not_japanese) = (0_usize, 0_usize);
    for text in texts {
        match tag(text) {
            Some((Tag::Japanese, _)) => return Old::ShiftJis,
            Some((Tag::Latin, _)) => return Old::Windows1252,
            None if utf_16(text).is_some() || str::from_utf8(text).is_ok() => {}
            None => match SHIFT_JIS.decode_without_bom_handling_and_without_replacement(text) {
                Some(decoded) if looks_japanese(&decoded) => japanese += 1,
                Some(decoded) if !has_private_use(&decoded) => {}
                _ => not_japanese += 1,
            },
        }
    }
    if japanese > 0 && not_japanese * 4 <= japanese { Old::ShiftJis } else { Old::Windows1252 }
}

/// Kana, two ideographs in a row, or three half-width kana in a row. Accented letters of Latin-1 make one of the latter
/// two by chance, with the letter that follows, but seldom more.
fn looks_japanese(text: &str) -> bool {
    let run =
        |length: usize, of: fn(char) -> bool| text.split(|c| !of(c)).any(|run| run.chars().nth(length - 1).is_some());
    !has_private_use(text)
        && (run(1, |c| ('\u{3041}'..='\u{30fe}').contains(&c))
            || run(2, |c| ('\u{4e00}'..='\u{9fff}').contains(&c))
            || run(3, |c| ('\u{ff66}'..='\u{ff9f}').contains(&c)))
}

fn has_private_use(text: &str) -> bool {
    text.contains(|c| ('\u{e000}'..='\u{f8ff}').contains(&c))
}

#[derive(Clone, Copy)]
enum Tag {
    Latin,
    Japanese,
}

/// A language tag at the start (RP-026), and what follows it.
fn tag(text: &[u8]) -> Option<(Tag, &[u8])> {
    let tags: [(&[u8], Tag); 2] = [(b"{@LATIN}", Tag::Latin), (b"{@JP}", Tag::Japanese)];
    tags.into_iter().find_map(|(tag, meaning)| {
        let (head, rest) = text.split_at_checked(tag.len())?;
        head.eq_ignore_ascii_case(tag).then_some((meaning, rest))
    })
}

/// UTF-16 with a byte order mark, or what can only be it: every other byte is 0.
fn utf_16(text: &[u8]) -> Option<&'static Encoding> {
    match text {
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        _ => {}
    }
    let zeros = |from: usize| text.iter().skip(from).step_by(2).all(|byte| *byte == 0);
    match text.len() {
        length if length < 4 || length % 2 == 1 || text.iter().all(|byte| *byte == 0) => None,
        _ if zeros(0) => Some(UTF_16BE),
        _ if zeros(1) => Some(UTF_16LE),
        _ => None,
    }
}

/// Decodes a text; what is none of the encodings comes out as the letters that its bytes have in Windows-1252.
pub(super) fn decode(text: &[u8], old: Old) -> String {
    let text = tag(text).map_or(text, |(_, rest)| rest);
    if let Some(encoding) = utf_16(text) {
        return encoding.decode(text).0.into_owned();
    }
    if let Ok(text) = str::from_utf8(text) {
        return text.to_owned();
    }
    let japanese =
        if old == Old::ShiftJis { SHIFT_JIS.decode_without_bom_handling_and_without_replacement(text) } else { None };
    japanese.unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(text).0).into_owned()
}

/// A name: without what cannot be printed, and without spaces around it.
pub(super) fn name(text: &str) -> String {
    let printable: String = text.chars().filter(|c| !c.is_control() && *c != '\u{feff}').collect();
    let kept: String = printable.trim().chars().take(LONGEST_NAME).collect();
    kept.trim_end().to_owned()
}

/// A syllable: its spaces are part of it, and so are line breaks, which are `\n` however they were written.
pub(super) fn syllable(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
    text.chars().filter(|c| *c == '\n' || !c.is_control() && *c != '\u{feff}').collect()
}

/// A syllable of a karaoke file, where a stroke begins a line and a backslash a paragraph.
pub(super) fn karaoke(text: &str) -> String {
    let text = syllable(text);
    match text.chars().next() {
        Some('/') => format!("\n{}", &text[1..]),
        Some('\\') => format!("\n\n{}", &text[1..]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&[u8]]) -> Vec<String> {
        let old = guess(texts.iter().copied());
        texts.iter().map(|text| decode(text, old)).collect()
    }

    #[test]
    fn every_encoding_comes_out_as_text() {
        assert_eq!(read(&["Müller".as_bytes()]), ["Müller"]);
        assert_eq!(read(&[b"\xfe\xff\0M\0\xfc"]), ["Mü"]);
        assert_eq!(read(&[b"\xff\xfeM\0\xfc\0"]), ["Mü"]);
        assert_eq!(read(&[b"B\0a\0c\0h\0"]), ["Bach"]);
        assert_eq!(read(&[b"\x83\x5c"]), ["ソ"]);
        assert_eq!(read(&[b"\x93\xfa\x96\x7b\x82\xcc\x89\xcc"]), ["日本の歌"]);
        assert_eq!(read(&[b"Andr\xe9"]), ["André"]);
        assert_eq!(read(&[b"{@LATIN}\x83\x5c"]), ["ƒ\\"]);
        assert_eq!(read(&[b"{@jp}", b"\x93\xfa"]), ["", "日"]);
    }

    #[test]
    fn accented_letters_are_not_taken_for_japanese() {
        for text in [&b"Fr\xe8re Jacques"[..], b"Fu\xdfball", b"Th\xe9m\xe9", b"El ni\xf1o que so\xf1aba", b"\xa9 1998"]
        {
            assert_eq!(guess([text].into_iter()), Old::Windows1252, "{text:x?}");
        }
    }

    #[test]
    fn one_text_that_is_none_does_not_decide_for_a_file() {
        let texts: [&[u8]; 6] = [b"\x83\x5c", b"\x82\xa0", b"\x82\xa2", b"\x82\xa4", b"\x82\xa6", b"\xff"];
        assert_eq!(read(&texts), ["ソ", "あ", "い", "う", "え", "ÿ"]);
    }

    #[test]
    fn names_and_syllables_are_clean() {
        assert_eq!(name("\u{feff} Lead\0\r\n "), "Lead");
        assert_eq!(name(&"é".repeat(300)).chars().count(), 255);
        assert_eq!(syllable("la \r\0"), "la \n");
        assert_eq!([karaoke("\\Oh"), karaoke("/when"), karaoke(" the")], ["\n\nOh", "\nwhen", " the"]);
    }
}
