//! The vendors that the settings name, each as a provider of what it can do.

mod accounts;
pub mod elevenlabs;
mod http;
pub mod llm;
mod pace;
mod parts;
mod received;
pub mod replicate;
mod retry_table;
pub mod speech;
mod suggestion;

pub use accounts::{Accounts, VendorAccess};
pub use http::{KeyIn, VendorHttp};
pub use retry_table::{VendorError, clean};
