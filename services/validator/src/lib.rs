//! The validator: a recording or a song in, a verdict out. Copies the object into a file without a name, has `media` decode
//! a recording once and holds the facts against the limits of the user's tier; has `music` read a MIDI file. What models are
//! trained on is only looked at.
//!
//! Owns no rows, keeps nothing, never believes a file's name. What is wrong with a recording is a verdict; a fault is
//! only what hinders the judging.

// Both panic when their reader has gone; `service_runtime::console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod error;
mod midi;
mod recordings;
mod requests;
mod verdict;

pub use error::ValidatorError;
pub use requests::Requests;

use std::sync::Arc;

use async_trait::async_trait;
use messaging::Queue;
use service_runtime::{CancellationToken, Deps, Needs, Service, error_chain};

/// The service.
pub struct Validator;

#[async_trait]
impl Service for Validator {
    fn name(&self) -> &'static str {
        "validator"
    }

    fn needs(&self) -> Needs {
        Needs { bus: true, objects: true, ..Needs::NONE }
    }

    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let bus = deps.bus()?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let requests =
            Requests::new(deps.settings.clone(), deps.objects()?, deps.metrics.clone(), deps.clock.clone(), workers);
        // One more in hand than is worked on: the next recording is fetched while this one is decoded.
        let prefetch = u16::try_from(workers + 1).unwrap_or(u16::MAX);
        let consumer = bus.consume(Queue::ValidatorRequests, prefetch, Arc::new(requests)).await?;
        deps.ready();
        shutdown.cancelled().await;
        if let Err(error) = consumer.drain(deps.settings.http.drain).await {
            tracing::warn!(error = error_chain(&error), "consumer not drained");
        }
        Ok(())
    }
}
