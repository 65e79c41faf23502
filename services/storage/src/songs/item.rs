//! What a source of files gives, one by one.

use super::refusal::Refusal;

/// A file, or why there is none.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Its name, with those of the folders and the archive that it was in. Only text: it is never opened.
    pub path: String,
    pub content: Result<Vec<u8>, Refusal>,
}

/// Whoever reads has seen enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop;

/// Where files go, and which are wanted at all; the others are not even unpacked where that can be helped.
pub trait Sink {
    fn wants(&self, path: &str) -> bool;
    fn take(&mut self, item: Item) -> Result<(), Stop>;
}

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
    fn litter_is_known() {
        assert!(
            ["__MACOSX/x.mid", "a/.DS_Store", "a/._song.mid", "Thumbs.db", ".hidden/x.mid"]
                .iter()
                .all(|p| is_litter(p))
        );
        assert!(!is_litter("a/song.mid"));
    }
}
