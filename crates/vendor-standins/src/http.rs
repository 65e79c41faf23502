//! A request as it came and an answer as it is meant, before the transport has its way with it.

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// `http://host:port` under which the client reached the server; addresses in answers begin with it.
    pub base: String,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The token behind `Bearer` or, as older clients of Replicate write it, `Token`.
    pub fn bearer(&self) -> Option<&str> {
        let value = self.header("authorization")?;
        let token = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("Token "))?.trim();
        (!token.is_empty()).then_some(token)
    }

    /// The body as a JSON object.
    pub fn object(&self) -> Option<Value> {
        serde_json::from_slice::<Value>(&self.body).ok().filter(Value::is_object)
    }
}

/// Whether the stand-ins take a key: any that does not say of itself that it is none.
pub fn key_is_good(key: &str) -> bool {
    !key.contains("invalid")
}

/// An answer, whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string().into_bytes())
    }

    pub fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body: body.into() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// What a proxy in front of the vendor answers in its place.
    pub fn of_edge(status: u16) -> Self {
        Self::bytes(status, "text/html", format!("<html><title>{status}</title></html>"))
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}
