use actix_web::http::header::{HeaderName, HeaderValue};

use super::*;

const HOST: &str = "127.0.0.1:3000";

fn settings() -> HttpSettings {
    let loaded = settings::Settings::load(
        &settings::LoadOptions::default()
            .with("mode", "embedded")
            .with("http.public_url", "https://music.example")
            .with("http.cors_origins", "https://studio.example")
            .with("http.allowed_hosts", "Studio.lan,10.0.0.7"),
    );
    loaded.expect("valid settings").http.clone()
}

/// The code with which a request is refused.
fn refusal(method: Method, told: &[(&str, &str)]) -> Option<&'static str> {
    let mut headers = HeaderMap::new();
    for (name, value) in told {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Door(&settings()).admit(&method, None, &headers).err().map(|error| error.code())
}

fn by_host(host: &str) -> Option<&'static str> {
    refusal(Method::POST, &[("host", host)])
}

/// A POST from a page, as a browser without `Sec-Fetch-Site` sends it.
fn posted(host: &str, origin: &str) -> Option<&'static str> {
    refusal(Method::POST, &[("host", host), ("origin", origin)])
}

#[test]
fn only_names_of_this_machine_and_allowed_ones_are_answered() {
    for host in [
        "localhost:3000",
        "LOCALHOST",
        "localhost.:3000",
        "127.0.0.1:3000",
        "127.1.2.3",
        "[::1]:3000",
        "[::ffff:127.0.0.1]:3000",
        "studio.localhost:3000",
        "a.b.localhost",
        "music.example",
        "music.example:8443",
        "studio.lan:3000",
        "STUDIO.LAN",
        "10.0.0.7:3000",
    ] {
        assert_eq!(by_host(host), None, "{host}");
    }
    for host in [
        "attacker.example:3000",
        "localhost.attacker.example",
        "notlocalhost",
        "10.0.0.5:3000",
        "",
        "0.0.0.0:3000",
        "[::]:3000",
        "sub.studio.lan",
        "[2001:db8::1]",
        "localhost/x",
        "evil@localhost",
        "localhost:99999",
        "a b",
    ] {
        assert_eq!(by_host(host), Some("host_not_allowed"), "{host}");
    }
    assert_eq!(refusal(Method::POST, &[]), None, "HTTP/1.0 has no Host, and no browser speaks it");
    let two = [("host", HOST), ("host", "attacker.example")];
    assert_eq!(refusal(Method::GET, &two), Some("host_not_allowed"), "one good name does not cover for another");
    let absolute = Door(&settings()).admit(&Method::GET, Some("attacker.example"), &HeaderMap::new());
    assert!(absolute.is_err(), "nor does one in the request's target");
}

#[test]
fn a_refused_name_is_told_what_to_do() {
    let detail = |host| host_refused(host).body().detail;
    assert!(detail("0.0.0.0:3000").contains("http://127.0.0.1:3000/"), "{}", detail("0.0.0.0:3000"));
    assert!(!detail("0.0.0.0:3000").contains("allowed_hosts"));
    assert!(detail("[::]:80").contains("http://127.0.0.1/"), "{}", detail("[::]:80"));
    let foreign = detail("studio.lan:3911");
    for part in ["studio.lan", "http.allowed_hosts", "DESCANT_HTTP__ALLOWED_HOSTS=studio.lan", "http://127.0.0.1:3911/"]
    {
        assert!(foreign.contains(part), "{foreign}");
    }
    assert!(detail("a b").contains("Host header"));
}

