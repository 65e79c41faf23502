//! Every HTTP request to the outside: where it may go, how long it may take, and how much may come back.
//!
//! Two kinds of destination are told apart. An address from the settings is an operator's word: it may be private, and
//! requests stay on its origin. An address from an answer or from a user is anybody's word: it has to be https, public,
//! and is held against the policy as it is written, when its name is resolved, and again after each redirect.
//! Knows nothing of what is asked for; reads no environment.

mod address;
mod answer;
mod clients;
mod destination;
mod error;
mod gzip;
mod limits;
mod multipart;
mod outbound;
mod reading;
mod request;
mod resolve;
mod retry_after;
mod setup;

pub use answer::{Answer, Downloaded};
pub use destination::Destination;
pub use error::{NotSent, OutboundError, Refusal, Site, Trouble};
pub use limits::{Limits, MinimumRate};
pub use multipart::Multipart;
pub use outbound::Outbound;
pub use request::Request;
pub use resolve::{Resolver, SystemResolver};
pub use retry_after::retry_after;
pub use setup::SetupError;

pub use reqwest::{Method, StatusCode, header};
