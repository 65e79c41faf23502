//! The name that a download is saved under, whichever way it is fetched.

/// A `Content-Disposition` that names a download: a plain form for old clients and an exact one (RFC 6266, RFC 8187).
/// Nothing in the name can end the header or begin another parameter.
pub fn attachment(file_name: &str) -> String {
    let plain: String =
        file_name.chars().map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' }).collect();
    let exact: String = file_name
        .bytes()
        .map(|byte| match byte {
            b if b.is_ascii_alphanumeric() || b"._-".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_named_in_both_forms() {
        assert_eq!(attachment("my song.mp3"), "attachment; filename=\"my song.mp3\"; filename*=UTF-8''my%20song.mp3");
        assert_eq!(
            attachment("Grüße\".mp3"),
            "attachment; filename=\"Gr__e_.mp3\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%22.mp3"
        );
        // An asterisk and an apostrophe have a meaning of their own there.
        assert!(attachment("*it's*.mp3").ends_with("; filename*=UTF-8''%2Ait%27s%2A.mp3"));
        let hostile = attachment("a\r\nSet-Cookie: x=1;.mp3");
        assert!(!hostile.contains(['\r', '\n']) && hostile.matches(';').count() == 2, "{hostile}");
    }
}
