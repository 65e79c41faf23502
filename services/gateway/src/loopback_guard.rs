//! A guard for the embedded mode, in which whoever reaches the port is the user: a web page that the user happens to
//! have open must not be. Three things tell a page from its user:
//!
//! - `Host`: only names of this machine are answered. A name that an attacker points at the loopback interface (DNS
//!   rebinding) would make their page one of our own.
//! - `Origin`: the page that asks is our own, with the same scheme, host and port, or one that the settings allow. A page
//!   of another port of this machine is another program's.
//! - `Sec-Fetch-Site`: the browser's own word, also where it sends no `Origin`. What comes from elsewhere may only open a
//!   document (the resource isolation policy of Fetch Metadata): images, sounds, scripts and frames of other sites get
//!   nothing, whatever CORS keeps them from reading.
//!
//! Programs that are no browser send neither of the last two. Tokens are not guarded like this: no browser adds one to
//! a request by itself.

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap},
    },
    middleware::Next,
    web,
};
use settings::HttpSettings;
use url::{Host, Url};

use crate::{
    app_state::AppState,
    auth::Authenticator,
    error_page,
    origin::{at, texts},
    problem::ApiError,
};

/// Middleware: answers 403 to requests that come from elsewhere.
pub async fn guard(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if matches!(state.auth, Authenticator::Local) {
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let door = Door(&state.settings.http);
        if let Err(refused) = door.admit(request.method(), authority, request.headers()) {
            let response = if error_page::is_wanted(request.headers()) {
                error_page::of_problem(refused)
            } else {
                HttpResponse::from_error(refused)
            };
            // Not `into_response`, which forgets the error that the metrics count.
            return Ok(ServiceResponse::new(request.into_parts().0, response).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// What a browser says of where a request comes from (`Sec-Fetch-Site`).
#[derive(Clone, Copy, PartialEq)]
enum Site {
    /// No browser, or one from before 2023, or one that does not trust the connection.
    Untold,
    /// Our own page, or the user by hand.
    Own,
    /// Another site, or another port of the same one; also a word that this version does not know.
    Other,
}

impl Site {
    fn of(headers: &HeaderMap) -> Self {
        let mut site = Self::Untold;
        for told in headers.get_all("sec-fetch-site") {
            match told.as_bytes() {
                b"same-origin" | b"none" if site != Self::Other => site = Self::Own,
                _ => site = Self::Other,
            }
        }
        site
    }
}

/// Who may come in, by the settings.
struct Door<'a>(&'a HttpSettings);

impl Door<'_> {
    /// Whether a request may be answered without asking who sends it.
    fn admit(&self, method: &Method, authority: Option<&str>, headers: &HeaderMap) -> Result<(), ApiError> {
        let hosts: Vec<&str> = texts(headers, header::HOST).chain(authority).collect();
        if let Some(host) = hosts.iter().find(|host| !self.answers_to(host)) {
            return Err(host_refused(host));
        }
        let site = Site::of(headers);
        let mut named = false;
        for origin in texts(headers, header::ORIGIN) {
            named |= self.lets_in(origin);
            // A page that keeps its address to itself (`Referrer-Policy: no-referrer`) posts forms from `null`.
            let silent = origin == "null" && site == Site::Own;
            if !self.lets_in(origin) && !silent && !self.is_own(origin, &hosts, site) {
                return Err(origin_refused(Some(origin)));
            }
        }
        let told_is = |name, value: &str| texts(headers, name).all(|told| told == value) && headers.contains_key(name);
        let reads = method == Method::GET || method == Method::HEAD;
        let opens = told_is("sec-fetch-mode", "navigate") && told_is("sec-fetch-dest", "document");
        // Browsers send no Origin for images and sounds.
        let referred = || headers.get(header::REFERER).and_then(|told| told.to_str().ok()).and_then(origin_of);
        let may = named
            || site != Site::Other
            || self.lets_in("*")
            || reads && (opens || referred().is_some_and(|origin| self.lets_in(&origin)));
        if may { Ok(()) } else { Err(origin_refused(None)) }
    }

    /// Whether a host is a name of this machine, or one that the settings allow.
    fn answers_to(&self, host: &str) -> bool {
        let Some(address) = at("http", host) else { return false };
        let public = self.0.public_url.as_ref();
        match address.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                // RFC 6761, section 6.3: names below localhost are this machine too, and nobody can register one.
                name == "localhost"
                    || name.ends_with(".localhost")
                    || public.is_some_and(|public| public.host() == address.host())
                    || self.0.allowed_hosts.iter().any(|allowed| allowed == name)
            }
            Some(Host::Ipv4(ip)) => ip.is_loopback() || self.allows_address(&address),
            Some(Host::Ipv6(ip)) => {
                ip.is_loopback()
                    || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
                    || self.allows_address(&address)
            }
            None => false,
        }
    }

    fn allows_address(&self, address: &Url) -> bool {
        let public = self.0.public_url.as_ref().and_then(Url::host_str);
        address
            .host_str()
            .is_some_and(|ip| public == Some(ip) || self.0.allowed_hosts.iter().any(|allowed| allowed == ip))
    }

    /// Whether the settings allow pages of this origin.
    fn lets_in(&self, origin: &str) -> bool {
        let is_public = || {
            let public = self.0.public_url.as_ref().map(|url| url.origin().ascii_serialization());
            public.as_deref() == Some(origin)
        };
        self.0.cors_origins.iter().any(|allowed| allowed == "*" || allowed == origin) || is_public()
    }

    /// Whether a page of this origin is one that we serve under the name by which we were asked.
    fn is_own(&self, origin: &str, hosts: &[&str], site: Site) -> bool {
        let Ok(page) = Url::parse(origin) else { return false };
        let ours = |host: &&str, scheme: &str| at(scheme, host).is_some_and(|url| url.origin() == page.origin());
        hosts.iter().any(|host| match self.0.public_url.as_ref() {
            // Behind a proxy that speaks TLS; a page that came without it is not ours.
            Some(public) if at(public.scheme(), host).is_some_and(|url| url.origin() == public.origin()) => {
                ours(host, public.scheme())
            }
            // Whether a proxy speaks TLS for us we cannot see; the browser can, and says that the page is ours.
            _ => ours(host, "http") || (site == Site::Own && ours(host, "https")),
        })
    }
}

