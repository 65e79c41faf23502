//! What web pages of other origins may do.

use actix_cors::Cors;

/// Methods of the routes.
const METHODS: [&str; 3] = ["GET", "HEAD", "POST"];
/// Headers of answers that a page may read besides the few that every page may.
const EXPOSED: [&str; 5] = ["content-length", "location", "retry-after", "www-authenticate", "x-trace-id"];

/// Pages of these origins may call the service; none when the list is empty.
pub fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allowed_methods(METHODS).allow_any_header().expose_headers(EXPOSED).max_age(3600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
