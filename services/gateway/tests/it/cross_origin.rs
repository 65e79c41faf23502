//! Web pages of other origins: those that may not come in, and those that may.

use crate::harness::Harness;

const CONVERT: &str = "/api/v1/melody-vocals/convert";
const QUOTA: &str = "/api/v1/melody-vocals/quota";

#[tokio::test]
async fn a_page_of_another_local_port_starts_nothing() {
    let harness = Harness::open().await;
    let port = harness.address.port();
    let own = format!("http://127.0.0.1:{port}");
    let form = ("content-type", "multipart/form-data; boundary=x");
    for origin in ["http://localhost:9999", "http://127.0.0.1:9999", "https://attacker.example", "null"] {
        for headers in [vec![("origin", origin), form], vec![("origin", origin), ("sec-fetch-site", "same-site"), form]]
        {
            let body = harness.ask("POST", CONVERT, &headers).await.problem(403, "origin_not_allowed");
            assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("http.cors_origins")), "{body}");
        }
    }
    harness.ask("POST", CONVERT, &[("sec-fetch-site", "cross-site"), form]).await.problem(403, "origin_not_allowed");
    harness.ask("GET", QUOTA, &[("sec-fetch-site", "cross-site")]).await.problem(403, "origin_not_allowed");
    let socket = [("origin", "http://localhost:9999"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
    harness.ask("GET", "/api/v1/jobs/x/ws", &socket).await.problem(403, "origin_not_allowed");
    // Our own page, a link that is followed, and programs.
    for headers in [vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")], vec![]] {
        assert_eq!(harness.ask("GET", QUOTA, &headers).await.status, 200, "{headers:?}");
        let answer = harness.ask("POST", CONVERT, &[headers, vec![form]].concat()).await;
        answer.problem(400, "invalid_body");
    }
    let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(harness.ask("GET", QUOTA, &link).await.status, 200);
}

#[tokio::test]
async fn a_foreign_name_is_refused_in_words_for_its_reader() {
    let harness = Harness::with(&[("http.allowed_hosts", "studio.lan")]).await;
    for host in ["0.0.0.0:3000", "studio.home:3000", "attacker.example"] {
        let answer = harness.ask("GET", QUOTA, &[("host", host)]).await;
        let body = answer.problem(403, "host_not_allowed");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("127.0.0.1")), "{body}");
        assert!(answer.header("x-trace-id").is_some() && answer.header("x-content-type-options").is_some());
        let accept = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let page = harness.ask("GET", "/", &[("host", host), accept]).await;
        assert_eq!((page.status, page.header("content-type")), (403, Some("text/html; charset=utf-8")), "{host}");
        assert!(page.text().starts_with("<!doctype html>") && page.text().contains("127.0.0.1"), "{}", page.text());
    }
    for host in ["studio.lan:3000", "foo.localhost", "localhost"] {
        assert_eq!(harness.ask("GET", QUOTA, &[("host", host)]).await.status, 200, "{host}");
    }
    let metrics = harness.ask("GET", "/metrics", &[]).await.text();
    assert!(metrics.contains("host_not_allowed"), "a refusal is counted by its code: {metrics}");
}

/// Tokens are not sent by a browser of its own accord: pages are CORS's business alone.
#[tokio::test]
async fn with_tokens_every_page_may_ask() {
    let secret = "a secret that only the tests of this project use";
    let harness = Harness::with(&[("auth.mode", "hs256"), ("auth.secret", secret)]).await;
    for headers in [[("origin", "https://a.example")], [("sec-fetch-site", "cross-site")], [("host", "a.example")]] {
        harness.ask("GET", QUOTA, &headers).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn an_allowed_page_may_send_any_header_and_read_ours() {
    const PAGE: &str = "https://studio.example";
    let harness = Harness::with(&[("http.cors_origins", PAGE)]).await;
    let asked = "traceparent, tracestate, if-range, if-none-match, if-match, range, cache-control, x-requested-with, \
                 idempotency-key, last-event-id, authorization, content-type, baggage, x-datadog-trace-id";
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let preflight = [
            ("origin", PAGE),
            ("access-control-request-method", method),
            ("access-control-request-headers", asked),
            ("sec-fetch-site", "cross-site"),
        ];
        let answer = harness.ask("OPTIONS", CONVERT, &preflight).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        let allowed = answer.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
        for header in asked.split(", ") {
            assert!(allowed.split(',').any(|known| known.trim() == header), "{header} is not in {allowed}");
        }
        let methods = answer.header("access-control-allow-methods").unwrap_or_default();
        assert!(methods.split(',').any(|known| known.trim() == method), "{method} is not in {methods}");
    }
    let answer = harness.ask("GET", QUOTA, &[("origin", PAGE), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(PAGE)));
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_lowercase();
    for header in [
        "content-range",
        "accept-ranges",
        "content-disposition",
        "content-length",
        "etag",
        "retry-after",
        "idempotent-replayed",
        "location",
        "x-trace-id",
    ] {
        assert!(exposed.split(',').any(|known| known.trim() == header), "{header} is not in {exposed}");
    }
    let other = [("origin", "https://other.example"), ("access-control-request-method", "POST")];
    assert_eq!(harness.ask("OPTIONS", CONVERT, &other).await.header("access-control-allow-origin"), None);
}
