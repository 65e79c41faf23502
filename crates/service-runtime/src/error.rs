//! What can go wrong around a service.

use std::{error::Error, io, net::SocketAddr, time::Duration};

use crate::exit::Exit;

type Source = Box<dyn Error + Send + Sync>;

/// Why a process could not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("the {dependency} was not there after {} s", waited.as_secs())]
    NotThere {
        dependency: &'static str,
        waited: Duration,
        #[source]
        source: Source,
    },
    /// Waiting would not help: a wrong address, password or right.
    #[error("the {dependency} cannot be used")]
    Unusable {
        dependency: &'static str,
        #[source]
        source: Source,
    },
    #[error("the database could not be migrated")]
    Migration(#[source] persistence::PersistenceError),
    #[error("the folder {path} cannot be made")]
    Folder {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// A defect of the service: it did not name what it uses in its [`crate::Needs`].
    #[error("this service did not ask for the {dependency}")]
    NotAskedFor { dependency: &'static str },
    #[error("the providers cannot be set up")]
    Providers(#[source] Source),
    #[error("stopped while waiting for the {dependency}")]
    StoppedWaiting { dependency: &'static str },
}

impl RuntimeError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::NotThere { .. } | Self::Unusable { .. } | Self::Migration(_) => Exit::Dependency,
            Self::Folder { .. } | Self::Listen { .. } | Self::Providers(_) => Exit::Settings,
            Self::NotAskedFor { .. } => Exit::Crashed,
            Self::StoppedWaiting { .. } => Exit::Stopped,
        }
    }
}
