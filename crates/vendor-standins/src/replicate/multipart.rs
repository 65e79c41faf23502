//! `multipart/form-data` (RFC 7578), read whole.

use bytes::Bytes;

/// One part of a form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content: Bytes,
}

/// All parts, or `None` when it is no such form.
pub fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = content_type.strip_prefix("multipart/form-data")?.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    let delimiter = format!("--{boundary}");
    let mut at = find(body, delimiter.as_bytes(), 0)? + delimiter.len();
    let mut parts = Vec::new();
    loop {
        if body.get(at..at + 2)? == b"--" {
            return Some(parts);
        }
        let head_end = find(body, b"\r\n\r\n", at)?;
        let end = find(body, format!("\r\n{delimiter}").as_bytes(), head_end + 2)?;
        let head = std::str::from_utf8(body.get(at..head_end)?).ok()?;
        parts.push(part(head, body.slice((head_end + 4).min(end)..end))?);
        at = end + 2 + delimiter.len();
    }
}

fn part(head: &str, content: Bytes) -> Option<Part> {
    let header = |wanted: &str| {
        head.lines().find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(wanted)))
    };
    let (_, disposition) = header("content-disposition")?;
    let parameter = |wanted: &str| {
        disposition.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    Some(Part {
        name: parameter("name")?,
        file_name: parameter("filename"),
        content_type: header("content-type").map(|(_, value)| value.trim().to_owned()),
        content,
    })
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_anything_else_refused() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a.wav\"\r\ncontent-type: audio/wav\r\n\r\n\
            \x00\r\n-\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n--b--\r\n";
        let read = parts("multipart/form-data; boundary=\"b\"", &Bytes::from_static(body)).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].file_name.as_deref(), &read[0].content[..]), (Some("a.wav"), &b"\x00\r\n-"[..]));
        assert_eq!(read[0].content_type.as_deref(), Some("audio/wav"));
        assert_eq!((read[1].name.as_str(), read[1].content.len()), ("x", 0));
        for (kind, body) in
            [("text/plain", &body[..]), ("multipart/form-data", body), ("multipart/form-data; boundary=b", &body[..60])]
        {
            assert_eq!(parts(kind, &Bytes::copy_from_slice(body)), None);
        }
    }
}
