//! A list of names that comes with the files: CSV with a heading that has `file`, `title` and, if it likes, `artist`.

use std::collections::HashMap;

use archive::plain_path;

/// Titles and artists by file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamesList {
    names: HashMap<String, Listed>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    pub title: String,
    pub artist: Option<String>,
}

/// A list has more lines than are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl NamesList {
    /// Whether a file of this name may be a list.
    pub fn is_named(path: &str) -> bool {
        path.len() >= 4 && path.get(path.len() - 4..).is_some_and(|ending| ending.eq_ignore_ascii_case(".csv"))
    }

    /// Reads the list at `path`; files are named as seen from its folder. `None` when it is no such list; the error is that it
    /// has more lines than `most_lines`.
    pub fn read(path: &str, bytes: &[u8], most_lines: usize) -> Option<Result<Self, TooLong>> {
        let folder = path.rsplit_once('/').map(|(folder, _)| folder);
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // Spreadsheets in half of Europe write semicolons.
        let heading = text.lines().next()?;
        let delimiter = if heading.contains(';') && !heading.contains(',') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
        let headings = reader.headers().ok()?.clone();
        let column = |name: &str| headings.iter().position(|heading| heading.trim().eq_ignore_ascii_case(name));
        let (file, title, artist) = (column("file")?, column("title")?, column("artist"));
        let mut names = HashMap::new();
        for (count, record) in reader.records().enumerate() {
            if count >= most_lines {
                return Some(Err(TooLong));
            }
            let Ok(record) = record else { continue };
            let field = |at: usize| record.get(at).map(str::trim).filter(|text| !text.is_empty());
            let (Some(file), Some(title)) = (field(file).and_then(plain_path), field(title)) else { continue };
            let file = folder.map_or(file.clone(), |folder| format!("{folder}/{file}"));
            let artist = artist.and_then(field).map(str::to_owned);
            names.insert(file.to_lowercase(), Listed { title: title.to_owned(), artist });
        }
        Some(Ok(Self { names }))
    }

    pub fn extend(&mut self, other: Self) {
        self.names.extend(other.names);
    }

    /// Songs that it names.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// What the list says of the file at `path`.
    pub fn of(&self, path: &str) -> Option<&Listed> {
        self.names.get(&path.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_spreadsheets_write_them() {
        let comma = NamesList::read(
            "a.zip/list.csv",
            b"\xef\xbb\xbfFile,Artist,Title\r\n\"x,1.mid\",Queen,\"A \"\"B\"\"\"\r\nsub\\y.mid,,C\n,,\n",
            10,
        );
        let comma = comma.unwrap().unwrap();
        assert_eq!(comma.of("a.zip/X,1.mid").unwrap().title, "A \"B\"");
        assert_eq!(comma.of("a.zip/sub/y.mid").unwrap().artist, None);
        assert_eq!(comma.of("y.mid"), None);
        let semicolon =
            NamesList::read("list.csv", "file;title;artist\nx.mid;Über;Ä\n".as_bytes(), 10).unwrap().unwrap();
        assert_eq!(semicolon.of("x.mid").unwrap().artist.as_deref(), Some("Ä"));
    }

    /// Also lines that name nothing, or one file again, are lines.
    #[test]
    fn a_list_of_too_many_lines_is_refused_whole() {
        let list = b"file,title\na.mid,A\n,\na.mid,A\nb.mid,B\n";
        assert_eq!(NamesList::read("list.csv", list, 4).unwrap().map(|list| list.count()), Ok(2));
        assert_eq!(NamesList::read("list.csv", list, 3), Some(Err(TooLong)));
    }

    #[test]
    fn other_tables_are_none() {
        for other in [&b""[..], b"a,b\n1,2\n", b"\0\xff\xfe", b"title,artist\nx,y\n"] {
            assert_eq!(NamesList::read("list.csv", other, 10), None);
        }
        assert!(NamesList::is_named("a/Songs.CSV") && !NamesList::is_named("a/csv") && !NamesList::is_named("ä.c"));
    }
}
