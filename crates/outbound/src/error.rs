//! What came of a request that has no answer, told so that a caller knows whether it may have cost something.

use std::fmt;

use url::Url;

/// Scheme, host and port of a request: all that is ever told of its address. Paths and queries hold signatures and tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site(String);

impl Site {
    pub(crate) fn of(url: &Url) -> Self {
        Self(url.origin().ascii_serialization())
    }

    /// Of an address that could not be read.
    pub(crate) fn unknown() -> Self {
        Self("an address".to_owned())
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a request has no answer that can be used. Holds no path, query, header or body.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// Certainly never arrived.
    #[error("nothing was sent to {to}: {why}")]
    NotSent { to: Site, why: NotSent },
    /// May have arrived and been acted upon; nothing came back.
    #[error("no answer of {to}: {why}")]
    Unanswered { to: Site, why: Trouble },
    /// Arrived; the answer began and did not end as it should.
    #[error("the answer of {from} broke off: {why}")]
    Broken { from: Site, why: Trouble },
    /// Arrived; the answer leads to where nobody goes.
    #[error("{from} redirects: {why}")]
    Redirected { from: Site, why: Refusal },
    /// Arrived; body or headers are larger than the caller takes.
    #[error("the answer of {from} is larger than {limit_bytes} bytes")]
    TooLarge { from: Site, limit_bytes: u64 },
    /// Arrived; the body comes slower than the caller waits for.
    #[error("the answer of {from} comes too slowly")]
    TooSlow { from: Site },
    /// Arrived; the body is not JSON.
    #[error("the answer of {from} is not JSON (line {line}, column {column})")]
    NotJson { from: Site, line: usize, column: usize },
    /// Arrived; the body is JSON of another shape than the caller knows.
    #[error("the answer of {from} is JSON of an unknown shape (line {line}, column {column})")]
    OtherShape { from: Site, line: usize, column: usize },
    /// Arrived; what came could not be written down here.
    #[error("the answer of {from} cannot be written")]
    Write { from: Site, source: std::io::Error },
}

impl OutboundError {
    /// Whether the other side may have acted on the request: only `false` makes it safe to ask again what costs money.
    pub const fn may_have_arrived(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }
}

/// Why a request was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSent {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("its name cannot be resolved")]
    Resolve,
    #[error("it cannot be connected to")]
    Connect,
    #[error("it cannot be connected to in time")]
    ConnectTime,
    #[error("its encryption is not to be trusted")]
    Tls,
    /// A header, a body or a part of a form that cannot be written.
    #[error("{0}")]
    Invalid(&'static str),
}

/// What the policy has against an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("not an http or https address")]
    Malformed,
    #[error("an address without https")]
    Scheme,
    #[error("an address with a user or a password")]
    UserInfo,
    /// Not one of those that the caller listed.
    #[error("a host that does not belong to the service")]
    NotListed,
    /// As written, or as its name was resolved.
    #[error("a private, local or reserved network")]
    Private,
    #[error("an address on another host")]
    OtherOrigin,
    #[error("one redirect too many")]
    TooManyRedirects,
}

/// What happened on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Trouble {
    #[error("the time was over")]
    TimedOut,
    #[error("the connection broke")]
    Broke,
    /// A content coding that was not asked for, or one that cannot be undone.
    #[error("it is compressed in a way that cannot be read")]
    Coding,
}
