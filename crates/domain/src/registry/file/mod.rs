//! `registry.json`: the models as one document, as the Expert Music AI service kept them.
//!
//! `base` and `fine_tuned` give each name an address `owner/name:version`. An entry may also be an object with the address under
//! `model`, and more beside it. What this version adds stands under `details`, by name, and only where there is something to
//! add. Whatever else the document holds is kept and written back.

mod details;
mod merge;
mod write;

use serde_json::{Map, Value};

use self::details::Details;
use super::{ModelAddress, ModelKind, ModelName, ModelPath, ModelVersion};
use crate::field::InvalidField;

pub use merge::Merged;

const SECTIONS: [(&str, ModelKind); 2] = [("base", ModelKind::Base), ("fine_tuned", ModelKind::FineTuned)];
const DETAILS: &str = "details";
/// Where an entry that is an object has its address; the first is written.
const ADDRESS_KEYS: [&str; 2] = ["model", "address"];
/// Under which an address that is none is kept in [`RegisteredModel::extra`](super::RegisteredModel::extra).
pub(super) const AS_LISTED: &str = "address";

/// A document, taken apart.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RegistryFile {
    pub models: Vec<ListedModel>,
    /// Entries of which nothing can be taken.
    pub refused: Vec<RefusedEntry>,
    /// What the document holds besides.
    pub keys: Map<String, Value>,
}

/// An entry that can be a model.
#[derive(Clone, PartialEq, Debug)]
pub struct ListedModel {
    pub name: ModelName,
    pub kind: ModelKind,
    pub provider: String,
    pub path: Option<ModelPath>,
    /// `None` where the address has none that could be used; see `problem`.
    pub version: Option<ModelVersion>,
    /// Why it cannot be ready.
    pub problem: Option<String>,
    details: Details,
    extra: Map<String, Value>,
}

/// An entry that is no model, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedEntry {
    /// `base` or `fine_tuned`.
    pub section: &'static str,
    pub name: String,
    pub why: String,
}

impl RegistryFile {
    /// Takes a document apart. `provider` is that of all entries whose details name no other.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn read(document: Value, provider: &str) -> Result<Self, InvalidField> {
        let Value::Object(mut keys) = document else {
            let detail = "expected an object with `base` and `fine_tuned`".to_owned();
            return Err(InvalidField { field: "registry", detail });
        };
        let details = match keys.remove(DETAILS) {
            Some(Value::Object(details)) => details,
            Some(other) => {
                // Somebody else's word for something else.
                keys.insert(DETAILS.to_owned(), other);
                Map::new()
            }
            None => Map::new(),
        };
        let mut file = Self::default();
        for (section, kind) in SECTIONS {
            match keys.remove(section) {
                None | Some(Value::Null) => {}
                Some(Value::Object(entries)) => {
                    for (name, entry) in entries {
                        match read_entry(&name, kind, entry, details.get(&name), provider) {
                            Ok(model) => file.models.push(model),
                            Err(why) => file.refused.push(RefusedEntry { section, name, why }),
                        }
                    }
                }
                Some(_) => {
                    let why = "expected an object of names and addresses".to_owned();
                    file.refused.push(RefusedEntry { section, name: String::new(), why });
                }
            }
        }
        file.keys = keys;
        Ok(file)
    }
}

fn read_entry(
    name: &str,
    kind: ModelKind,
    entry: Value,
    details: Option<&Value>,
    provider: &str,
) -> Result<ListedModel, String> {
    let name = ModelName::new(name).map_err(|error| error.to_string())?;
    let (address, mut extra) = match entry {
        Value::String(address) => (address, Map::new()),
        Value::Object(mut object) => (address_of(&mut object)?, object),
        _ => return Err("expected an address owner/name:version, or an object that has one under `model`".to_owned()),
    };
    // An entry without its details might be shown to people whose model it is not.
    let details = details.map_or(Ok(Details::default()), Details::read)?;
    let is_elsewhere = details.provider.is_some();
    let (path, version, problem) = match address.trim().parse::<ModelAddress>() {
        Ok(ModelAddress { path: None, version }) if !is_elsewhere && !version.is_hash() => {
            (None, None, Some("expected an address owner/name:version".to_owned()))
        }
        Ok(ModelAddress { path, version }) => (path, Some(version), None),
        Err(error) => {
            let path = address.split(':').next().and_then(|path| ModelPath::new(path.trim()).ok());
            (path, None, Some(error.to_string()))
        }
    };
    if problem.is_some() {
        extra.insert(AS_LISTED.to_owned(), address.into());
    }
    let provider = details.provider.clone().unwrap_or_else(|| provider.to_owned());
    Ok(ListedModel { name, kind, provider, path, version, problem, details, extra })
}

/// Takes the address out of an entry that is an object.
fn address_of(object: &mut Map<String, Value>) -> Result<String, String> {
    let found = ADDRESS_KEYS.into_iter().find_map(|key| match object.remove(key) {
        Some(Value::String(address)) => Some(address),
        _ => None,
    });
    let address = found.ok_or("expected an address owner/name:version under `model`")?;
    match object.get("version") {
        Some(Value::String(version)) if !address.contains(':') => {
            let whole = format!("{address}:{version}");
            object.remove("version");
            Ok(whole)
        }
        _ => Ok(address),
    }
}

#[cfg(test)]
mod tests;
