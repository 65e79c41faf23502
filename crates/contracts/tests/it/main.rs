//! What travels between services. One program, so that it is linked once.

mod golden;
mod reference;
mod round_trip;
mod survival;
