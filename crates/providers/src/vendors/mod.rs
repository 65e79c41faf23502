//! The vendors that the settings name, each as a provider of what it can do.

pub mod elevenlabs;
mod http;
mod parts;
mod received;
mod retry_table;
pub mod speech;

pub use http::{KeyIn, VendorHttp};
pub use retry_table::{VendorError, clean};
