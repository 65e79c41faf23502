//! The models as a document.

use serde_json::{Map, Value};

use super::{ADDRESS_KEYS, AS_LISTED, DETAILS, RegistryFile, SECTIONS, details::Details};
use crate::registry::{ModelKind, RegisteredModel};

impl RegistryFile {
    /// Writes models down, with the keys of an earlier document. Left out are files on this side, and models that have no
    /// address yet. `provider` is that of most: only others are named.
    pub fn write(models: &[RegisteredModel], keys: &Map<String, Value>, provider: &str) -> Value {
        let mut document = keys.clone();
        let mut details = Map::new();
        for (section, kind) in SECTIONS {
            let mut entries = Map::new();
            for model in models.iter().filter(|model| model.kind == kind) {
                let Some(entry) = entry(model) else { continue };
                entries.insert(model.name.to_string(), entry);
                let more = serde_json::to_value(Details::of(model, provider)).unwrap_or_default();
                if more.as_object().is_some_and(|more| !more.is_empty()) {
                    details.insert(model.name.to_string(), more);
                }
            }
            document.insert(section.to_owned(), Value::Object(entries));
        }
        if !details.is_empty() {
            document.insert(DETAILS.to_owned(), Value::Object(details));
        }
        Value::Object(document)
    }
}

fn entry(model: &RegisteredModel) -> Option<Value> {
    debug_assert!(model.kind != ModelKind::Local, "files on this side are not listed");
    let mut more = model.extra.clone();
    let as_listed = more.remove(AS_LISTED);
    let address = model.address().map(|address| Value::String(address.to_string())).or(as_listed)?;
    if more.is_empty() {
        return Some(address);
    }
    more.insert(ADDRESS_KEYS[0].to_owned(), address);
    Some(Value::Object(more))
}
