//! Requests to the outside: where they go, what they cost, what comes back. One program, so that it is linked once.

mod arrival;
mod bounds;
mod guard;
mod proxy;
mod secrets;
mod support;
