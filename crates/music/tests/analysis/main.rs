//! Analysis of scores whose musical truth is known because the tests wrote it.

mod bounds;
mod harmony;
mod labelled;
mod make;
mod roles;
mod songs;
mod time;
