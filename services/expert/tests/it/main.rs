//! The service as others meet it: a process and its HTTP. One program, so that it is linked once.

mod older_routes;
mod refusals;
mod replicas;
mod song;
mod support;
