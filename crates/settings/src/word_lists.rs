//! The file of word lists that `safety.lists` names.

use std::{fs, path::Path};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;

use crate::sections::WordList;

const MOST_BYTES: u64 = 4 * 1024 * 1024;
const CATEGORIES: [&str; 8] = ["slur", "hate", "sexual", "vulgar", "violence", "self_harm", "drugs", "other"];

/// Why a file of word lists cannot be used. Never repeats what the file says: it is full of words that nobody wants to
/// read.
#[derive(Debug, thiserror::Error)]
#[error("safety.lists names {path}, which must be {expected}")]
pub struct WordListError {
    path: String,
    expected: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entries: Vec<WordList>,
}

/// Reads a TOML file of `[[entries]]`. Blocking; meant for the start of a service.
pub fn read_word_lists(path: &Path) -> Result<Vec<WordList>, WordListError> {
    let wrong = |expected: String| WordListError { path: path.display().to_string(), expected };
    if fs::metadata(path).is_ok_and(|file| file.len() > MOST_BYTES) {
        return Err(wrong("a file of at most 4 MiB".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("a file that can be read ({error})")))?;
    let file: File = Figment::from(Toml::string(&text)).extract().map_err(|_| {
        wrong(
            "a TOML file of [[entries]] with language, severity (warn or block), category, terms and allowed_in".into(),
        )
    })?;
    match file.entries.iter().position(|entry| !CATEGORIES.contains(&entry.category.as_str())) {
        Some(number) => {
            Err(wrong(format!("of categories {}; entry {} has none of them", CATEGORIES.join(", "), number + 1)))
        }
        None => Ok(file.entries),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::sections::WordSeverity;

    fn read(toml: &str) -> Result<Vec<WordList>, WordListError> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(toml.as_bytes()).expect("written");
        read_word_lists(file.path())
    }

    #[test]
    fn entries_are_read() {
        let toml = "[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"other\"\nterms = [\"turnip\"]\n";
        let lists = read(toml).expect("a good list");
        assert_eq!((lists.len(), lists[0].severity), (1, WordSeverity::Block));
        assert_eq!(lists[0].terms, ["turnip"]);
    }

    #[test]
    fn a_bad_file_says_what_is_wanted_and_keeps_its_words_to_itself() {
        let entry = "[[entries]]\nlanguage = \"en\"\nterms = [\"turnip\"]\n";
        for toml in [
            "entries = 3".to_owned(),
            "[[entries]]\nturnip = 1\n".to_owned(),
            format!("{entry}severity = \"awful\"\ncategory = \"other\"\n"),
            format!("{entry}severity = \"warn\"\ncategory = \"rude\"\n"),
        ] {
            let why = read(&toml).expect_err(&toml).to_string();
            assert!(why.contains("safety.lists") && !why.contains("turnip"), "{why}");
        }
        assert!(read_word_lists(Path::new("/nowhere/words.toml")).is_err());
    }
}
