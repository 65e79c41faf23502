//! Songs in notes, from what is asked to what is heard. One program, so that it is linked once.

mod composed;
mod gate;
mod lengths;
mod sound_song;
mod whole;