fn origin_of(address: &str) -> Option<String> {
    Url::parse(address).ok().map(|url| url.origin().ascii_serialization())
}

fn host_refused(host: &str) -> ApiError {
    let address = at("http", host);
    let port = address.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
    let detail = match address.as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) if ip.is_unspecified() => unspecified(host, &port),
        Some(Host::Ipv6(ip)) if ip.is_unspecified() => unspecified(host, &port),
        Some(name) => format!(
            "This server does not answer to the name {name}, only to names of its own computer such as localhost: a \
             web page could otherwise use it under a name of its own. Open http://127.0.0.1{port}/ there, or allow the \
             name with the setting http.allowed_hosts (DESCANT_HTTP__ALLOWED_HOSTS={name})."
        ),
        None => "The Host header is not the name of a host and a port.".to_owned(),
    };
    ApiError::HostNotAllowed { detail }
}

fn unspecified(host: &str, port: &str) -> String {
    format!("{host} is an address to listen on and not one to visit. Open http://127.0.0.1{port}/ instead.")
}

fn origin_refused(origin: Option<&str>) -> ApiError {
    let known = origin.filter(|origin| origin_of(origin).is_some_and(|parsed| parsed == *origin));
    let detail = match known {
        Some(origin) => format!(
            "Pages of {origin} may not use this server. If they are yours, allow them with the setting \
             http.cors_origins (DESCANT_HTTP__CORS_ORIGINS={origin})."
        ),
        None => "Your browser says that a page of another site, or of another port, asks for this. If that page is \
                 yours, allow its origin with the setting http.cors_origins."
            .to_owned(),
    };
    ApiError::OriginNotAllowed { detail }
}

#[cfg(test)]
#[path = "loopback_guard_tests.rs"]
mod tests;
