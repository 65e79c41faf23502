//! What can be wrong with a message that another service sent.

use domain::ids::InvalidId;

/// A message that this version cannot read. None of them passes by itself: the sender is at fault, or newer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContractError {
    #[error("the bytes are not an envelope")]
    Undecodable(#[source] prost::DecodeError),
    #[error("the message has no {field}")]
    Missing { field: &'static str },
    #[error("{field} does not hold an id")]
    InvalidId {
        field: &'static str,
        #[source]
        source: InvalidId,
    },
    #[error("{field} holds the unknown word {word:?}")]
    UnknownWord { field: &'static str, word: String },
    #[error("{field} is not a SHA-256 digest in lowercase hexadecimal")]
    InvalidDigest { field: &'static str },
    #[error("{field} is not finite or does not fit")]
    OutOfRange { field: &'static str },
    #[error("expected {expected} in the envelope, found {found}")]
    OtherBody { expected: &'static str, found: &'static str },
}

impl ContractError {
    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Undecodable(_) => "undecodable",
            Self::Missing { .. } => "missing_field",
            Self::InvalidId { .. } => "invalid_id",
            Self::UnknownWord { .. } => "unknown_word",
            Self::InvalidDigest { .. } => "invalid_digest",
            Self::OutOfRange { .. } => "out_of_range",
            Self::OtherBody { .. } => "other_body",
        }
    }

    /// The same bytes read the same way for ever.
    pub const fn is_retryable(&self) -> bool {
        false
    }

    /// For metrics: the same closed set of words as [`Self::code`].
    pub const fn metric_label(&self) -> &'static str {
        self.code()
    }
}
