//! Three analysed songs into one. Pure: no IO, no clock; the same songs, options and seed give the same notes.

mod accompany;
mod dice;
mod error;
mod form;
mod frame;
mod library;
mod material;
mod options;
mod plan;
mod realise;
mod role;
mod search;
mod target;
mod tonal;
mod tune;

use music::{Score, analysis::Analysis};

pub use error::BlendError;

/// A song to blend.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Shown in pictures and messages.
    pub title: &'a str,
    pub score: &'a Score,
    /// What [`music::analysis::analyse`] says of the score.
    pub analysis: &'a Analysis,
}
