//! From names to addresses. What comes out here is what is connected to: between the check and the connection nobody is
//! asked again, so that a name which changes its mind gains nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::{
    address::{is_never_by_name, is_public},
    destination::{Policy, Route},
};

/// Resolves names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of a host.
    ///
    /// # Errors
    /// When it has none, or nobody can be asked.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the system resolves them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A name whose address is not to be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a network that is closed")]
pub struct AddressRefused;

/// A name without addresses.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub struct Unresolved(#[source] Option<io::Error>);

/// Lets through what its route is for.
pub struct GuardedResolver {
    pub inner: Arc<dyn Resolver>,
    pub policy: Arc<Policy>,
    pub route: Route,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (inner, policy, route) = (self.inner.clone(), self.policy.clone(), self.route);
        Box::pin(async move {
            let host = name.as_str();
            let addresses = inner.resolve(host).await.map_err(|source| Unresolved(Some(source)))?;
            if addresses.is_empty() {
                return Err(Unresolved(None).into());
            }
            // The operator's own word, as the bases of services are.
            let is_proxy = policy.proxy_host.as_deref() == Some(host);
            // One closed address among others is no mistake: the whole name is refused.
            if !is_proxy && !addresses.iter().all(|address| is_open(*address, route, &policy)) {
                return Err(AddressRefused.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

fn is_open(address: IpAddr, route: Route, policy: &Policy) -> bool {
    let is_listed = || policy.allow_hosts.iter().any(|rule| rule.opens(address));
    match route {
        Route::Configured => true,
        Route::Listed => !is_never_by_name(address) || is_listed(),
        Route::Guarded => is_public(address) || is_listed(),
    }
}
