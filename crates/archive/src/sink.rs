//! Where files go.

use std::io::{self, Read};

use crate::refusal::Refusal;

/// Whoever reads has seen enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop;

/// Takes the files of a source, one by one. Paths are names with those of the folders and the archive around them, in
/// single slashes. Only text: they open nothing.
pub trait Sink {
    /// What becomes of a file's bytes.
    type Content;

    /// Whether a file is wanted at all; the others are not even unpacked where that can be helped.
    fn wants(&self, path: &str) -> bool;

    /// Reads a file. The stream ends with an error where a bound is passed; it is to be passed on.
    ///
    /// # Errors
    /// Those of the stream. What fails elsewhere is the sink's own to remember.
    fn read(&mut self, path: &str, from: &mut dyn Read) -> io::Result<Self::Content>;

    /// Takes a file, or why there is none. A path may also be that of a whole archive or folder.
    ///
    /// # Errors
    /// [`Stop`] ends the walk.
    fn take(&mut self, path: String, content: Result<Self::Content, Refusal>) -> Result<(), Stop>;
}
