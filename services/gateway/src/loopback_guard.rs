//! A guard for the embedded mode, in which whoever reaches the port is the user: a web page that the user happens to
//! have open must not. Requests are only answered for names of this machine (a name that an attacker points at the
//! loopback interface is refused), and for pages only of these names or of the origins that the settings allow.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};
use url::{Host, Url};

use crate::{app_state::AppState, auth::Authenticator, problem::ApiError};

/// Middleware: answers 403 to requests that come from elsewhere.
pub async fn guard(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if matches!(state.auth, Authenticator::Local) {
        let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(header::HOST).or_else(|| request.uri().authority().map(|authority| authority.as_str()));
        let http = &state.settings.http;
        if !is_local(host, text(header::ORIGIN), http.public_url.as_ref(), &http.cors_origins) {
            return Err(ApiError::Forbidden.into());
        }
    }
    next.call(request).await
}

/// Whether a request with this `Host` and this `Origin` may be answered without asking who sends it.
fn is_local(host: Option<&str>, origin: Option<&str>, public: Option<&Url>, allowed: &[String]) -> bool {
    let ours = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || public.is_some_and(|public| public.host() == url.host()),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let host_is_ours =
        host.is_none_or(|host| Url::parse(&format!("http://{host}/")).is_ok_and(|address| ours(&address)));
    let origin_is_ours = origin.is_none_or(|origin| {
        allowed.iter().any(|allowed| allowed == "*" || allowed == origin)
            || Url::parse(origin).is_ok_and(|address| ours(&address))
    });
    host_is_ours && origin_is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_names_and_allowed_pages_get_in() {
        let public = Url::parse("https://music.example").unwrap();
        let allowed = ["https://studio.example".to_owned()];
        let check = |host: &str, origin: Option<&str>| is_local(Some(host), origin, Some(&public), &allowed);
        for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "music.example"] {
            assert!(check(host, None), "{host}");
        }
        for host in ["attacker.example:3000", "localhost.attacker.example", "10.0.0.5:3000", ""] {
            assert!(!check(host, None), "{host}");
        }
        assert!(check("localhost:3000", Some("http://localhost:5173")));
        assert!(check("localhost:3000", Some("https://studio.example")));
        assert!(!check("localhost:3000", Some("https://attacker.example")));
        assert!(!check("localhost:3000", Some("null")));
        assert!(is_local(None, None, None, &[]));
    }
}
