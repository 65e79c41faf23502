//! Inputs that a request names instead of bringing them as files, such as songs of the catalogue. Each becomes an upload of
//! the caller's own, a copy, so that the job owns all that it is made from: what happens to the original later does not
//! touch it, and what a refused request leaves goes the way of all uploads.

use async_trait::async_trait;
use persistence::Database;

use crate::{fields::Fields, problem::ApiError};

/// Says which inputs the fields of a request name.
#[async_trait]
pub trait NamedInputs: Send + Sync {
    /// All inputs in their order. `files` is how many came with the request; each has its place, and there are no more
    /// places for files than that.
    ///
    /// # Errors
    /// What a name does not find, or finds several of; a number of inputs that cannot be.
    async fn places(&self, database: &Database, fields: &Fields, files: usize) -> Result<Vec<Place>, ApiError>;
}

/// Where an input comes from.
pub enum Place {
    /// The next file of the request.
    File,
    /// An object of somebody else's.
    Stored(StoredInput),
}

/// An object that is to be copied.
pub struct StoredInput {
    /// A role of the kind.
    pub role: &'static str,
    pub object_key: String,
    pub size_bytes: u64,
    pub sha256: String,
    pub media_type: &'static str,
    /// What the input is called.
    pub file_name: String,
    /// For a sentence, when it is gone: "The song".
    pub what: &'static str,
}
