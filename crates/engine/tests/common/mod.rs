//! Sounds and melodies made for the tests.
#![allow(dead_code)]

pub mod made;
pub mod phrases;
