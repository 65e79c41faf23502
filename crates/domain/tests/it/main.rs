//! The rules, each at its limits. One program, so that it is linked once.

mod audio;
mod jobs;
mod quality;
mod quota_retry_retention;
mod words;
