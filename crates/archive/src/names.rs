//! Names of files out of archives and of clients.

/// A name out of an archive or of a client as a path with single slashes: no root, no drive, no `.` and no `..`, and
/// backslashes are slashes. `None` when nothing is left of it.
pub fn plain_path(name: &str) -> Option<String> {
    let is_drive = |part: &str| part.len() == 2 && part.ends_with(':') && part.as_bytes()[0].is_ascii_alphabetic();
    let parts = name.split(['/', '\\']).map(|part| part.replace(char::is_control, ""));
    let parts: Vec<String> = parts
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty() && part != "." && part != ".." && !is_drive(part))
        .collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// What operating systems leave in folders and archives, and hidden files: nobody means them.
pub fn is_litter(path: &str) -> bool {
    const NAMES: [&str; 3] = ["__macosx", "thumbs.db", "desktop.ini"];
    path.split('/').any(|part| part.starts_with('.') || NAMES.contains(&part.to_ascii_lowercase().as_str()))
}

/// Whether a name is one that no honest archive has: absolute or with a drive, with `.` or `..` as a part (but `./` in front,
/// which tar writes), with control characters, or with a part longer than file systems have.
pub fn is_odd(name: &str) -> bool {
    const PART_BYTES: usize = 255;
    let name = name.strip_prefix("./").unwrap_or(name);
    let name = name.strip_suffix(['/', '\\']).unwrap_or(name);
    let mut parts = name.split(['/', '\\']);
    // An empty first part is the root.
    parts.any(|part| part.is_empty() || part == "." || part == ".." || part.len() > PART_BYTES || is_drive(part))
        || name.contains(char::is_control)
}

fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_only_names() {
        let plain = |name| plain_path(name).unwrap_or_default();
        assert_eq!(plain("../../etc/passwd"), "etc/passwd");
        assert_eq!(plain("/abs/song.mid"), "abs/song.mid");
        assert_eq!(plain("C:\\Windows\\..\\song.mid"), "Windows/song.mid");
        assert_eq!(plain("a/./b//c.mid"), "a/b/c.mid");
        assert_eq!(plain("a\0b\n.mid"), "ab.mid");
        assert_eq!(plain_path("../.."), None);
        assert_eq!(plain_path(""), None);
    }

    #[test]
    fn odd_names_are_known() {
        for odd in ["/etc/passwd", "../x", "a/../x", "a//x", "C:\\x", "c:x", "..", "a\0", "a\n.wav", "", "a/./x", "\\x"]
        {
            assert!(is_odd(odd), "{odd:?}");
        }
        assert!(is_odd(&"x".repeat(256)));
        for plain in ["a.wav", "./a/b.wav", "a\\b.wav", "folder/", "..a", "Sigur Rós/a..b"] {
            assert!(!is_odd(plain), "{plain:?}");
        }
    }

    #[test]
    fn litter_is_known() {
        assert!(
            ["__MACOSX/x.mid", "a/.DS_Store", "a/._song.mid", "Thumbs.db", ".hidden/x.mid"]
                .iter()
                .all(|p| is_litter(p))
        );
        assert!(!is_litter("a/song.mid"));
    }
}
