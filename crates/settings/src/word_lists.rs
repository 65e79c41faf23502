//! The file of word lists that `safety.lists` names, and the gate that it makes with the built-in ones.

use std::{fs, path::Path};

use figment::{
    Figment,
    error::Kind,
    providers::{Format, Toml},
};
use safety::{ListEntry, SafetyLists, WordGate};
use serde::Deserialize;

use crate::sections::SafetySettings;

const MOST_BYTES: u64 = 4 * 1024 * 1024;

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
    entries: Vec<ListEntry>,
}

/// Reads a TOML file of `[[entries]]`, each a [`ListEntry`]. Blocking; meant for the start of a service.
pub fn read_word_lists(path: &Path) -> Result<Vec<ListEntry>, WordListError> {
    let wrong = |expected: String| WordListError { path: path.display().to_string(), expected };
    if fs::metadata(path).is_ok_and(|file| file.len() > MOST_BYTES) {
        return Err(wrong("a file of at most 4 MiB".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("a file that can be read ({error})")))?;
    let file: File = Figment::from(Toml::string(&text)).extract().map_err(|error| wrong(expected(&error)))?;
    Ok(file.entries)
}

/// What the file should be, said as near to the mistake as can be without a word of the file.
fn expected(error: &figment::Error) -> String {
    match (&error.kind, error.path.as_slice()) {
        (Kind::UnknownVariant(_, known), [_, index, field]) => {
            let number = index.parse().map_or(0, |index: usize| index + 1);
            format!("of {field} {}; entry {number} has none of them", known.join(", "))
        }
        _ => {
            "a TOML file of [[entries]] with language, severity (warn or block), category, terms and allowed_in".into()
        }
    }
}

impl SafetySettings {
    /// The gate that these settings describe, with the operator's own lists. Blocking; meant for the start of a service.
    ///
    /// # Errors
    /// A file of word lists that cannot be used.
    pub fn word_gate(&self) -> Result<WordGate, WordListError> {
        let own = self.lists.as_deref().map(read_word_lists).transpose()?.unwrap_or_default();
        if !self.enabled {
            return Ok(WordGate::open());
        }
        let base = if self.replace_built_in { SafetyLists::default() } else { safety::built_in().clone() };
        Ok(WordGate::new(base.with(&own), self.refuse_at))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use safety::{Category, Severity};

    use super::*;

    fn file_of(toml: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(toml.as_bytes()).expect("written");
        file
    }

    fn read(toml: &str) -> Result<Vec<ListEntry>, WordListError> {
        read_word_lists(file_of(toml).path())
    }

    #[test]
    fn entries_are_read() {
        let toml = "[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"other\"\nterms = [\"turnip\"]\n";
        let lists = read(toml).expect("a good list");
        assert_eq!((lists.len(), lists[0].severity, lists[0].category), (1, Severity::Block, Category::Other));
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
        let good = format!("{entry}severity = \"warn\"\ncategory = \"self_harm\"\n");
        let why = read(&format!("{good}{entry}severity = \"warn\"\ncategory = \"rude\"\n")).expect_err("a category");
        assert!(
            why.to_string().contains("category slur, hate") && why.to_string().contains("entry 2 has none"),
            "{why}"
        );
        let why = read(&format!("{good}{entry}severity = \"rude\"\ncategory = \"hate\"\n")).expect_err("a severity");
        assert!(why.to_string().contains("severity warn, block; entry 2 has none"), "{why}");
        assert!(read_word_lists(Path::new("/nowhere/words.toml")).is_err());
    }

    #[test]
    fn the_gate_has_the_severity_and_the_lists_of_the_settings() {
        let toml = "[[entries]]\nlanguage = \"en\"\nseverity = \"warn\"\ncategory = \"other\"\nterms = [\"turnip\"]\n\
                    allowed_in = [\"turnip soup\"]\n";
        let file = file_of(toml);
        let settings = SafetySettings {
            enabled: true,
            refuse_at: Severity::Block,
            lists: Some(file.path().to_owned()),
            replace_built_in: false,
        };
        let vulgar = String::from_utf8(vec![115, 104, 105, 116]).expect("ascii");
        let gate = |settings: &SafetySettings| settings.word_gate().expect("a good list");
        assert!(gate(&settings).admit("prompt", "a song about a turnip").is_ok());
        assert!(gate(&settings).admit("prompt", &format!("a {vulgar} song")).is_err());
        let strict = gate(&SafetySettings { refuse_at: Severity::Warn, ..settings.clone() });
        assert!(strict.admit("prompt", "a song about a turnip").is_err());
        assert!(strict.admit("prompt", "a song about turnip soup").is_ok());
        let own_only = gate(&SafetySettings { replace_built_in: true, ..settings.clone() });
        assert!(own_only.admit("prompt", &vulgar).is_ok());
        let off = gate(&SafetySettings { enabled: false, ..settings.clone() });
        assert!(off.admit("prompt", &vulgar).is_ok());
        let lost = SafetySettings { lists: Some("/nowhere/words.toml".into()), ..settings };
        assert!(lost.word_gate().is_err());
    }
}
