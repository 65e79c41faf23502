//! Bodies of several parts (RFC 2046, `multipart/mixed`) that lie in a file: where each part is. Sound may be large, so no part
//! is read into memory here.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// Longest boundary (RFC 2046, section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;
const MOST_PARTS: usize = 16;
/// Longest headers of one part, in bytes.
const LONGEST_HEAD: u64 = 16 * 1024;
const PIECE: usize = 64 * 1024;

/// One part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// In lower case, without parameters; empty where none is said.
    pub media_type: String,
    /// Its content, in bytes from the start of the file.
    pub range: Range<u64>,
}

/// The boundary that a `Content-Type` names.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty() && value.len() <= LONGEST_BOUNDARY).then_some(value)
}

/// The parts between delimiters of a boundary; `None` where it has no end, no part or too many: then it is not whole.
///
/// # Errors
/// Where the file cannot be read.
pub fn parts(file: &mut File, boundary: &str) -> io::Result<Option<Vec<Part>>> {
    let delimiters = delimiters(file, boundary)?;
    let Some(last) = delimiters.iter().position(|delimiter| delimiter.is_last) else { return Ok(None) };
    if last == 0 || last > MOST_PARTS {
        return Ok(None);
    }
    let mut parts = Vec::new();
    for pair in delimiters[..=last].windows(2) {
        let Some((media_type, start)) = head(file, pair[0].end..pair[1].start)? else { return Ok(None) };
        parts.push(Part { media_type, range: start..pair[1].start });
    }
    Ok(Some(parts))
}

/// A line `--boundary` or `--boundary--`.
struct Delimiter {
    /// Of the line break before it, which belongs to it.
    start: u64,
    /// Behind its last hyphen or letter.
    end: u64,
    is_last: bool,
}

fn delimiters(file: &mut File, boundary: &str) -> io::Result<Vec<Delimiter>> {
    let mark = format!("--{boundary}").into_bytes();
    // What may stand around a mark: a line break before it, two hyphens behind it.
    let (before, behind) = (2, 2);
    let mut found: Vec<Delimiter> = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    // Bytes from `at` on; of the end of one piece so much is kept as a mark may need.
    let (mut window, mut at, mut is_over) = (Vec::new(), 0_u64, false);
    while !is_over {
        let had = window.len();
        window.resize(had + PIECE, 0);
        let read = file.read(&mut window[had..])?;
        window.truncate(had + read);
        is_over = read == 0;
        let searched = if is_over { window.len() } else { window.len().saturating_sub(mark.len() + behind) };
        for place in 0..searched {
            if !window[place..].starts_with(&mark) || found.last().is_some_and(|last| last.end > at + place as u64) {
                continue;
            }
            let head = &window[..place];
            let break_bytes = if head.ends_with(b"\r\n") { 2 } else { usize::from(head.ends_with(b"\n")) };
            let rest = &window[place + mark.len()..];
            let is_last = rest.starts_with(b"--");
            let is_line = is_last || rest.first().is_none_or(|next| b"\r\n \t".contains(next));
            if is_line && (break_bytes > 0 || at + place as u64 == 0) {
                let start = at + (place - break_bytes) as u64;
                found.push(Delimiter { start, end: at + (place + mark.len()) as u64, is_last });
            }
        }
        let kept = window.len().min(mark.len() + behind + before);
        at += (window.len() - kept) as u64;
        window.drain(..window.len() - kept);
        if found.len() > MOST_PARTS + 1 {
            break;
        }
    }
    Ok(found)
}

/// The media type that a part's headers say, and where its content begins.
fn head(file: &mut File, part: Range<u64>) -> io::Result<Option<(String, u64)>> {
    file.seek(SeekFrom::Start(part.start))?;
    let mut bytes = Vec::new();
    file.by_ref().take(LONGEST_HEAD.min(part.end.saturating_sub(part.start))).read_to_end(&mut bytes)?;
    let mut media_type = String::new();
    let mut at = 0;
    // The first line is what is left of the delimiter's.
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        at += line.len() as u64;
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() && number > 0 {
            return Ok(Some((media_type, part.start + at)));
        }
        if let Some((name, value)) = text.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-type")
        {
            media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn check(body: &[u8], expected: Option<&[(&str, &[u8])]>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(body).unwrap();
        let found = parts(&mut file, "b7").unwrap().map(|parts| {
            let content = |part: &Part| body[part.range.start as usize..part.range.end as usize].to_vec();
            parts.iter().map(|part| (part.media_type.clone(), content(part))).collect::<Vec<_>>()
        });
        let expected = expected.map(|parts| {
            parts.iter().map(|(kind, content)| ((*kind).to_owned(), content.to_vec())).collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(&body[..body.len().min(300)]));
    }

    #[test]
    fn parts_are_found_in_the_shapes_that_servers_write() {
        let usual = b"--b7\r\nContent-Type: application/json\r\n\r\n{}\r\n--b7\r\ncontent-type: Audio/MPEG; x=1\r\n\r\nabc\r\n--b7--\r\n";
        check(usual, Some(&[("application/json", b"{}"), ("audio/mpeg", b"abc")]));
        check(b"--b7\nContent-Type: a/b\n\nabc\n--b7--", Some(&[("a/b", b"abc")]));
        check(b"words before\r\n--b7  \r\n\r\nabc\r\n--b7--\r\nwords behind", Some(&[("", b"abc")]));
        check(b"--b7\r\n\r\n\r\n--b7--", Some(&[("", b"")]));
        check(b"--b7\r\n\r\na--b7\r\n--b77\r\nz\r\n--b7--", Some(&[("", b"a--b7\r\n--b77\r\nz")]));
    }

    #[test]
    fn what_has_no_end_is_not_whole() {
        for body in [&b""[..], b"abc", b"--b7--", b"--b7\r\n\r\nabc", b"--b7\r\nno blank line\r\n--b7--"] {
            check(body, None);
        }
        let many = "--b7\r\n\r\nx\r\n".repeat(MOST_PARTS + 1) + "--b7--";
        check(many.as_bytes(), None);
        let most = "--b7\r\n\r\nx\r\n".repeat(MOST_PARTS) + "--b7--";
        check(most.as_bytes(), Some(&[("", &b"x"[..]); MOST_PARTS]));
    }

    #[test]
    fn a_delimiter_is_found_wherever_a_piece_ends() {
        for length in PIECE - 60..PIECE + 20 {
            let content = vec![b'-'; length];
            let body = [&b"--b7\r\n\r\n"[..], &content, b"\r\n--b7\r\n\r\nz\r\n--b7--"].concat();
            check(&body, Some(&[("", &content), ("", b"z")]));
        }
    }

    #[test]
    fn boundaries_are_read() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(boundary(text), expected, "{text}");
        check("multipart/mixed; boundary=b7", Some("b7"));
        check("Multipart/Mixed; charset=x; Boundary=\"b 7\"", Some("b 7"));
        check("multipart/mixed", None);
        check("audio/mpeg; boundary=b7", None);
        check(&format!("multipart/mixed; boundary={}", "x".repeat(71)), None);
    }
}
