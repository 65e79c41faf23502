//! Sounds made for the tests.
#![allow(dead_code)]

pub mod made;
