//! A stand-in for storage that only writes down what it is told to delete, and what is announced meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use contracts::v1;
use domain::JobId;
use messaging::{Body, Envelope, Event, Handler, Outcome, Queue};
use service_runtime::{CancellationToken, Deps, Service};

/// The commands so far, in the order in which they were published.
#[derive(Clone, Default)]
pub struct Deletions {
    commands: Arc<Mutex<Vec<v1::DeleteJobObjects>>>,
    announced: Arc<Mutex<Vec<v1::Announcement>>>,
}

impl Deletions {
    pub fn published(&self) -> Vec<v1::DeleteJobObjects> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was announced of a job so far.
    pub fn announced(&self, job: JobId) -> Vec<String> {
        let announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        announced.iter().filter(|told| told.job_id == job.to_string()).map(|told| told.event.clone()).collect()
    }
}

#[async_trait]
impl Handler for Deletions {
    async fn handle(&self, message: Envelope) -> Outcome {
        let Some(Body::DeleteJobObjects(command)) = message.body else {
            return Outcome::Dead("not for storage".to_owned());
        };
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command);
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
        let mut events = deps.bus()?.subscribe_events(1024).await?;
        deps.ready();
        while let Some(Some(event)) = shutdown.run_until_cancelled(events.next()).await {
            if let Event::Message(message) = event
                && let Some(Body::Announcement(told)) = message.body
            {
                self.announced.lock().unwrap_or_else(PoisonError::into_inner).push(told);
            }
        }
        shutdown.cancelled().await;
        consumer.drain(deps.settings.http.drain).await?;
        Ok(())
    }
}
