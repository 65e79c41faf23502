//! What the scenarios stand on: deployments, users, sounds, events.

mod browser;
mod deployment;
mod events;
mod process;
mod shared;
mod sounds;
mod tokens;
mod user;
mod watchdog;

use std::{future::Future, time::Duration};

pub use browser::visit;
pub use deployment::{Deployment, Flavour, Part};
pub use events::{ReceivedEvent, read_socket};
pub use process::binary;
pub use shared::{own, shared};
pub use sounds::{Hum, hum, long_hum, wav};
pub use tokens::{Claims, SECRET, unsigned};
pub use user::{Answer, Submission, User};

/// Longest that a scenario waits for a job on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Bounds a wait, so that a test that would hang fails and says what it waited for.
///
/// # Panics
/// When the time is over.
pub async fn within<T>(what: &str, bound: Duration, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(bound, wait).await.unwrap_or_else(|_| panic!("waited {:.0} s for {what}", bound.as_secs_f64()))
}
