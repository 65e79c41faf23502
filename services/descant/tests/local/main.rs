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
