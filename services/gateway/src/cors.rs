//! What web pages of other origins may do. Origins are named by the settings; what their pages send is not narrowed any
//! further: no header of a request carries a right by itself here but the token, which a page must have been given.

use actix_cors::Cors;

/// Methods of the API, today's and those that clients ask for ahead of time.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Headers of answers that a page may read besides the few that every page may.
pub const EXPOSED: [&str; 17] = [
    "accept-encoding",
    "accept-ranges",
    "allow",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-range",
    "etag",
    "idempotent-replayed",
    "location",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "www-authenticate",
    "x-trace-id",
];

/// Pages of these origins may call the API; none when the list is empty. Request headers are all allowed: tracing
/// libraries add ever new ones to every request, and a list that lacks one of them breaks the page.
pub fn cors(origins: &[String]) -> Cors {
    let mut cors = Cors::default().allowed_methods(METHODS).allow_any_header().expose_headers(EXPOSED).max_age(3600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin();
    }
    for origin in origins {
        cors = cors.allowed_origin(origin);
    }
    cors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_what_pages_may_do() {
        const REFERENCE: &str = include_str!("../../../docs/http.md");
        for name in METHODS.into_iter().chain(EXPOSED) {
            assert!(REFERENCE.contains(&format!("`{name}`")), "docs/http.md does not name {name}");
        }
    }
}
