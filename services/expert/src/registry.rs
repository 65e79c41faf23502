//! The models that sound is made with by name, base and fine-tuned: `registry.json` in the folder of models, as the older
//! service keeps it. It is read whenever it is asked for, and believed no further than its names: what is wrong in it is left
//! out.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Name of the file.
const FILE: &str = "registry.json";
/// Most that is read of it.
const MAX_BYTES: u64 = 1024 * 1024;
/// Models of each of the two lists that are looked at.
const MAX_MODELS: usize = 1000;

/// A model of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedModel {
    /// `owner/name:version`, or as the registry has it.
    pub reference: String,
    pub description: Option<String>,
    /// Of whom it is had, where that is said.
    pub provider: Option<String>,
}

impl NamedModel {
    /// As a provider is asked for it: all of it where it has a path, since a version alone does not say whose model it is of.
    pub fn address(&self) -> &str {
        if self.reference.contains('/') { &self.reference } else { self.version() }
    }

    /// What stands behind the colon, or all of it.
    pub fn version(&self) -> &str {
        self.reference.rsplit_once(':').map_or(self.reference.as_str(), |(_, version)| version)
    }
}

/// Both lists, by name, and what cannot be asked for just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedModels {
    pub base: BTreeMap<String, NamedModel>,
    pub fine_tuned: BTreeMap<String, NamedModel>,
    /// Models that are known and not ready, with their states, such as `training`.
    pub away: BTreeMap<String, String>,
}

impl NamedModels {
    /// Together with others that stand above these: of two with the same name those know better, whichever list they are in.
    #[must_use]
    pub fn below(mut self, mut above: Self) -> Self {
        let is_told = |name: &String| above.find(name).is_some() || above.away.contains_key(name);
        self.base.retain(|name, _| !is_told(name));
        self.fine_tuned.retain(|name, _| !is_told(name));
        self.base.append(&mut above.base);
        self.fine_tuned.append(&mut above.fine_tuned);
        self.away.append(&mut above.away);
        self
    }

    /// A model by its name; a fine-tuned one stands above a base model of the same name.
    pub fn find(&self, name: &str) -> Option<&NamedModel> {
        self.fine_tuned.get(name).or_else(|| self.base.get(name))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fine_tuned.keys().chain(self.base.keys()).map(String::as_str)
    }
}

/// Where models are known by name.
#[async_trait]
pub trait ModelDirectory: Send + Sync {
    /// All of them; none where they cannot be had.
    async fn models(&self) -> NamedModels;
}

/// The file in the folder of models.
pub struct RegistryFile(PathBuf);

impl RegistryFile {
    pub fn in_folder(models_dir: &Path) -> Self {
        Self(models_dir.join(FILE))
    }
}

#[async_trait]
impl ModelDirectory for RegistryFile {
    async fn models(&self) -> NamedModels {
        let path = self.0.clone();
        let text = match tokio::task::spawn_blocking(move || text_of(&path)).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return NamedModels::default(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the registry of models cannot be read");
                return NamedModels::default();
            }
            Err(_) => return NamedModels::default(),
        };
        read(&text)
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lists {
    base: Map<String, Value>,
    fine_tuned: Map<String, Value>,
}

fn read(text: &str) -> NamedModels {
    let lists: Lists = serde_json::from_str(text).unwrap_or_else(|error| {
        let (line, column) = (error.line(), error.column());
        tracing::warn!(line, column, "the registry of models is not of the form that is read");
        Lists::default()
    });
    NamedModels { base: named(lists.base), fine_tuned: named(lists.fine_tuned), away: BTreeMap::new() }
}

fn named(list: Map<String, Value>) -> BTreeMap<String, NamedModel> {
    list.into_iter().take(MAX_MODELS).filter_map(|(name, model)| Some((name, named_model(&model)?))).collect()
}

/// A reference alone, or an object with one: under `model_id` or `version` as the older service writes it, under `model` as an
/// export of ours does.
fn named_model(model: &Value) -> Option<NamedModel> {
    let text = |field: &str| model.get(field).and_then(Value::as_str).map(str::to_owned);
    let reference = match model {
        Value::String(reference) => Some(reference.clone()),
        _ => ["model_id", "version", "model"].into_iter().find_map(text),
    };
    let reference = reference.filter(|reference| !reference.trim().is_empty())?;
    Some(NamedModel { reference, description: text("description"), provider: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_registry_is_read_as_far_as_it_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let directory = RegistryFile::in_folder(folder.path());
        assert_eq!(directory.models().await, NamedModels::default(), "no file");
        let check = async |text: &str, base: &[&str], fine_tuned: &[&str]| {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let models = directory.models().await;
            assert_eq!(models.base.keys().map(String::as_str).collect::<Vec<_>>(), base, "{text}");
            assert_eq!(models.fine_tuned.keys().map(String::as_str).collect::<Vec<_>>(), fine_tuned, "{text}");
            models
        };
        let models = check(
            r#"{"base": {"small": "meta/musicgen:b05b", "none": "", "number": 7},
                "fine_tuned": {"telecaster": {"model_id": "me/telecaster:1f", "description": "twang"}, "empty": {}}}"#,
            &["small"],
            &["telecaster"],
        )
        .await;
        let telecaster = models.find("telecaster").unwrap();
        assert_eq!((telecaster.version(), telecaster.description.as_deref()), ("1f", Some("twang")));
        assert_eq!(models.find("small").unwrap().version(), "b05b");
        assert_eq!(models.find("large"), None);
        check(r#"{"fine_tuned": {"x": "abc"}}"#, &[], &["x"]).await;
        let exported = r#"{"fine_tuned": {"x": {"model": "me/x:1f", "added": 7}}, "details": {"x": {"owner": "me"}}}"#;
        assert_eq!(check(exported, &[], &["x"]).await.find("x").unwrap().reference, "me/x:1f");
        for text in ["", "[]", "{\"base\": []}", "{\"base\": {\"a\": \"b"] {
            check(text, &[], &[]).await;
        }
    }

    #[test]
    fn what_the_registry_says_stands_above_the_file() {
        let model = |reference: &str| NamedModel { reference: reference.to_owned(), description: None, provider: None };
        let list = |models: &[(&str, &str)]| -> BTreeMap<String, NamedModel> {
            models.iter().map(|(name, reference)| ((*name).to_owned(), model(reference))).collect()
        };
        let of_file = NamedModels {
            base: list(&[("small", "file/small:1"), ("large", "file/large:1")]),
            fine_tuned: list(&[("telecaster", "file/telecaster:1"), ("strat", "file/strat:1")]),
            away: BTreeMap::new(),
        };
        let above = NamedModels {
            base: list(&[("telecaster", "registry/telecaster:2")]),
            fine_tuned: list(&[("small", "registry/small:2")]),
            away: [("strat".to_owned(), "disabled".to_owned())].into(),
        };
        let all = of_file.clone().below(above);
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(all.find(name).map(|model| model.reference.as_str()), expected, "{name}");
        };
        check("small", Some("registry/small:2"));
        check("large", Some("file/large:1"));
        check("telecaster", Some("registry/telecaster:2"));
        check("strat", None);
        assert_eq!(all.names().count(), 3, "each stands in one list");
        assert_eq!(of_file.clone().below(NamedModels::default()), of_file);
    }
}
