//! A stand-in for storage that only writes down what it is told to delete.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use contracts::v1;
use messaging::{Body, Envelope, Handler, Outcome, Queue};
use service_runtime::{CancellationToken, Deps, Service};

/// The commands so far, in the order in which they were published.
#[derive(Clone, Default)]
pub struct Deletions(Arc<Mutex<Vec<v1::DeleteJobObjects>>>);

impl Deletions {
    pub fn published(&self) -> Vec<v1::DeleteJobObjects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Handler for Deletions {
    async fn handle(&self, message: Envelope) -> Outcome {
        let Some(Body::DeleteJobObjects(command)) = message.body else {
            return Outcome::Dead("not for storage".to_owned());
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(command);
        Outcome::Done
    }
}

#[async_trait]
impl Service for Deletions {
    fn name(&self) -> &'static str {
        "storage"
    }

    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let consumer = deps.bus()?.consume(Queue::StorageDeletions, 1, Arc::new((*self).clone())).await?;
        deps.ready();
        shutdown.cancelled().await;
        consumer.drain(deps.settings.http.drain).await?;
        Ok(())
    }
}
