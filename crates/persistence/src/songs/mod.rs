//! The catalogue of songs, which all users share, and the search in it. Objects are somebody else's: a row names where
//! one lies.
//!
//! An object and its row cannot be written in one step. A row is therefore hidden before its object is written, and again
//! before it is removed ([`Songs::begin`], [`Songs::hide`]); what stays hidden is what a dead import or removal left
//! behind, and can be found ([`Songs::claim_abandoned`]).

mod index;
mod rank;
mod read;
mod resolve;
mod search;
mod song;
mod text;
mod write;

pub use resolve::{OfferedSong, Resolved};
pub use search::{MAX_QUERY_CHARS, SongMatch};
pub use song::{NewSong, Song, SongCursor, SongPage, Songs};
pub use write::{Begun, Inserted};
