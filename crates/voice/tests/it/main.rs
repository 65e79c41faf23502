//! The singer. One program, so that it is linked once.

mod hum_to_song;
mod recorded;
mod sing;
mod spoken;
