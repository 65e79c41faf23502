//! An answer that carries its own sound: `multipart/mixed` (RFC 2046, section 5.1) of two parts, JSON and a sound. Nothing of
//! it has to be fetched from the process that made it.

use bytes::Bytes;

pub const MEDIA_TYPE: &str = "multipart/mixed";

/// Longest head of a part.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Longest boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY_CHARS: usize = 70;

/// What stands around the sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The media type with its boundary.
    pub content_type: String,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// The frame of a sound of so many bytes. The boundary must be no part of it: take a random one.
pub fn frame(boundary: &str, json: &[u8], sound_type: &str, sound_bytes: u64) -> Frame {
    let head = |media_type: &str, bytes: u64| {
        format!("--{boundary}\r\ncontent-type: {media_type}\r\ncontent-length: {bytes}\r\n\r\n")
    };
    let mut before = head("application/json", json.len() as u64).into_bytes();
    before.extend_from_slice(json);
    before.extend_from_slice(b"\r\n");
    before.extend_from_slice(head(sound_type, sound_bytes).as_bytes());
    let after = format!("\r\n--{boundary}--\r\n").into_bytes();
    Frame { content_type: format!("{MEDIA_TYPE}; boundary=\"{boundary}\""), before, after }
}

/// The JSON and the sound of an answer; `None` where it is none of that form.
pub fn read(content_type: &str, body: &Bytes) -> Option<(Bytes, Bytes)> {
    let delimiter = format!("--{}", boundary(content_type)?).into_bytes();
    let mut at = find(body, &delimiter)? + delimiter.len();
    let mut parts = Vec::new();
    while parts.len() < 2 {
        let rest = body.get(at..)?;
        // Behind the last one stand two more hyphens.
        let head_at = rest.starts_with(b"\r\n").then_some(at + 2)?;
        let head_window = &body[head_at..body.len().min(head_at + MAX_HEAD_BYTES)];
        let (head, from) = if head_window.starts_with(b"\r\n") {
            (&b""[..], head_at + 2)
        } else {
            let length = find(head_window, b"\r\n\r\n")?;
            (&head_window[..length], head_at + length + 4)
        };
        let mut end_mark = b"\r\n".to_vec();
        end_mark.extend_from_slice(&delimiter);
        // A length that is told saves the search; one that is wrong is not believed.
        let told = length_told(head).and_then(|length| from.checked_add(length));
        let is_end = |end: &usize| body.get(*end..).is_some_and(|rest| rest.starts_with(&end_mark));
        let end = match told.filter(is_end) {
            Some(end) => end,
            None => from + find(body.get(from..)?, &end_mark)?,
        };
        parts.push(body.slice(from..end));
        at = end + end_mark.len();
    }
    let sound = parts.pop()?;
    Some((parts.pop()?, sound))
}

/// Whether a content type is this one.
pub fn is_mixed(content_type: &str) -> bool {
    let name = content_type.split(';').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case(MEDIA_TYPE)
}

/// Whether an `Accept` header names it outright: `*/*` is what older clients say.
pub fn is_accepted(accept: &str) -> bool {
    accept.split(',').any(is_mixed)
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';');
    parts.next().filter(|name| name.trim().eq_ignore_ascii_case(MEDIA_TYPE))?;
    let value = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    })?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (1..=MAX_BOUNDARY_CHARS).contains(&value.len()).then_some(value)
}

fn length_told(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str, sound: &[u8]) -> (String, Bytes) {
        let Frame { content_type, before, after } = frame("b-7e57", json.as_bytes(), "audio/wav", sound.len() as u64);
        (content_type, [before.as_slice(), sound, &after].concat().into())
    }

    #[test]
    fn what_is_written_is_read() {
        for sound in [&b""[..], b"RIFF", b"\r\n--b-7e5\r\n--\r\n\r\n", &[0; 5000]] {
            let (content_type, body) = written("{\"a\":1}", sound);
            let (json, read) = read(&content_type, &body).unwrap();
            assert_eq!((&json[..], &read[..]), (&b"{\"a\":1}"[..], sound));
        }
    }

    #[test]
    fn other_spellings_of_the_form_are_read() {
        let body = "preamble\r\n--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\n\r\nsound\r\n--x--";
        let check = |content_type: &str, body: &str, expected: Option<(&str, &str)>| {
            let read = read(content_type, &Bytes::copy_from_slice(body.as_bytes()));
            let read = read
                .as_ref()
                .map(|(json, sound)| (std::str::from_utf8(json).unwrap(), std::str::from_utf8(sound).unwrap()));
            assert_eq!(read, expected, "{content_type}: {body:?}");
        };
        check("multipart/mixed; boundary=x", body, Some(("{}", "sound")));
        check("Multipart/Mixed; charset=utf-8; Boundary=\"x\"", body, Some(("{}", "sound")));
        let lied = body.replace("Content-Type: application/json", "content-length: 9999999999999999999");
        check("multipart/mixed; boundary=x", &lied, Some(("{}", "sound")));
        let short = body.replace("Content-Type: application/json", "content-length: 1");
        check("multipart/mixed; boundary=x", &short, Some(("{}", "sound")));
        for content_type in ["multipart/mixed", "multipart/form-data; boundary=x", "multipart/mixed; boundary=\"\""] {
            check(content_type, body, None);
        }
        for end in 0..body.len() - 2 {
            assert_eq!(read("multipart/mixed; boundary=x", &Bytes::copy_from_slice(&body.as_bytes()[..end])), None);
        }
    }

    #[test]
    fn parts_go_only_to_who_asks_for_them() {
        assert!(is_accepted("multipart/mixed, application/json;q=0.9"));
        assert!(is_accepted("application/json, multipart/mixed;q=0.5"));
        assert!(!is_accepted("*/*"));
        assert!(!is_accepted("application/json"));
    }
}
