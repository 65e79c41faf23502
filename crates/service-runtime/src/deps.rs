//! What a service is given.

use std::sync::{Arc, atomic::AtomicBool};

use blob_store::BlobStore;
use domain::Kinds;
use messaging::Bus;
use persistence::Database;
use resilience::{BreakerRegistry, Clock};
use settings::Settings;
use telemetry::Metrics;
use tokio::sync::Notify;

use crate::{error::RuntimeError, health::Health};

/// What a service works with. What nobody in the process needs is neither awaited nor connected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    pub database: bool,
    pub bus: bool,
    pub objects: bool,
    /// Whether it writes messages into the outbox, so that this process must run a relay.
    pub relay: bool,
}

impl Needs {
    pub const ALL: Self = Self { database: true, bus: true, objects: true, relay: true };
    pub const NONE: Self = Self { database: false, bus: false, objects: false, relay: false };

    /// What both need together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            database: self.database || other.database,
            bus: self.bus || other.bus,
            objects: self.objects || other.objects,
            relay: self.relay || other.relay,
        }
    }
}

/// What the services of a process share. Cheap to clone.
#[derive(Clone)]
pub struct Deps {
    pub settings: Arc<Settings>,
    pub metrics: Metrics,
    pub clock: Arc<dyn Clock>,
    pub breakers: BreakerRegistry,
    /// The kinds of job that this process knows.
    pub kinds: Kinds,
    /// Name of this process among its siblings, for people: in leases and logs.
    pub instance: String,
    pub health: Health,
    /// Wakes the outbox relay of this process: notify it after a commit that left a message.
    pub outbox: Arc<Notify>,
    pub(crate) service: &'static str,
    pub(crate) closing: Arc<AtomicBool>,
    pub(crate) database: Option<Database>,
    pub(crate) bus: Option<Arc<dyn Bus>>,
    pub(crate) objects: Option<Arc<dyn BlobStore>>,
}

impl Deps {
    /// # Errors
    /// When no service of this process asked for it; likewise the two below.
    pub fn database(&self) -> Result<Database, RuntimeError> {
        self.database.clone().ok_or(RuntimeError::UndeclaredDependency { dependency: "database" })
    }

    pub fn bus(&self) -> Result<Arc<dyn Bus>, RuntimeError> {
        self.bus.clone().ok_or(RuntimeError::UndeclaredDependency { dependency: "broker" })
    }

    pub fn objects(&self) -> Result<Arc<dyn BlobStore>, RuntimeError> {
        self.objects.clone().ok_or(RuntimeError::UndeclaredDependency { dependency: "object store" })
    }

    /// Says that the service that was given these can take work now. The process is ready when all of its services are.
    pub fn ready(&self) {
        self.health.service_ready(self.service);
    }

    /// The same, for another service.
    pub(crate) fn for_service(&self, service: &'static str) -> Self {
        Self { service, ..self.clone() }
    }
}