#[test]
fn a_page_is_ours_with_the_same_scheme_host_and_port() {
    for (host, origin) in [
        (HOST, "http://127.0.0.1:3000"),
        ("localhost:3000", "http://localhost:3000"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("studio.lan:3000", "http://studio.lan:3000"),
        ("music.example", "https://music.example"),
        // A proxy that asks under its own name for us.
        (HOST, "https://music.example"),
        (HOST, "https://studio.example"),
    ] {
        assert_eq!(posted(host, origin), None, "{host} from {origin}");
    }
    for (host, origin) in [
        (HOST, "http://127.0.0.1:9999"),
        (HOST, "http://127.0.0.1"),
        (HOST, "https://127.0.0.1:3000"),
        (HOST, "http://localhost:3000"),
        ("localhost:3000", "http://localhost:9999"),
        ("localhost:3000", "http://127.0.0.1:3000"),
        ("localhost:3000", "http://a.localhost:3000"),
        ("music.example", "http://music.example"),
        (HOST, "https://attacker.example"),
        (HOST, "null"),
        (HOST, "file://"),
        (HOST, "http://127.0.0.1:3000.attacker.example"),
        (HOST, "rubbish"),
    ] {
        assert_eq!(posted(host, origin), Some("origin_not_allowed"), "{host} from {origin}");
        let read = refusal(Method::GET, &[("host", host), ("origin", origin)]);
        assert_eq!(read, Some("origin_not_allowed"), "no socket either: {host} from {origin}");
    }
}

#[test]
fn a_refused_page_is_told_the_setting() {
    let detail = origin_refused(Some("http://localhost:9999")).body().detail;
    assert!(detail.contains("DESCANT_HTTP__CORS_ORIGINS=http://localhost:9999"), "{detail}");
    for unfit in [None, Some("null"), Some("rubbish"), Some("http://x/<b>")] {
        let detail = origin_refused(unfit).body().detail;
        assert!(detail.contains("http.cors_origins") && !detail.contains("<b>"), "{detail}");
    }
}

/// A request of a browser that says where it comes from.
fn fetched(method: Method, site: &str, more: &[(&str, &str)]) -> Option<&'static str> {
    let told = [&[("host", HOST), ("sec-fetch-site", site)], more].concat();
    refusal(method, &told)
}

#[test]
fn what_the_browser_says_is_heeded_where_there_is_no_origin() {
    for own in ["same-origin", "none"] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
            assert_eq!(fetched(method.clone(), own, &[]), None, "{method} {own}");
        }
    }
    for other in ["same-site", "cross-site", "something-new"] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for dest in ["audio", "image", "script", "iframe", "empty", "object"] {
                let told = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", dest)];
                assert_eq!(
                    fetched(method.clone(), other, &told),
                    Some("origin_not_allowed"),
                    "{method} {other} {dest}"
                );
            }
        }
        let opened = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(fetched(Method::GET, other, &opened), None, "a link from elsewhere");
        assert_eq!(fetched(Method::POST, other, &opened), Some("origin_not_allowed"), "a form from elsewhere");
        let framed = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert_eq!(fetched(Method::GET, other, &framed), Some("origin_not_allowed"), "a frame elsewhere");
    }
    let both = [("host", HOST), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin")];
    assert_eq!(refusal(Method::POST, &both), Some("origin_not_allowed"));
}

#[test]
fn origin_and_browser_must_agree() {
    let own = ("origin", "http://127.0.0.1:3000");
    assert_eq!(fetched(Method::POST, "same-origin", &[own]), None);
    assert_eq!(fetched(Method::POST, "cross-site", &[own]), Some("origin_not_allowed"));
    let other = ("origin", "http://127.0.0.1:9999");
    assert_eq!(fetched(Method::POST, "same-origin", &[other]), Some("origin_not_allowed"));
    assert_eq!(fetched(Method::POST, "same-site", &[other]), Some("origin_not_allowed"));
    // A form of a page that sends no referrer, and TLS that ends before us.
    assert_eq!(fetched(Method::POST, "same-origin", &[("origin", "null")]), None);
    assert_eq!(fetched(Method::POST, "cross-site", &[("origin", "null")]), Some("origin_not_allowed"));
    assert_eq!(fetched(Method::POST, "same-origin", &[("origin", "https://127.0.0.1:3000")]), None);
}

#[test]
fn allowed_origins_stay_allowed() {
    let studio = ("origin", "https://studio.example");
    for method in [Method::GET, Method::POST, Method::DELETE] {
        assert_eq!(fetched(method, "cross-site", &[studio]), None);
    }
    let sound = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "audio"), ("referer", "https://studio.example/a")];
    assert_eq!(fetched(Method::GET, "cross-site", &sound), None, "a sound on an allowed page");
    assert_eq!(fetched(Method::POST, "cross-site", &sound), Some("origin_not_allowed"));
    let elsewhere = [("referer", "https://attacker.example/https://studio.example")];
    assert_eq!(fetched(Method::GET, "cross-site", &elsewhere), Some("origin_not_allowed"));
    let mut everybody = settings();
    everybody.cors_origins = vec!["*".to_owned()];
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static(HOST));
    headers.insert(header::ORIGIN, HeaderValue::from_static("null"));
    headers.insert(HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("cross-site"));
    assert!(Door(&everybody).admit(&Method::POST, None, &headers).is_ok());
}
