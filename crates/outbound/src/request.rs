//! One request: put together, checked, sent, and where the caller wants it followed through redirects.

use std::{error::Error as StdError, fmt, fs::File, io, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Body, Method, RequestBuilder, Response,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        LOCATION,
    },
    multipart::Form,
};
use serde::Serialize;
use settings::Secret;
use telemetry::trace;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    answer::Answer,
    clients::{Clients, MAX_HEADER_BYTES},
    destination::{Destination, Route},
    error::{NotSent, OutboundError, Refusal, Site, Trouble},
    limits::Limits,
    multipart::Multipart,
    reading::Reading,
    resolve::{AddressRefused, Unresolved},
};

/// What a request may take when its sender says nothing.
const USUAL: Limits = Limits::new(Duration::from_secs(30), 1024 * 1024);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANY_BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A request that is not yet sent. Mistakes in its parts come out when it is sent.
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    clients: Arc<Clients>,
    method: Method,
    destination: Destination,
    target: String,
    headers: HeaderMap,
    body: Payload,
    limits: Limits,
    most_redirects: u8,
    mistake: Option<&'static str>,
}

enum Payload {
    None,
    Bytes(Bytes),
    File(File, u64),
    Form(Box<Form>),
}

impl Request {
    pub(crate) fn new(clients: Arc<Clients>, method: Method, destination: Destination, target: String) -> Self {
        Self {
            clients,
            method,
            destination,
            target,
            headers: HeaderMap::new(),
            body: Payload::None,
            limits: USUAL,
            most_redirects: 0,
            mistake: None,
        }
    }

    /// Bounds on time and size; without them, 30 s and 1 MiB.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Follows up to `most` redirects of a GET or HEAD, each checked as the first address was. Of the headers only
    /// `Accept` is sent again: no credential goes behind a redirect. Without this an answer that redirects is an answer.
    pub const fn follow(mut self, most: u8) -> Self {
        self.most_redirects = most;
        self
    }

    /// A header; the last of its name counts.
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        self.insert(name, value, false)
    }

    /// A header that no log and no debug output shows.
    pub fn secret_header(self, name: HeaderName, value: &Secret<String>) -> Self {
        self.insert(name, value.expose(), true)
    }

    /// `Authorization: Bearer …`.
    pub fn bearer(self, token: &Secret<String>) -> Self {
        let value = format!("Bearer {}", token.expose());
        self.insert(AUTHORIZATION, &value, true)
    }

    fn insert(mut self, name: HeaderName, value: &str, is_secret: bool) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(is_secret);
                self.headers.insert(name, value);
            }
            Err(_) => self.mistake = Some("a header's value holds what none may hold"),
        }
        self
    }

    /// A body in JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.with_body(JSON, Payload::Bytes(bytes.into())),
            Err(_) => {
                self.mistake = Some("the body cannot be written as JSON");
                self
            }
        }
    }

    /// A body of bytes; their type is `application/octet-stream` unless a header says otherwise.
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.with_body(ANY_BYTES, Payload::Bytes(bytes.into()))
    }

    /// The first `length` bytes of a file, from where it stands, read while they are sent.
    pub fn file(self, file: File, length: u64) -> Self {
        self.with_body(ANY_BYTES, Payload::File(file, length))
    }

    /// A form.
    pub fn multipart(mut self, form: Multipart) -> Self {
        match form.into_form() {
            Some(form) => self.body = Payload::Form(Box::new(form)),
            None => self.mistake = Some("a part of the form has a media type that is none"),
        }
        self
    }

    fn with_body(mut self, media_type: HeaderValue, body: Payload) -> Self {
        self.headers.entry(CONTENT_TYPE).or_insert(media_type);
        self.body = body;
        self
    }

    /// Sends it and waits for the headers of the answer.
    ///
    /// # Errors
    /// [`OutboundError::NotSent`] when it certainly did not arrive, [`OutboundError::Unanswered`] when it may have, and
    /// others when an answer began that cannot be used.
    pub async fn send(self) -> Result<Answer, OutboundError> {
        let method = self.method.clone();
        let sent = self.go().await;
        if let Err(error) = &sent {
            tracing::debug!(%method, %error, "request to the outside failed");
        }
        sent
    }

    async fn go(mut self) -> Result<Answer, OutboundError> {
        let ends_at = Instant::now() + self.limits.deadline;
        let target = self.destination.target(&self.target, &self.clients.policy);
        let (mut url, mut route) = target.map_err(|why| refused(&self.target, why))?;
        if let Some(mistake) = self.mistake {
            return Err(OutboundError::NotSent { to: Site::of(&url), why: NotSent::Invalid(mistake) });
        }
        if self.destination.is_traced()
            && let Ok(value) = HeaderValue::from_str(&trace::outgoing().traceparent())
        {
            self.headers.insert("traceparent", value);
        }
        let follows = matches!(self.method, Method::GET | Method::HEAD);
        let mut hops_left = if follows { self.most_redirects } else { 0 };
        let mut body = std::mem::replace(&mut self.body, Payload::None);
        let mut redirected_by = None;
        loop {
            let site = Site::of(&url);
            let response = self.exchange(&url, route, body, ends_at).await;
            let response = response.map_err(|error| behind(redirected_by.take(), error))?;
            let location = self.location(&response);
            let Some(location) = location.filter(|_| follows && self.most_redirects > 0) else {
                let (status, headers) = (response.status(), response.headers().clone());
                return Ok(Answer::new(status, headers, Reading::new(response, site, self.limits, ends_at)));
            };
            let redirected = |why| OutboundError::Redirected { from: site.clone(), why };
            hops_left = hops_left.checked_sub(1).ok_or_else(|| redirected(Refusal::TooManyRedirects))?;
            let location = location.ok_or_else(|| redirected(Refusal::Malformed))?;
            (url, route) = self.destination.hop(&url, &location, &self.clients.policy).map_err(redirected)?;
            self.headers = self.headers.remove(ACCEPT).map(|accept| (ACCEPT, accept)).into_iter().collect();
            body = Payload::None;
            redirected_by = Some(site);
        }
    }

    /// Where the answer redirects to: `None` when it does not, `Some(None)` when that cannot be read.
    fn location(&self, response: &Response) -> Option<Option<String>> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let value = response.headers().get(LOCATION)?;
        Some(value.to_str().ok().map(str::to_owned))
    }

    async fn exchange(
        &self,
        url: &Url,
        route: Route,
        body: Payload,
        ends_at: Instant,
    ) -> Result<Response, OutboundError> {
        let to = || Site::of(url);
        let mut builder =
            self.clients.client(route).request(self.method.clone(), url.clone()).headers(self.headers.clone());
        if !self.headers.contains_key(ACCEPT_ENCODING) {
            builder = builder.header(ACCEPT_ENCODING, "identity");
        }
        let by = self.limits.first_byte.map_or(ends_at, |wait| ends_at.min(Instant::now() + wait));
        let sent = timeout_at(by, with_body(builder, body).send()).await;
        let response = match sent {
            // The time to connect has a limit of its own, so that this is most often a request without an answer.
            Err(_) => return Err(OutboundError::Unanswered { to: to(), why: Trouble::TimedOut }),
            Ok(Err(error)) => return Err(failed(&error, to())),
            Ok(Ok(response)) => response,
        };
        let header_bytes: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
        if header_bytes > MAX_HEADER_BYTES as usize {
            return Err(OutboundError::TooLarge { from: to(), limit_bytes: MAX_HEADER_BYTES.into() });
        }
        Ok(response)
    }
}

