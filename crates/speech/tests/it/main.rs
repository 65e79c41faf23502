//! Speech, and what is sung with it. One program, so that it is linked once.

mod common;
mod flite;
mod foreign;
