//! The table of every key: its default, its variables, what it expects and what it means. The defaults that are read,
//! the commented file and the reference page all come from here.

mod engine;
mod expert;
mod music;
mod outbound;
mod platform;
mod providers;
mod safety;

use domain::Tier;

pub use providers::{BUILT_IN_PROVIDERS, VENDOR_VARIABLES};

/// One setting. `default` and `example` are TOML values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Dotted; `{tier}` stands for each of `free`, `premium` and `enterprise`, `{provider}` for the name of any table of
    /// providers.
    pub path: &'static str,
    /// Variables that set it besides the systematic one, the stronger first.
    pub env: &'static [&'static str],
    /// `None`: nothing is set by default, and `meaning` says what that means.
    pub default: Option<&'static str>,
    /// What a value must be.
    pub expected: &'static str,
    pub example: &'static str,
    pub secret: bool,
    pub meaning: &'static str,
}

impl Key {
    /// A key with a default.
    const fn new(
        path: &'static str,
        default: &'static str,
        expected: &'static str,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { path, env: &[], default: Some(default), expected, example, secret: false, meaning }
    }

    /// A key that nothing is set for by default.
    const fn unset(path: &'static str, expected: &'static str, example: &'static str, meaning: &'static str) -> Self {
        Self { path, env: &[], default: None, expected, example, secret: false, meaning }
    }

    const fn env(mut self, names: &'static [&'static str]) -> Self {
        self.env = names;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// A group of keys under one heading of the file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Empty for the keys above all headings.
    pub name: &'static str,
    pub about: &'static str,
    pub keys: &'static [Key],
}

/// All sections in the order of the file.
pub const SECTIONS: &[Section] = &[
    platform::GENERAL,
    platform::HTTP,
    platform::DATABASE,
    platform::RABBITMQ,
    platform::OBJECTS,
    platform::AUTH,
    platform::JOBS,
    platform::PROVIDERS,
    providers::PROVIDER,
    providers::CAPABILITIES,
    providers::SPENDING,
    outbound::OUTBOUND,
    engine::ENGINE,
    safety::SAFETY,
    safety::MODERATION,
    expert::EXPERT,
    music::AUDIO,
    music::AUDIO_TIERS,
    music::QUOTA_FREE,
    music::QUOTA_PREMIUM,
    music::QUOTA_ENTERPRISE,
    music::BLEND,
    music::TRAINING,
    music::TRAINING_TIERS,
    music::RETENTION,
    music::QUALITY,
    platform::LOG,
];

/// Variables of earlier systems that set nothing here, and why.
pub const IGNORED_VARIABLES: &[(&str, &str)] = &[
    ("REDIS_HOST", "jobs are rows and wake-ups go through RabbitMQ; there is no Redis"),
    ("REDIS_PORT", "jobs are rows and wake-ups go through RabbitMQ; there is no Redis"),
    ("MUSIC_GENERATION_PROVIDER", "who composes is said by [capabilities] compositions"),
];

/// Variables that begin with `DESCANT_` and are no settings: the settings file itself, the client commands' server and
/// token, and what only tests read.
pub const OTHER_VARIABLES: &[&str] = &["DESCANT_CONFIG", "DESCANT_SERVER", "DESCANT_TOKEN", "DESCANT_SHARED_DATA"];
/// Tests only.
pub const TEST_PREFIX: &str = "DESCANT_TEST_";

const TIER: &str = "{tier}";
const PROVIDER: &str = "{provider}";

/// Every key under its full path, each `{tier}` written out, and each `{provider}` as the built-in tables.
pub fn entries() -> impl Iterator<Item = (String, &'static Key)> {
    entries_with(&[])
}

/// The same with more tables of providers.
pub fn entries_with(providers: &[String]) -> impl Iterator<Item = (String, &'static Key)> {
    let tables: Vec<String> =
        BUILT_IN_PROVIDERS.iter().map(|name| (*name).to_owned()).chain(providers.iter().cloned()).collect();
    SECTIONS.iter().flat_map(|section| section.keys).flat_map(move |key| {
        let (stands, names): (&str, Vec<String>) = if key.path.contains(TIER) {
            (TIER, Tier::ALL.iter().map(ToString::to_string).collect())
        } else if key.path.contains(PROVIDER) {
            (PROVIDER, tables.clone())
        } else {
            (TIER, vec![String::new()])
        };
        names.into_iter().map(move |name| (key.path.replace(stands, &name), key))
    })
}

/// The key at a full path.
pub fn find(path: &str) -> Option<&'static Key> {
    entries().find(|(entry, _)| entry == path).map(|(_, key)| key).or_else(|| {
        let (name, last) = path.strip_prefix("providers.")?.split_once('.')?;
        let keys = || SECTIONS.iter().flat_map(|section| section.keys);
        keys().find(|key| is_provider_name(name) && key.path.strip_prefix("providers.{provider}.") == Some(last))
    })
}

/// Whether a table of providers may be called that.
pub fn is_provider_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        && name.len() <= 32
        && !name.contains("__")
}

/// The variables that set a key besides the systematic one, the stronger first.
pub fn other_variables(path: &str, key: &Key) -> Vec<&'static str> {
    let vendors = VENDOR_VARIABLES.iter().filter(|(_, sets)| *sets == path).map(|(name, _)| *name);
    key.env.iter().copied().chain(vendors).collect()
}

/// The systematic variable of a path: `http.port` is `DESCANT_HTTP__PORT`.
pub fn variable(path: &str) -> String {
    format!("DESCANT_{}", path.to_ascii_uppercase().replace('.', "__"))
}

/// A TOML value as a variable would hold it.
pub fn as_variable(toml: &str) -> String {
    toml.trim_matches(['[', ']']).replace('"', "").replace(", ", ",")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn paths_and_variables_are_unique() {
        let mut paths = BTreeSet::new();
        let mut variables: BTreeSet<String> = OTHER_VARIABLES.iter().map(|name| (*name).to_owned()).collect();
        for (path, key) in entries() {
            assert!(variables.insert(variable(&path)), "{path}");
            assert!(paths.insert(path.clone()), "{path}");
            assert!(path == path.to_ascii_lowercase() && !path.contains("__"), "{path}");
            let own = other_variables(&path, key).into_iter().filter(|_| !key.path.contains("{tier}"));
            own.for_each(|name| assert!(variables.insert(name.to_owned()), "{name}"));
        }
        assert!(IGNORED_VARIABLES.iter().all(|(name, _)| !variables.contains(*name)));
    }

    #[test]
    fn every_key_is_in_its_section_and_says_what_it_needs() {
        for section in SECTIONS {
            for key in section.keys {
                let (parent, _) = key.path.rsplit_once('.').unwrap_or(("", key.path));
                assert_eq!(parent, section.name, "{}", key.path);
                assert!(key.meaning.ends_with('.') && !key.expected.ends_with('.'), "{}", key.path);
                for text in [key.meaning, key.expected, key.example] {
                    assert!(!text.is_empty() && !text.contains(['|', '\n']), "{}: {text}", key.path);
                }
            }
        }
    }
}
