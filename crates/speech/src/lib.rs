//! Speech synthesizers that are installed on the machine, as voices for the singer.
//!
//! Runs programs and reads what they write. Never sings, never decides which voice is the right one.

mod child;
mod flite;
mod script;
mod wav;

use std::path::PathBuf;

pub use flite::Flite;

/// What can go wrong with a synthesizer.
#[derive(Debug, thiserror::Error)]
pub enum SpeechFailure {
    /// The program is not where it should be.
    #[error("{} cannot be run: {source}", program.display())]
    Program { program: PathBuf, source: std::io::Error },
    /// Its folder or files.
    #[error("the files of the synthesizer: {0}")]
    Files(#[from] std::io::Error),
    /// It did not come to an end.
    #[error("flite did not finish within {0} s and was stopped")]
    Timeout(u64),
    /// It ended with an error.
    #[error("flite failed ({status})")]
    Failed { status: String },
    /// It wrote what it should not.
    #[error("flite wrote something unexpected: {0}")]
    Output(String),
    /// It was asked for what nobody can say.
    #[error("{0}")]
    Words(String),
}
