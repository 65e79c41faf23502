//! Verdicts, and what is written of them. One program, so that it is linked once.

mod documents;
mod verdicts;
