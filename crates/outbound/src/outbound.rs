//! The one who sends.

use std::{fmt, sync::Arc};

use reqwest::Method;
use settings::OutboundSettings;

use crate::{
    clients::Clients,
    destination::Destination,
    request::Request,
    resolve::{Resolver, SystemResolver},
    setup::SetupError,
};

/// Sends requests to the outside. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    clients: Arc<Clients>,
}

impl Outbound {
    /// Reads the file of certificates, where the settings name one. Blocking; meant for the start of a service.
    ///
    /// # Errors
    /// When that file or the proxy cannot be used, or there is no TLS.
    pub fn new(settings: &OutboundSettings) -> Result<Self, SetupError> {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// The same, with names resolved by `resolver`.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn with_resolver(settings: &OutboundSettings, resolver: Arc<dyn Resolver>) -> Result<Self, SetupError> {
        Ok(Self { clients: Arc::new(Clients::new(settings, &resolver)?) })
    }

    /// A request for `target`: a path below the base of a configured destination, or an address of an untrusted one.
    /// Nothing is sent, and nothing refused, before [`Request::send`].
    pub fn request(&self, method: Method, destination: &Destination, target: &str) -> Request {
        Request::new(self.clients.clone(), method, destination.clone(), target.to_owned())
    }

    pub fn get(&self, destination: &Destination, target: &str) -> Request {
        self.request(Method::GET, destination, target)
    }

    pub fn post(&self, destination: &Destination, target: &str) -> Request {
        self.request(Method::POST, destination, target)
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}
