//! The HTTP clients, one for each route: a connection that one route may use is no connection of another.

use std::{fs, sync::Arc, time::Duration};

use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy, redirect, tls};
use settings::OutboundSettings;

use crate::{
    destination::{Policy, Route},
    resolve::{GuardedResolver, Resolver},
    setup::SetupError,
};

/// Largest headers of an answer, in bytes and in number. An HTTP/1 answer is read into a buffer of some 400 kB at most.
pub const MAX_HEADER_BYTES: u32 = 64 * 1024;
const MAX_HEADERS: usize = 200;
const POOL_IDLE: Duration = Duration::from_secs(60);
const USER_AGENT: &str = concat!("descant/", env!("CARGO_PKG_VERSION"));

pub struct Clients {
    configured: Client,
    listed: Client,
    guarded: Client,
    pub policy: Arc<Policy>,
}

impl Clients {
    pub fn new(settings: &OutboundSettings, resolver: &Arc<dyn Resolver>) -> Result<Self, SetupError> {
        let proxy = proxy(settings)?;
        let certificates = certificates(settings)?;
        let proxy_host = settings.proxy.as_ref().and_then(|url| url.expose().host_str().map(str::to_owned));
        let policy = Arc::new(Policy { allow_hosts: settings.allow_hosts.clone(), proxy_host });
        let client = |route| {
            let resolver = GuardedResolver { inner: resolver.clone(), policy: policy.clone(), route };
            let mut builder = plain(settings.connect_timeout).dns_resolver(Arc::new(resolver));
            if !certificates.is_empty() {
                builder = builder.tls_certs_merge(certificates.iter().cloned());
            }
            if let Some(proxy) = &proxy {
                builder = builder.proxy(proxy.clone());
            }
            builder.build().map_err(SetupError::Client)
        };
        Ok(Self {
            configured: client(Route::Configured)?,
            listed: client(Route::Listed)?,
            guarded: client(Route::Guarded)?,
            policy,
        })
    }

    pub const fn client(&self, route: Route) -> &Client {
        match route {
            Route::Configured => &self.configured,
            Route::Listed => &self.listed,
            Route::Guarded => &self.guarded,
        }
    }
}

fn plain(connect_timeout: Duration) -> ClientBuilder {
    Client::builder()
        // Redirects are followed here, each one checked.
        .redirect(redirect::Policy::none())
        .referer(false)
        // The environment has no say.
        .no_proxy()
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .tls_version_min(tls::Version::TLS_1_2)
        .user_agent(USER_AGENT)
}

fn proxy(settings: &OutboundSettings) -> Result<Option<Proxy>, SetupError> {
    let Some(url) = &settings.proxy else { return Ok(None) };
    let proxy = Proxy::all(url.expose().clone()).map_err(|_| SetupError::Proxy)?;
    Ok(Some(proxy.no_proxy(NoProxy::from_string(&settings.no_proxy.join(",")))))
}

fn certificates(settings: &OutboundSettings) -> Result<Vec<Certificate>, SetupError> {
    let Some(path) = &settings.ca_file else { return Ok(Vec::new()) };
    let pem = fs::read(path).map_err(|source| SetupError::CaFile { path: path.clone(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(SetupError::Certificates { path: path.clone() }),
    }
}
