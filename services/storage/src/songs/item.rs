//! A file on its way into the catalogue.

use super::refusal::Refusal;

/// A file, or why there is none.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Its name, with those of the folders and the archive that it was in. Only text: it is never opened.
    pub path: String,
    pub content: Result<Vec<u8>, Refusal>,
}
