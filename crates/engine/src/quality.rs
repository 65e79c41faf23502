//! Figures measured on what the engine made.
