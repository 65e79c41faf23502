//! What every service stands on. One program, so that it is linked once.

mod process;
mod relay;
