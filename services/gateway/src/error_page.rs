//! Refusals for people who opened an address in a browser: the problem's words as a page instead of JSON.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderMap},
};

use crate::problem::ApiError;

/// Whether who asks takes HTML by name. Programs that take anything (`*/*`) get JSON.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).any(
        |range| {
            let mut parts = range.split(';').map(str::trim);
            let html = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
            let refused = |parameter: &str| {
                let weight = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
                weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0_f32))
            };
            html && !parts.any(refused)
        },
    )
}

/// The answer to an error as a page. Keeps the error, so that it is counted like every other.
pub fn of_problem(error: ApiError) -> HttpResponse {
    let problem = error.body();
    let (title, detail) = (escaped(problem.title), escaped(&problem.detail));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p>{detail}</p>\n<p>Error {}: <code>{}</code></p>\n</main>\n</body>\n</html>\n",
        problem.status, problem.code
    );
    let mut response = HttpResponse::from_error(error);
    let headers = response.headers_mut();
    let value = header::HeaderValue::from_static;
    headers.insert(header::CONTENT_TYPE, value("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, value("default-src 'none'; frame-ancestors 'none'"));
    headers.insert(header::CACHE_CONTROL, value("no-store"));
    response.map_body(|_, _| actix_web::body::BoxBody::new(html))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn wanted(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        is_wanted(&headers)
    }

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        assert!(wanted("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(wanted("application/json;q=0.5, TEXT/HTML;q=0.9"));
        for program in ["*/*", "application/json", "text/*", "", "text/html;q=0", "text/html; q=0.0, application/json"]
        {
            assert!(!wanted(program), "{program}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[actix_web::test]
    async fn what_a_stranger_sent_cannot_become_markup() {
        let response = of_problem(ApiError::HostNotAllowed { detail: "<script>'\"&".to_owned() });
        assert_eq!(response.status(), 403);
        assert!(response.error().is_some(), "it is counted by its code");
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("<p>&lt;script&gt;&#39;&quot;&amp;</p>"), "{text}");
    }
}
