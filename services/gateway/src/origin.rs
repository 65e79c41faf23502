//! The address under which a request reached the gateway, and what may stand there.

use actix_web::{
    HttpRequest,
    http::header::{self, AsHeaderName, HeaderMap},
};
use url::Url;

/// What proxies add to what they pass on. Anybody can write it too, so that nothing of it is believed but that there may be
/// somebody in between.
const PASSED_ON: [&str; 7] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"];

/// Scheme, host and port as the client had them, such as `http://127.0.0.1:3000`: what the links of its answer begin with, and
/// nothing that is stored or sent to anybody else. `None` where that cannot be told: the request names no host, or several, or
/// it came through a proxy, whose address only the settings know (`http.public_url`).
pub fn of(request: &HttpRequest) -> Option<String> {
    let scheme = if request.app_config().secure() { "https" } else { "http" };
    let authority = request.uri().authority().map(|authority| authority.as_str());
    told(scheme, authority, request.headers())
}

/// `authority` is that of a request line with a whole address (RFC 9112, section 3.2.2: it stands above `Host`).
fn told(scheme: &str, authority: Option<&str>, headers: &HeaderMap) -> Option<String> {
    if PASSED_ON.into_iter().any(|name| headers.contains_key(name)) {
        return None;
    }
    let host = match authority {
        Some(authority) => authority,
        None => {
            let mut hosts = texts(headers, header::HOST);
            hosts.next().filter(|_| hosts.next().is_none())?
        }
    };
    at(scheme, host).map(|url| url.origin().ascii_serialization())
}

/// Values that are no text match nothing.
pub fn texts(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).map(|value| value.to_str().unwrap_or("?"))
}

/// The address of a `Host`; none for what is more, or less, than a host and a port.
pub fn at(scheme: &str, host: &str) -> Option<Url> {
    let plain = !host.contains(|c: char| "@/\\?#".contains(c) || c.is_whitespace() || c.is_control());
    plain.then(|| Url::parse(&format!("{scheme}://{host}/")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(told: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        told.iter().map(pair).for_each(|(name, value)| headers.append(name, value));
        headers
    }

    #[test]
    fn a_request_tells_where_it_went() {
        let check = |host, origin: &str| {
            assert_eq!(told("http", None, &headers(&[("host", host)])).as_deref(), Some(origin), "{host}");
        };
        check("127.0.0.1:3000", "http://127.0.0.1:3000");
        check("localhost", "http://localhost");
        check("LOCALHOST:80", "http://localhost");
        check("[::1]:3000", "http://[::1]:3000");
        check("studio.lan:8080", "http://studio.lan:8080");
        let named = headers(&[("host", "other.example")]);
        assert_eq!(told("http", Some("music.example"), &named).as_deref(), Some("http://music.example"));
        assert_eq!(told("https", None, &named).as_deref(), Some("https://other.example"));
    }

    #[test]
    fn what_is_no_host_and_what_a_proxy_passed_on_is_no_address() {
        assert_eq!(told("http", None, &headers(&[])), None, "HTTP/1.0");
        for host in
            ["", "a b", "user@music.example", "music.example/path", "music.example?x", "a\\b", "music:port", "[::1"]
        {
            assert_eq!(told("http", None, &headers(&[("host", host)])), None, "{host:?}");
        }
        assert_eq!(told("http", None, &headers(&[("host", "a.example"), ("host", "b.example")])), None);
        for name in PASSED_ON {
            assert_eq!(told("http", None, &headers(&[("host", "localhost"), (name, "evil.example")])), None, "{name}");
        }
    }
}
