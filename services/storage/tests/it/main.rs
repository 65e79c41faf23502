//! The service at work. One program, so that it is linked once.

mod ingest;
mod retention;
mod songs;
mod songs_bytes;
mod songs_overtaken;
mod support;
