//! Why nothing can be sent at all.

use std::{io, path::PathBuf};

use settings::HostRuleError;

/// Why requests cannot be made as the settings want it.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("outbound.ca_file names {}, which cannot be read", path.display())]
    CaFile { path: PathBuf, source: io::Error },
    #[error("outbound.ca_file names {}, which holds no certificate in PEM that can be used", path.display())]
    Certificates { path: PathBuf },
    /// The proxy's address may hold a password, so that it is not repeated.
    #[error("outbound.proxy is not an address that requests can go through")]
    Proxy,
    #[error("the address of a service is not http or https, or has a user, a password, a query or a fragment")]
    Base,
    #[error("{rule:?} names no host")]
    HostRule { rule: String, source: HostRuleError },
    #[error("there is no HTTP client")]
    Client(#[source] reqwest::Error),
}
