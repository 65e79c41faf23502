//! Words for melodies. One program, so that it is linked once.

mod common;
mod division;
mod fit;
mod places;
mod repair;
mod score;
