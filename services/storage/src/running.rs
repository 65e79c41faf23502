//! How the service is hosted, runs and stops.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::KindSpec;
use messaging::Queue;
use service_runtime::{Deps, Needs, Service};
use telemetry::error_chain;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    error::StorageError,
    handlers::{Deletions, Requests},
    service::{StorageService, StorageSettings, Tools},
    song_requests::SongRequests,
};

/// The storage service, as a process hosts it.
#[derive(Default)]
pub struct Storage {
    kinds: Vec<&'static KindSpec>,
}

impl Storage {
    /// Takes in results of one more kind of job.
    #[must_use]
    pub fn with_kind(mut self, kind: &'static KindSpec) -> Self {
        self.kinds.push(kind);
        self
    }
}

#[async_trait]
impl Service for Storage {
    fn name(&self) -> &'static str {
        "storage"
    }

    fn needs(&self) -> Needs {
        Needs { relay: false, ..Needs::ALL }
    }

    fn kinds(&self) -> Vec<&'static KindSpec> {
        self.kinds.clone()
    }

    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let tools = Tools {
            bus: deps.bus()?,
            database: deps.database()?,
            objects: deps.objects()?,
            clock: deps.clock.clone(),
            metrics: deps.metrics.clone(),
            kinds: deps.kinds.clone(),
        };
        let service = StorageService::new(tools, StorageSettings::of(&deps.settings));
        service.run(shutdown, || deps.ready()).await?;
        Ok(())
    }
}

impl StorageService {
    /// Serves until `shutdown`, then finishes what is under way. Calls `ready` once it takes requests.
    pub async fn run(
        self: Arc<Self>,
        shutdown: CancellationToken,
        ready: impl FnOnce() + Send,
    ) -> Result<(), StorageError> {
        let prefetch = self.settings.prefetch.max(1);
        let bus = &self.tools.bus;
        let requests = bus.consume(Queue::StorageRequests, prefetch, Arc::new(Requests(self.clone()))).await?;
        let deletions = bus.consume(Queue::StorageDeletions, prefetch, Arc::new(Deletions(self.clone()))).await?;
        let songs = bus.consume(Queue::StorageSongs, prefetch, Arc::new(SongRequests(self.clone()))).await?;
        ready();
        tracing::info!(workers = self.settings.workers, "storage takes results");
        self.sweep_until(&shutdown).await;
        let drained = tokio::join!(
            requests.drain(self.settings.drain),
            deletions.drain(self.settings.drain),
            songs.drain(self.settings.drain)
        );
        for result in [drained.0, drained.1, drained.2] {
            if let Err(error) = result {
                tracing::warn!(error = error_chain(&error), "storage stopped with work under way");
            }
        }
        Ok(())
    }

    async fn sweep_until(&self, shutdown: &CancellationToken) {
        let pause = self.settings.sweep.max(Duration::from_secs(1));
        // The first one soon, but not while everything starts.
        let mut ticks = tokio::time::interval_at(Instant::now() + pause / 10, pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // A sweep that is cut short is gone on with by the next one.
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = self.sweep() => {}
            }
        }
    }
}
