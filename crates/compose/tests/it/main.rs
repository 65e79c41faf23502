//! What is asked for, and the song that comes of it. One program, so that it is linked once.

mod accompany;
mod asking;
mod genres;
mod lengths;
mod players;
mod sentences;
mod telling;
