//! The catalogue of songs: imported from folders, archives and single files, corrected and removed.
//!
//! What comes from outside is only ever read into memory, with bounds ([`ImportLimits`], and the crate `archive` that keeps
//! them). What a file is shows in its content. Each file gets a line in the report, and a refused one leaves nothing
//! behind.

mod catalogue;
mod facts;
mod import;
mod item;
mod limits;
mod names_list;
mod naming;
mod refusal;

pub use archive::Source;
pub use catalogue::Catalogue;
pub use facts::{Looked, look};
pub use limits::ImportLimits;
pub use naming::Wishes;
pub use refusal::Refusal;

pub(crate) use archive::plain_path;
