//! The `Content-Disposition` of a form's part (RFC 7578), read as browsers and older clients really write it. A name in
//! another encoding, or with quotes that nobody escaped, is still a name: it decides nothing.

/// Longest file name that is kept.
const MAX_NAME_CHARS: usize = 255;

/// What a part says of itself.
#[derive(Debug, PartialEq)]
pub struct Disposition {
    pub name: String,
    /// `Some("")` is a file field in which nothing was chosen.
    pub file_name: Option<String>,
}

impl Disposition {
    /// `None` for what is no part of a form.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (kind, parameters) = header.split_at(header.iter().position(|byte| *byte == b';')?);
        if !kind.trim_ascii().eq_ignore_ascii_case(b"form-data") {
            return None;
        }
        let (mut name, mut plain, mut extended) = (None, None, None);
        for (key, value) in Parameters(parameters) {
            let place = match key.to_ascii_lowercase().as_slice() {
                b"name" => &mut name,
                b"filename" => &mut plain,
                b"filename*" => &mut extended,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        let file_name = match (extended.as_deref().map(|value| (extended_value(value), value)), plain) {
            (Some((Some(name), _)), _) => Some(name),
            (_, Some(plain)) => Some(text(&plain)),
            (Some((None, raw)), None) => Some(text(raw)),
            (None, None) => None,
        };
        Some(Self { name: text(&name?), file_name: file_name.map(|name| shown(&name)) })
    }
}

/// The parameters behind a semicolon, as bytes and without their quotes.
struct Parameters<'a>(&'a [u8]);

impl Iterator for Parameters<'_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.0.strip_prefix(b";")?.trim_ascii_start();
            let end = rest.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(rest.len());
            let (key, rest) = rest.split_at(end);
            let Some(rest) = rest.strip_prefix(b"=") else {
                // A word without a value says nothing.
                self.0 = rest;
                continue;
            };
            let rest = rest.trim_ascii_start();
            let (value, rest) = match rest.strip_prefix(b"\"") {
                Some(quoted) => quoted_value(quoted),
                None => {
                    let end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
                    (rest[..end].trim_ascii().to_vec(), &rest[end..])
                }
            };
            self.0 = rest;
            return Some((key.trim_ascii().to_vec(), value));
        }
    }
}

/// A value up to the quote that ends it, and what follows. A backslash only escapes quotes and itself (others stand in
/// paths of Windows), and a quote inside that nobody escaped is one that neither a semicolon nor the end follows.
fn quoted_value(quoted: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut at = 0;
    while let Some(byte) = quoted.get(at) {
        let rest = &quoted[at + 1..];
        match (byte, rest.first()) {
            (b'\\', Some(escaped @ (b'"' | b'\\'))) => {
                value.push(*escaped);
                at += 1;
            }
            (b'"', _) => match rest.trim_ascii_start() {
                end @ ([] | [b';', ..]) => return (value, end),
                _ => value.push(b'"'),
            },
            (byte, _) => value.push(*byte),
        }
        at += 1;
    }
    (value, &[])
}

/// `UTF-8''na%C3%AFve.wav` (RFC 8187).
fn extended_value(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => *byte,
        });
    }
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        Some(latin1(&bytes))
    } else {
        None
    }
}

/// UTF-8 as it should be; else every byte is a character of Latin-1, which at least keeps the ASCII in between.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| latin1(bytes))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// A file's name alone: no folders, nothing that a log or a row could not hold. The end is kept, for its ending.
fn shown(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: Vec<char> = name.chars().filter(|c| !c.is_control()).collect();
    kept[kept.len().saturating_sub(MAX_NAME_CHARS)..].iter().collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_name(rest: &[u8]) -> Option<String> {
        let header = [b"form-data; name=\"audio\"; ", rest].concat();
        let parsed = Disposition::parse(&header).expect("a part of a form");
        assert_eq!(parsed.name, "audio", "{parsed:?}");
        parsed.file_name
    }

    #[test]
    fn a_name_is_shown_as_well_as_can_be() {
        for (rest, name) in [
            (b"filename=\"hum.wav\"".as_slice(), "hum.wav"),
            (b"filename=hum.wav", "hum.wav"),
            (b"FileName = \"hum.wav\" ", "hum.wav"),
            ("filename=\"über.wav\"".as_bytes(), "über.wav"),
            (b"filename=\"\xfcber.wav\"", "über.wav"),
            (b"filename=\"\x8e\x8c.wav\"", ".wav"),
            (b"filename=\"\xff\xfe\xff.wav\"", "ÿþÿ.wav"),
            (b"filename=\"say \\\"hum\\\".wav\"", "say \"hum\".wav"),
            (b"filename=\"say \"hum\".wav\"", "say \"hum\".wav"),
            (b"filename=\"a;b=c.wav\"; x=y", "a;b=c.wav"),
            (b"filename=\"C:\\Users\\me\\hum.wav\"", "hum.wav"),
            (b"filename=\"../../hum.wav\"", "hum.wav"),
            (b"filename=\"no end.wav", "no end.wav"),
            (b"filename*=UTF-8''na%C3%AFve.wav", "naïve.wav"),
            (b"filename=\"naive.wav\"; filename*=utf-8'en'na%c3%afve.wav", "naïve.wav"),
            (b"filename*=iso-8859-1''%FCber.wav; filename=\"uber.wav\"", "über.wav"),
            (b"filename*=UTF-8''%FF.wav; filename=\"plain.wav\"", "plain.wav"),
            (b"filename*=UTF-8''%zz.wav", "UTF-8''%zz.wav"),
            (b"filename*=koi8-r''%C1.wav; filename=plain.wav", "plain.wav"),
            (b"filename*=UTF-8''a%00%0a.wav", "a.wav"),
            (b"filename=\"first.wav\"; filename=\"second.wav\"", "first.wav"),
            (b"filename=\"\"", ""),
            (b"filename=", ""),
        ] {
            assert_eq!(file_name(rest).as_deref(), Some(name), "{}", String::from_utf8_lossy(rest));
        }
        assert_eq!(file_name(b"filename"), None);
        let long = format!("filename=\"{}.wav\"", "x".repeat(4000));
        let kept = file_name(long.as_bytes()).expect("a name");
        assert!(kept.len() == MAX_NAME_CHARS && kept.ends_with(".wav"), "{kept}");
    }

    #[test]
    fn what_is_no_part_of_a_form_has_no_name() {
        for header in [
            "",
            "form-data",
            "form-data;",
            "form-data; filename=\"x\"",
            "attachment; name=\"audio\"",
            ";;=;\"",
            "form-data;=;==\"",
        ] {
            assert_eq!(Disposition::parse(header.as_bytes()), None, "{header}");
        }
        let odd = Disposition::parse(b"Form-Data ;; x ; name = \"a\xe9\" ;").expect("a part");
        assert_eq!(odd, Disposition { name: "aé".to_owned(), file_name: None });
    }
}
