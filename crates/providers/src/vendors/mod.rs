//! The vendors that the settings name, each as a provider of what it can do.

mod http;
pub mod replicate;
mod retry_table;

pub use http::{KeyIn, VendorHttp};
pub use retry_table::{VendorError, clean};
