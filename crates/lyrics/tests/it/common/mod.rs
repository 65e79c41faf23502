//! Melodies made for the tests.
#![allow(dead_code)]

pub mod phrases;
