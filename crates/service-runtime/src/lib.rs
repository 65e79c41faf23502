//! What every service has in common around its own work: settings, logs, the wait for what it depends on, readiness,
//! the outbox relay, signals, drain and exit codes.
//!
//! Boot: crypto provider → settings (all problems at once) → logs → dependencies, each awaited with a bound → migrations
//! → health listener → services → ready. Stop: not ready → services drain within `http.drain_ms` → relay's last pass →
//! broker, database and listener closed. Decides nothing about jobs and knows no route of the public API.

// Both panic when their reader has gone; `console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod boot;
mod connect;
pub mod console;
mod crypto;
mod deps;
mod error;
mod exit;
mod health;
mod http;
mod listener;
mod observers;
mod outgoing;
mod relay;
mod run;

pub use boot::{boot, main};
pub use crypto::install_crypto;
pub use deps::{Deps, Needs};
pub use error::RuntimeError;
pub use exit::Exit;
pub use health::{Check, Health, HealthReport, Phase};
pub use http::{TRACEPARENT, observe};
pub use listener::health_routes;
pub use outgoing::outgoing;
pub use relay::OutboxRelay;
pub use run::{run_all, run_until, run_until_with};
pub use telemetry::error_chain;
pub use tokio_util::sync::CancellationToken;

use async_trait::async_trait;
use domain::KindSpec;

/// One of Descant's services, in a process of its own or beside the others in one.
#[async_trait]
pub trait Service: Send + 'static {
    /// As it stands in logs, metrics and the list of the broker's connections.
    fn name(&self) -> &'static str;

    /// What it works with; the process waits for these before it starts the service.
    fn needs(&self) -> Needs {
        Needs::ALL
    }

    /// Kinds of job that it knows beside those of this version; the other services of its process then know them, too.
    fn kinds(&self) -> Vec<&'static KindSpec> {
        Vec::new()
    }

    /// Whether it answers for the health of its process over HTTP itself (see [`health_routes`]). For a process in
    /// which no service does, the runtime listens on `http.health_port`.
    fn has_http(&self) -> bool {
        false
    }

    /// Works until `shutdown`, then finishes or hands back what is under way. Calls [`Deps::ready`] once it can take
    /// work. Returning before `shutdown` counts as a failure and stops the whole process.
    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()>;
}
