//! The registry of models: what a model is, who may use it, how it changes, and which of its versions a job gets. Pure: rows,
//! HTTP and the vendors are somebody else's.

mod address;
mod change;
mod choice;
mod file;
mod local;
mod model;
mod name;
mod sighting;
mod status;

pub use address::{ModelAddress, ModelPath, ModelVersion};
pub use change::{ChangeRefused, ModelChange, changed};
pub use choice::{ModelUsed, Unusable, choose, dice};
pub use file::{ListedModel, Merged, RefusedEntry, RegistryFile};
pub use local::{LocalModel, as_found};
pub use model::{Canary, RegisteredModel, Share};
pub use name::{InvalidModelName, ModelName};
pub use sighting::{PublishedVersion, Sighting, sighted, to_be_seen};
pub use status::{ModelKind, ModelStatus, UnknownModelWord};
