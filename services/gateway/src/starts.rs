//! What answers tell of the limit of starts: `RateLimit-…` headers as of draft-ietf-httpapi-ratelimit-headers-06, which
//! clients read. They stand on every answer to a request to start a job, refusals included, once the caller is known.

use actix_web::{
    HttpMessage, HttpRequest,
    dev::ServiceResponse,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use domain::starts::Starts;

/// The newest standing that was noted for the answer to a request.
#[derive(Clone, Copy)]
struct Noted(Starts);

/// Notes where the caller stands; the answer will tell it, whatever it is.
pub fn note(request: &HttpRequest, starts: Starts) {
    request.extensions_mut().insert(Noted(starts));
}

/// Writes what was noted, if anything was.
pub fn tell<B>(response: &mut ServiceResponse<B>) {
    let noted = response.request().extensions().get::<Noted>().copied();
    if let Some(Noted(starts)) = noted {
        write(starts, response.headers_mut());
    }
}

fn write(starts: Starts, headers: &mut HeaderMap) {
    let Starts { limit, remaining, reset } = starts;
    let policy = format!("{};w={}", limit.starts, limit.within.as_secs());
    let rows = [
        ("ratelimit-limit", limit.starts.to_string()),
        ("ratelimit-remaining", remaining.to_string()),
        ("ratelimit-reset", reset.as_secs_f64().ceil().to_string()),
        ("ratelimit-policy", policy),
    ];
    for (name, value) in rows {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
