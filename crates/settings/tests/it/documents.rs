//! The commented file and the reference page follow the table of keys.

use std::path::{Path, PathBuf};

use settings::{LoadOptions, Settings, docs};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Holds a file against what it should be; `UPDATE_DOCS=1` writes it.
fn check(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(root(path), expected).unwrap();
    }
    let found = std::fs::read_to_string(root(path)).unwrap_or_default();
    assert!(found == expected, "{path} is behind the table of keys: run these tests with UPDATE_DOCS=1");
}

#[test]
fn the_commented_file_is_up_to_date() {
    check("deploy/descant.toml", &docs::file());
}

#[test]
fn the_reference_is_up_to_date() {
    check("docs/settings.md", &docs::reference());
}

/// Each setting in its own words, should the writer of the documents forget one.
#[test]
fn both_name_every_setting() {
    let (file, page) = (docs::file(), docs::reference());
    for setting in docs::documented() {
        let name = setting.key.rsplit('.').next().unwrap();
        assert!(file.contains(&format!("\n#{name} = ")), "{} is missing in the file", setting.key);
        let shown = ["free", "premium", "enterprise"]
            .iter()
            .fold(setting.key.clone(), |key, tier| key.replace(&format!(".tiers.{tier}."), ".tiers.{tier}."));
        let shown = ["anthropic", "elevenlabs", "ml_model", "openai", "replicate"]
            .iter()
            .fold(shown, |key, name| key.replace(&format!("providers.{name}."), "providers.{provider}."));
        assert!(page.contains(&format!("| `{shown}` |")), "{} is missing in the reference", setting.key);
        if !shown.contains('{') {
            assert!(setting.variables.iter().all(|name| page.contains(&format!("`{name}`"))), "{}", setting.key);
        }
    }
}

fn load(text: &str) -> Result<Settings, settings::SettingsErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("descant.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&LoadOptions { file: Some(path), ..LoadOptions::default() })
}

/// The file with its settings no longer commented out.
fn uncommented(keep: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') && !setting.is_empty() && keep(setting) => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    docs::file().lines().map(line).collect()
}

#[test]
fn the_file_says_what_the_defaults_are() {
    let defaults = Settings::load(&LoadOptions::default()).unwrap();
    assert_eq!(load(&docs::file()).unwrap(), defaults, "as it is");
    let text = uncommented(|setting| !setting.contains("# an example"));
    assert!(text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count() > 60, "{text}");
    assert_eq!(load(&text).unwrap(), defaults, "with every default written out");
}

#[test]
fn the_files_examples_are_settings() {
    let errors = load(&uncommented(|_| true))
        .expect_err("the examples of secrets are too short to be used, and nobody has the file of lists");
    let unexpected: Vec<_> = errors
        .0
        .iter()
        .filter(|problem| !["auth.secret", "auth.operator_token", "safety.lists"].contains(&problem.key.as_str()))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}
