//! Whether the key and the model are right, by requests that cost nothing.

use domain::{Failure, FailureClass, FailureCode};
use serde_json::Value;

use super::asking::Asking;

/// Most that is read of a list of models: those of large brokers have hundreds.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// `GET v1/models/{model}`.
pub async fn anthropic(asking: &Asking) -> Result<(), Failure> {
    let path = format!("v1/models/{}", segment(asking.model()));
    match asking.http().free_if_there(asking.get(&path, MOST_BYTES)).await? {
        Some(_) => Ok(()),
        None => Err(no_such_model(asking)),
    }
}

/// `GET models`, whose list has the model. A server without such a list, or with another kind of it, is let pass.
pub async fn openai(asking: &Asking) -> Result<(), Failure> {
    let Some(answer) = asking.http().free_if_there(asking.get("models", MOST_BYTES)).await? else { return Ok(()) };
    let Ok(list) = answer.json::<Value>().await else { return Ok(()) };
    let Some(models) = list["data"].as_array().filter(|models| !models.is_empty()) else { return Ok(()) };
    // Ollama lists a model with its tag, and takes it without.
    let is_it = |id: &str| id == asking.model() || id.strip_suffix(":latest") == Some(asking.model());
    if models.iter().filter_map(|model| model["id"].as_str()).any(is_it) { Ok(()) } else { Err(no_such_model(asking)) }
}

fn no_such_model(asking: &Asking) -> Failure {
    let message = format!("{} has no model {}", asking.http().name, asking.model());
    Failure::new(FailureClass::Config, FailureCode::ProviderConfig, message)
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("claude-haiku-4-5"), "claude-haiku-4-5");
        assert_eq!(segment("a/b ?é"), "a%2Fb%20%3F%C3%A9");
    }
}
