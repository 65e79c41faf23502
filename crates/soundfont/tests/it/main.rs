//! Sound fonts, and what is played with them. One program, so that it is linked once.

mod common;
mod fonts;
mod mixing;
mod playing;
mod sequencing;
