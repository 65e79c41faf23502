//! From recordings to what a model is trained on. One program, so that it is linked once.

mod files;
mod listening;
mod pieces;
mod support;
