//! What a sentence asks of a song: whole words, one meaning each, and a plain account of what was not understood.

mod conflicts;
mod context;
mod ensemble;
mod language;
mod lexicon;
mod numbers;
mod reader;
mod topic;
mod understanding;
mod words;

pub use self::{
    reader::understand,
    understanding::{Understanding, Understood},
};
