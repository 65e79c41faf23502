//! What prompts and lyrics are checked with; reads the operator's word lists.

use std::fs;

use figment::{
    Figment,
    providers::{Format, Toml},
};
use url::Url;

use super::platform::LONGEST_MS;
use crate::{reader::Reader, secret::Secret, sections::*};

pub fn safety(reader: &mut Reader) -> SafetySettings {
    let severities = [("warn", WordSeverity::Warn), ("block", WordSeverity::Block)];
    SafetySettings {
        enabled: reader.flag("safety.enabled").unwrap_or(true),
        refuse_at: reader.word("safety.refuse_at", &severities).unwrap_or(WordSeverity::Block),
        lists: word_lists(reader).unwrap_or_default(),
        replace_built_in: reader.flag("safety.replace_built_in").unwrap_or(false),
    }
}

/// The operator's word lists, read once at the start: what is wrong with them is found before anybody is served.
fn word_lists(reader: &mut Reader) -> Option<Vec<WordList>> {
    const PATH: &str = "safety.lists";
    const MOST_BYTES: u64 = 4 * 1024 * 1024;
    const CATEGORIES: [&str; 8] = ["slur", "hate", "sexual", "vulgar", "violence", "self_harm", "drugs", "other"];
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        entries: Vec<WordList>,
    }
    let path = reader.text(PATH)?;
    let text = match fs::metadata(&path) {
        Ok(file) if file.len() > MOST_BYTES => Err("a file of at most 4 MiB".to_owned()),
        _ => fs::read_to_string(&path).map_err(|error| format!("a file that can be read ({error})")),
    };
    let parsed = text.and_then(|text| {
        let file: File = Figment::from(Toml::string(&text)).extract().map_err(|error| {
            // The value in question is left out: it is a word that somebody wants nobody to read.
            format!("a TOML file of [[entries]]; wrong at {}", error.path.join("."))
        })?;
        match file.entries.iter().position(|entry| !CATEGORIES.contains(&entry.category.as_str())) {
            Some(number) => {
                Err(format!("categories out of {}; entry {number} has none of them", CATEGORIES.join(", ")))
            }
            None => Ok(file.entries),
        }
    });
    match parsed {
        Ok(entries) => Some(entries),
        Err(expected) => {
            reader.wrong(PATH, Some(&expected));
            None
        }
    }
}

pub fn moderation(reader: &mut Reader) -> ModerationSettings {
    const HARMLESS: &str = "http://localhost";
    let url = reader.base_url("moderation.openai_url");
    ModerationSettings {
        api_key: reader.text("moderation.openai_api_key").map(Secret::new),
        url: url.unwrap_or_else(|| Url::parse(HARMLESS).unwrap_or_else(|_| unreachable!("a constant address"))),
        model: reader.text("moderation.model").unwrap_or_default(),
        timeout: reader.millis("moderation.timeout_ms", 1..=LONGEST_MS),
        fail_closed: reader.flag("moderation.fail_closed").unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::{LoadOptions, Settings, sections::WordSeverity};

    fn load(toml: &str) -> Result<Settings, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(toml.as_bytes()).expect("written");
        let path = file.path().to_string_lossy().into_owned();
        Settings::load(&LoadOptions::default().with("safety.lists", path)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn own_lists_are_read_at_the_start() {
        let settings =
            load("[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"other\"\nterms = [\"turnip\"]\n")
                .expect("a good list");
        assert_eq!(settings.safety.lists.len(), 1);
        assert_eq!(settings.safety.lists[0].severity, WordSeverity::Block);
        assert!(settings.safety.enabled && settings.moderation.api_key.is_none());
    }

    #[test]
    fn a_bad_list_is_a_problem_of_the_settings_that_keeps_its_words_to_itself() {
        for toml in [
            "entries = 3",
            "[[entries]]\nlanguage = \"en\"\nseverity = \"awful\"\ncategory = \"other\"\nterms = [\"turnip\"]\n",
            "[[entries]]\nlanguage = \"en\"\nseverity = \"warn\"\ncategory = \"rude\"\nterms = [\"turnip\"]\n",
            "[[entries]]\nturnip = 1\n",
        ] {
            let why = load(toml).expect_err(toml);
            assert!(why.contains("safety.lists"), "{why}");
        }
        let why =
            Settings::load(&LoadOptions::default().with("safety.lists", "/nowhere/words.toml")).expect_err("no file");
        assert!(why.to_string().contains("safety.lists"), "{why}");
    }
}
