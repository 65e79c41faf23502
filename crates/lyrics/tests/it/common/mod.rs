//! Melodies made for the tests.

pub mod phrases;
