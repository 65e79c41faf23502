//! What the vendor keeps.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    models::{MODELS, Makes, Recipe},
    run::Run,
};
use crate::steps::Sound;

/// A model that was created here.
#[derive(Clone, Debug)]
pub struct OwnModel {
    pub owner: String,
    pub name: String,
    /// Newest last.
    pub versions: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct File {
    pub id: String,
    pub name: String,
    pub content_type: String,
    pub metadata: Value,
    pub content: bytes::Bytes,
    pub created_at: DateTime<Utc>,
}

/// A file at the address of an output.
#[derive(Clone, Debug)]
pub struct Output {
    pub run: String,
    pub recipe: Recipe,
    pub amiss: Option<Sound>,
}

#[derive(Default)]
pub struct Store {
    /// Oldest first.
    pub runs: Vec<Run>,
    pub models: Vec<OwnModel>,
    pub files: Vec<File>,
    /// By the path behind `/delivery/`.
    pub outputs: HashMap<String, Output>,
    /// By the id of a run that is not over: where its webhooks are waited for.
    pub notices: HashMap<String, UnboundedSender<Value>>,
    ids: u64,
}

/// Most runs that are kept; of more, the oldest that are over are forgotten.
const MOST_RUNS: usize = 20_000;
/// Most bytes of files that are kept at once.
const MOST_FILE_BYTES: usize = 1 << 30;

impl Store {
    pub fn add_run(&mut self, run: Run) {
        if self.runs.len() >= MOST_RUNS
            && let Some(at) = self.runs.iter().position(Run::is_over)
        {
            let oldest = self.runs.remove(at);
            self.outputs.retain(|_, output| output.run != oldest.id);
        }
        self.runs.push(run);
    }

    /// Whether there is room for so many more bytes of files.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.files.iter().map(|file| file.content.len()).sum::<usize>() + bytes <= MOST_FILE_BYTES
    }

    /// A new id of 26 letters and digits, as the vendor's are.
    pub fn new_id(&mut self) -> String {
        self.ids += 1;
        format!("{:0<14}{:012x}", "standin", self.ids)
    }

    pub fn run(&mut self, id: &str) -> Option<&mut Run> {
        // The newest are asked for most.
        self.runs.iter_mut().rev().find(|run| run.id == id)
    }

    /// What the version of a model makes, if there is such a version.
    pub fn version(&self, owner: &str, name: &str, version: &str) -> Option<Makes> {
        let known = MODELS.iter().find(|model| (model.owner, model.name, model.version) == (owner, name, version));
        let own = || {
            let model =
                self.models.iter().find(|model| (model.owner.as_str(), model.name.as_str()) == (owner, name))?;
            model.versions.iter().any(|known| known == version).then_some(Makes::MusicGen)
        };
        known.map(|model| model.makes).or_else(own)
    }

    /// `owner/name` of a version, by its hash alone.
    pub fn owner_of(&self, version: &str) -> Option<(String, String)> {
        let known = MODELS.iter().find(|model| model.version == version);
        let own = || self.models.iter().find(|model| model.versions.iter().any(|known| known == version));
        known
            .map(|model| (model.owner.to_owned(), model.name.to_owned()))
            .or_else(|| own().map(|model| (model.owner.clone(), model.name.clone())))
    }
}
