//! What was given, before anything is checked but the names: each key's strongest value and where it came from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::Read,
    path::Path,
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};

use crate::{LoadOptions, keys, nearest::nearest, problem::Problem};

/// A value as it stood in its layer. Variables are always text; numbers and flags of the file are written as text too,
/// so that one reader serves both.
#[derive(Clone, PartialEq, Eq)]
pub enum RawValue {
    Text(String),
    List(Vec<String>),
    /// A table or a list of something other than plain values, where a value was expected.
    Other,
}

/// One key's strongest value.
#[derive(Clone)]
pub struct RawEntry {
    pub value: RawValue,
    /// Empty for a default, else in words: `file descant.toml`, `variable LOG_LEVEL`.
    pub origin: String,
}

/// Every key that has a value.
#[derive(Clone, Default)]
pub struct RawSettings {
    pub(crate) entries: BTreeMap<String, RawEntry>,
    /// Names that are no settings, and what could not be read.
    pub(crate) problems: Vec<Problem>,
    pub(crate) notices: Vec<String>,
    /// Tables of providers beside the built-in ones.
    pub(crate) providers: Vec<String>,
}

/// Larger files are not settings.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const DEFAULTS: &str = "";
const ENVIRONMENT: &str = "environment";

/// One layer for figment to merge.
struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl RawSettings {
    /// Reads and layers everything. What is wrong is kept for the report.
    pub fn read(options: &LoadOptions) -> Self {
        let mut raw = Self::default();
        let env: HashMap<&str, &str> =
            options.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

        let mut figment = Figment::new().merge(raw.defaults());
        let named = env.get("DESCANT_CONFIG").filter(|name| !name.is_empty()).map(Path::new);
        let file = options.file.as_deref().or(named).map(|path| raw.file(path));
        raw.providers = more_providers(file.as_ref(), &env, &options.overrides);
        if let Some(file) = file {
            figment = figment.merge(file);
        }
        let (layer, variables) = raw.environment(&env);
        figment = figment.merge(layer).merge(raw.command_line(&options.overrides));

        for (path, _) in keys::entries_with(&raw.providers) {
            let Ok(value) = figment.find_value(&path) else { continue };
            let layer = figment.get_metadata(value.tag()).map(|metadata| metadata.name.to_string());
            let origin = match layer.unwrap_or_default() {
                layer if layer == ENVIRONMENT => variables.get(&path).map(|name| format!("variable {name}")),
                layer => Some(layer),
            };
            let entry = RawEntry { value: raw_value(&value), origin: origin.unwrap_or_default() };
            raw.entries.insert(path, entry);
        }
        raw
    }

    fn defaults(&mut self) -> Layer {
        let text: String = keys::entries()
            .filter_map(|(path, key)| key.default.map(|default| format!("{path} = {default}\n")))
            .collect();
        // The table is a constant; a test reads all of it.
        let values = Toml::from_str(&text).unwrap_or_else(|error| {
            self.problems.push(Problem::elsewhere("the table of defaults", "", error.message()));
            Dict::new()
        });
        Layer { name: DEFAULTS.to_owned(), values }
    }

    fn file(&mut self, path: &Path) -> Layer {
        let name = format!("file {}", path.display());
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text));
        let mut values = Dict::new();
        match read {
            Err(error) => {
                self.problems.push(Problem::elsewhere(&name, "", format!("a file that can be read: {error}")));
            }
            Ok(_) if text.len() as u64 > MAX_FILE_BYTES => {
                self.problems.push(Problem::elsewhere(&name, "", format!("at most {MAX_FILE_BYTES} bytes")));
            }
            // The error's own text quotes the line, which may hold a secret.
            Ok(_) => match Toml::from_str::<Dict>(&text) {
                Ok(given) => values = self.known(given, "", &name),
                Err(error) => {
                    let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
                    let expected = format!("TOML: {} near line {line}", error.message());
                    self.problems.push(Problem::elsewhere(&name, "", expected));
                }
            },
        }
        Layer { name, values }
    }

    /// Keeps what the table knows and reports the rest.
    fn known(&mut self, given: Dict, parent: &str, origin: &str) -> Dict {
        let mut kept = Dict::new();
        for (name, value) in given {
            let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            let is_section = || {
                let is_vendor = path.strip_prefix("providers.").is_some_and(keys::is_provider_name);
                is_vendor || keys::entries().any(|(entry, _)| entry.starts_with(&format!("{path}.")))
            };
            if name.contains('.') {
                self.unknown_key(&path, origin);
            } else if keys::find(&path).is_some() {
                kept.insert(name, value);
            } else if !is_section() {
                self.unknown_key(&path, origin);
            } else if let Value::Dict(_, inner) = value {
                let inner = self.known(inner, &path, origin);
                kept.insert(name, inner.into());
            } else {
                self.problems.push(Problem::elsewhere(&path, origin, format!("a table under the heading [{path}]")));
            }
        }
        kept
    }

    fn unknown_key(&mut self, path: &str, origin: &str) {
        let paths: Vec<String> = keys::entries().map(|(path, _)| path).collect();
        let guess = nearest(path, paths.iter().map(String::as_str));
        self.problems.push(Problem::elsewhere(path, origin, no_such_setting(guess)));
    }

    /// The variables that are settings, and which variable each key's value came from.
    fn environment(&mut self, env: &HashMap<&str, &str>) -> (Layer, BTreeMap<String, String>) {
        let mut values = Dict::new();
        let mut origins = BTreeMap::new();
        let mut known: BTreeSet<String> = keys::OTHER_VARIABLES.iter().map(|name| (*name).to_owned()).collect();
        for (path, key) in keys::entries_with(&self.providers) {
            let systematic = keys::variable(&path);
            let names = std::iter::once(systematic.as_str()).chain(keys::other_variables(&path, key));
            // An empty variable is how a container file says "not set".
            let mut given =
                names.filter_map(|name| Some((name, *env.get(name)?))).filter(|(_, value)| !value.is_empty());
            if let Some((name, value)) = given.next() {
                insert(&mut values, &path, value);
                origins.insert(path.clone(), name.to_owned());
                for (weaker, _) in given.filter(|(_, other)| *other != value) {
                    self.notices.push(format!("variable {weaker} is ignored: {name} is set too and is stronger"));
                }
            }
            known.insert(systematic);
        }
        for (name, reason) in keys::IGNORED_VARIABLES {
            if env.get(name).is_some_and(|value| !value.is_empty()) {
                self.notices.push(format!("variable {name} is ignored: {reason}"));
            }
        }
        let mut names: Vec<&&str> = env.keys().collect();
        names.sort();
        for name in names {
            let ours = name.starts_with("DESCANT_") && !name.starts_with(keys::TEST_PREFIX);
            if ours && !known.contains(*name) && !is_service_link(name, env[*name]) {
                let guess = nearest(name, known.iter().map(String::as_str));
                self.problems.push(Problem::elsewhere(*name, ENVIRONMENT, no_such_setting(guess)));
            }
        }
        (Layer { name: ENVIRONMENT.to_owned(), values }, origins)
    }

    fn command_line(&mut self, overrides: &[(&'static str, String)]) -> Layer {
        let mut values = Dict::new();
        for (path, value) in overrides {
            if keys::find(path).is_some() {
                insert(&mut values, path, value);
            } else {
                self.unknown_key(path, "command line");
            }
        }
        Layer { name: "command line".to_owned(), values }
    }
}

/// The names of the tables of providers that the layers speak of, the built-in ones left out.
fn more_providers(
    file: Option<&Layer>,
    env: &HashMap<&str, &str>,
    overrides: &[(&'static str, String)],
) -> Vec<String> {
    let mut names = BTreeSet::new();
    if let Some(Value::Dict(_, tables)) = file.and_then(|file| file.values.get("providers")) {
        names.extend(tables.iter().filter(|(_, table)| matches!(table, Value::Dict(..))).map(|(name, _)| name.clone()));
    }
    let of_variable = |name: &str| Some(name.strip_prefix("DESCANT_PROVIDERS__")?.split_once("__")?.0.to_lowercase());
    names.extend(env.keys().filter_map(|name| of_variable(name)));
    let of_path = |path: &str| Some(path.strip_prefix("providers.")?.split_once('.')?.0.to_owned());
    names.extend(overrides.iter().filter_map(|(path, _)| of_path(path)));
    names.retain(|name| keys::is_provider_name(name) && !keys::BUILT_IN_PROVIDERS.contains(&name.as_str()));
    names.into_iter().collect()
}

fn no_such_setting(guess: Option<&str>) -> String {
    match guess {
        Some(guess) => format!("no such setting; did you mean {guess}?"),
        None => "no such setting; docs/settings.md lists them all".to_owned(),
    }
}

/// Kubernetes tells every container of each service around it, in variables named after the service: one called
/// `descant-gateway` gives `DESCANT_GATEWAY_PORT=tcp://…` and its like. They are not meant for us.
fn is_service_link(name: &str, value: &str) -> bool {
    let numbered = |protocol: &str| name.contains("_PORT_") && name.contains(protocol);
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || numbered("_TCP")
        || numbered("_UDP")
        || (name.ends_with("_PORT") && (value.starts_with("tcp://") || value.starts_with("udp://")))
}

fn insert(values: &mut Dict, path: &str, value: &str) {
    match path.split_once('.') {
        None => {
            values.insert(path.to_owned(), Value::from(value));
        }
        Some((section, rest)) => {
            let entry = values.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

fn raw_value(value: &Value) -> RawValue {
    match value {
        Value::Array(_, items) => {
            items.iter().map(plain).collect::<Option<Vec<_>>>().map_or(RawValue::Other, RawValue::List)
        }
        other => plain(other).map_or(RawValue::Other, RawValue::Text),
    }
}

/// A plain value as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, char) => Some(char.to_string()),
        Value::Bool(_, flag) => Some(flag.to_string()),
        Value::Num(_, number) => {
            let whole = number.to_i128().map(|n| n.to_string()).or_else(|| number.to_u128().map(|n| n.to_string()));
            whole.or_else(|| number.to_f64().map(|n| n.to_string()))
        }
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => None,
    }
}
