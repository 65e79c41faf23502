//! What a model has said, whoever's.

use domain::Usage;
use serde_json::Value;

/// How an answer ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Finished(String),
    /// It would not write this.
    Refused,
    /// Its tokens, or its memory, were used up.
    CutOff,
    /// An error in the place of an answer, under a status of success.
    Error,
    /// There is nothing in it to read.
    Nothing,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub ended: Ended,
    /// As the vendor counts; `None` where it does not say.
    pub usage: Option<Usage>,
}

/// Most characters that are read of a text; a song has some thousand.
const MOST_CHARS: usize = 64 * 1024;

/// A text bounded, and without what rows cannot hold: a control character becomes the mark of what could not be read, which no
/// line may have.
pub fn kept(text: &str) -> String {
    let plain = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(MOST_CHARS).map(plain).collect()
}

/// Whether a body is an error of the vendor.
pub fn is_error(body: &Value) -> bool {
    body["type"] == "error" || body.get("error").is_some_and(|error| error.is_object() || error.is_string())
}

/// Tokens by the names of their fields, those that are there added up; `None` where none is.
pub fn usage(body: &Value, input: &[&str], output: &str) -> Option<Usage> {
    let count = |name: &str| body["usage"][name].as_u64();
    let read = input.iter().filter_map(|name| count(name)).reduce(u64::saturating_add);
    let written = count(output);
    (read.is_some() || written.is_some()).then(|| Usage {
        input_tokens: read.unwrap_or(0),
        output_tokens: written.unwrap_or(0),
        ..Usage::default()
    })
}
