//! Turns raw values into typed ones and collects what is wrong instead of stopping at it.

use std::{
    collections::BTreeSet,
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use url::Url;

use crate::{
    keys::{self, Key},
    problem::Problem,
    raw::{RawSettings, RawValue},
};

/// Reads each key once, by its path in the table.
pub struct Reader {
    raw: RawSettings,
    pub problems: Vec<Problem>,
    pub notices: Vec<String>,
    /// Paths whose value could not be read; checks that involve them would only add noise.
    bad: BTreeSet<String>,
    /// Paths that were asked for: a test holds them against the table.
    pub asked: BTreeSet<String>,
}

impl Reader {
    pub fn new(mut raw: RawSettings) -> Self {
        let problems = std::mem::take(&mut raw.problems);
        let notices = std::mem::take(&mut raw.notices);
        Self { raw, problems, notices, bad: BTreeSet::new(), asked: BTreeSet::new() }
    }

    /// The key of the table. Paths are constants of this crate, and a test asks for every one of them.
    fn key(path: &str) -> &'static Key {
        keys::find(path).unwrap_or_else(|| unreachable!("{path} is not in the table"))
    }

    /// All tables of providers that may be filled in.
    pub fn provider_names(&self) -> Vec<String> {
        keys::BUILT_IN_PROVIDERS
            .iter()
            .map(|name| (*name).to_owned())
            .chain(self.raw.providers.iter().cloned())
            .collect()
    }

    /// Whether anything stronger than the default says something about it.
    pub fn is_given(&self, path: &str) -> bool {
        self.raw.entries.get(path).is_some_and(|entry| !entry.origin.is_empty())
    }

    /// Whether all of them could be read.
    pub fn are_good(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| !self.bad.contains(*path))
    }

    /// Reports that a value cannot stand, in the table's words or in others that fit the case better.
    pub fn wrong(&mut self, path: &str, expected: Option<&str>) {
        let key = Self::key(path);
        let (given, origin) = match self.raw.entries.get(path) {
            Some(entry) => {
                let given = match &entry.value {
                    RawValue::Text(text) => text.clone(),
                    RawValue::List(items) => items.join(","),
                    RawValue::Other => "a table".to_owned(),
                };
                (given, if entry.origin.is_empty() { "default".to_owned() } else { entry.origin.clone() })
            }
            None => (String::new(), String::new()),
        };
        let expected = expected.unwrap_or(key.expected).to_owned();
        self.problems.push(Problem::wrong(path, key, &given, origin, expected));
        self.bad.insert(path.to_owned());
    }

    /// Reports that a key has no value but needs one here.
    pub fn missing(&mut self, path: &str, why: &str) {
        self.problems.push(Problem::missing(path, Self::key(path), why));
        self.bad.insert(path.to_owned());
    }

    /// The value as `parse` understands it; `None` when there is none, or when it was reported as wrong.
    pub fn parsed<T>(&mut self, path: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.asked.insert(path.to_owned());
        let secret = Self::key(path).secret;
        let parsed = match &self.raw.entries.get(path)?.value {
            // Blanks around a secret may be part of it.
            RawValue::Text(text) if secret => parse(text),
            RawValue::Text(text) => parse(text.trim()),
            RawValue::List(_) | RawValue::Other => None,
        };
        if parsed.is_none() {
            self.wrong(path, None);
        }
        parsed
    }

    pub fn text(&mut self, path: &str) -> Option<String> {
        self.parsed(path, |text| (!text.is_empty()).then(|| text.to_owned()))
    }

    /// A whole number; `_` may group its digits.
    pub fn number<T>(&mut self, path: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd,
    {
        self.parsed(path, |text| text.replace('_', "").parse().ok().filter(|number| range.contains(number)))
    }

    /// A finite number.
    pub fn float(&mut self, path: &str, range: RangeInclusive<f64>) -> Option<f64> {
        self.number(path, range)
    }

    /// A number of a key that has a default; the lower end stands in for one that was reported.
    pub fn needed<T>(&mut self, path: &str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Copy + Display,
    {
        let least = *range.start();
        self.number(path, range).unwrap_or(least)
    }

    /// Milliseconds of a key that has a default.
    pub fn millis(&mut self, path: &str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.needed(path, range))
    }

    pub fn flag(&mut self, path: &str) -> Option<bool> {
        self.parsed(path, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        })
    }

    /// One of a few words, whatever their case.
    pub fn word<T: Copy>(&mut self, path: &str, words: &[(&str, T)]) -> Option<T> {
        self.parsed(path, |text| {
            words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, meaning)| *meaning)
        })
    }

    /// A list, or a text with commas.
    pub fn list<T>(&mut self, path: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        self.asked.insert(path.to_owned());
        let items = match &self.raw.entries.get(path)?.value {
            RawValue::List(items) => items.clone(),
            RawValue::Text(text) => {
                text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
            }
            RawValue::Other => {
                self.wrong(path, None);
                return None;
            }
        };
        let parsed: Option<Vec<T>> = items.iter().map(|item| parse(item.trim())).collect();
        if parsed.is_none() {
            self.wrong(path, None);
        }
        parsed
    }

    /// An http or https address that carries nothing secret and can be built upon.
    pub fn base_url(&mut self, path: &str) -> Option<Url> {
        self.parsed(path, |text| {
            let url = plain_url(text)?;
            (url.query().is_none() && matches!(url.scheme(), "http" | "https")).then_some(url)
        })
    }

    /// An address to listen on.
    pub fn host(&mut self, path: &str) -> IpAddr {
        let host = self.parsed(path, |text| match text {
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ => text.trim_start_matches('[').trim_end_matches(']').parse().ok(),
        });
        host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

/// An address without user, password or fragment.
pub fn plain_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (plain && url.has_host()).then_some(url)
}
