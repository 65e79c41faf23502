//! Sounds made for the tests.

pub mod made;
