//! Strangers' archives, folders and files, read file by file and within bounds.
//!
//! Nothing is ever unpacked to a name: names out of archives are text and open nothing, and a file's bytes go to whoever
//! walks the source, as a stream that ends where a bound is. What a thing is shows in its content, never in its name.
//!
//! Blocks; async callers run it on a thread that may.

mod bounded;
mod content;
mod limits;
mod names;
mod refusal;
mod signature;
mod sink;
mod source;
mod tarred;
mod zipped;

pub use limits::Limits;
pub use names::{is_litter, is_odd, plain_path};
pub use refusal::Refusal;
pub use sink::{Sink, Stop};
pub use source::Source;
