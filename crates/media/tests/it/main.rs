//! Sound in files of every kind. One program, so that it is linked once. What changes the process or measures all of it
//! (`hostile`, `leaks`) is a program of its own.

mod channels;
mod containers;
mod formats;
mod headers;
mod loudness;
mod support;
mod tags;
