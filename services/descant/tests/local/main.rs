//! The command line by itself: what it reads, what it writes and what it says. Needs no server and no other binary;
//! where a command talks to one, a stand-in answers it (`front`).

mod blending;
mod composing;
mod desk;
mod front;

mod fetching;
mod following;
mod naming;
mod overwriting;
mod pipes;

// The rule by which the benchmark of failures says whether a stage was paid for twice: its program runs no tests of its own.
#[allow(dead_code, reason = "the benchmark reads more of what is found than the tests do")]
#[path = "../../src/bin/bench_support/payments.rs"]
mod payments;
