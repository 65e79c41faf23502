//! Both stores: what they share, and what each has for itself. One program, so that it is linked once.

mod folder;
mod s3;
mod suite;
mod support;