/// What an error means when the request came there by a redirect: one was sent before.
fn behind(redirected_by: Option<Site>, error: OutboundError) -> OutboundError {
    match (redirected_by, error) {
        (Some(from), OutboundError::NotSent { why: NotSent::Refused(why), .. }) => {
            OutboundError::Redirected { from, why }
        }
        (Some(_), OutboundError::NotSent { to, .. }) => OutboundError::Unanswered { to, why: Trouble::Broke },
        (_, error) => error,
    }
}

fn with_body(builder: RequestBuilder, body: Payload) -> RequestBuilder {
    match body {
        Payload::None => builder,
        Payload::Bytes(bytes) => builder.body(bytes),
        Payload::File(file, length) => {
            builder.header(CONTENT_LENGTH, length).body(Body::from(tokio::fs::File::from_std(file)))
        }
        Payload::Form(form) => builder.multipart(*form),
    }
}

/// The site of an address that is refused, where it has one.
fn refused(target: &str, why: Refusal) -> OutboundError {
    let to = Url::parse(target).ok().filter(Url::has_host).map_or_else(Site::unknown, |url| Site::of(&url));
    OutboundError::NotSent { to, why: why.into() }
}

/// Whether the request can have arrived. Everything that went wrong before there was a connection cannot; whatever is not
/// known for sure can.
fn failed(error: &reqwest::Error, to: Site) -> OutboundError {
    if let Some(why) = not_sent(error) {
        return OutboundError::NotSent { to, why };
    }
    let why = if error.is_timeout() { Trouble::TimedOut } else { Trouble::Broke };
    OutboundError::Unanswered { to, why }
}

fn not_sent(error: &reqwest::Error) -> Option<NotSent> {
    let causes = || std::iter::successors(error.source(), |cause: &&(dyn StdError + 'static)| (*cause).source());
    if causes().any(|cause| cause.is::<AddressRefused>()) {
        return Some(Refusal::Private.into());
    }
    if causes().any(|cause| cause.is::<Unresolved>()) {
        return Some(NotSent::Resolve);
    }
    if error.is_builder() {
        return Some(NotSent::Invalid("the request cannot be written"));
    }
    if !error.is_connect() {
        return None;
    }
    if causes().any(is_tls) {
        return Some(NotSent::Tls);
    }
    Some(if error.is_timeout() { NotSent::ConnectTime } else { NotSent::Connect })
}

/// An error of the system's kind may carry one of TLS inside, however deep, which its own `source` passes over.
fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    let mut cause = cause;
    loop {
        if cause.is::<rustls::Error>() {
            return true;
        }
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => cause = inner,
            None => return false,
        }
    }
}

impl fmt::Debug for Request {
    /// No path, value or body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Request").field("method", &self.method).field("headers", &headers).finish_non_exhaustive()
    }
}
