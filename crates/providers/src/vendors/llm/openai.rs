//! The form of OpenAI's chat completions, which many servers speak.

use serde_json::{Value, json};

use super::{
    dialect::Manner,
    prompt::Prompt,
    said::{Ended, Said, is_error, usage},
};

pub const PATH: &str = "chat/completions";
/// Name of the schema, for the vendor's own use.
const SCHEMA_NAME: &str = "song_text";

pub fn body(model: &str, max_tokens: u32, prompt: &Prompt, manner: Manner) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            { "role": "system", "content": prompt.system },
            { "role": "user", "content": prompt.user },
        ],
    });
    // The vendor itself has put the older name aside, and its reasoning models refuse it; other servers may not know the newer.
    body[if manner.newer_limit { "max_completion_tokens" } else { "max_tokens" }] = max_tokens.into();
    if manner.schema {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": SCHEMA_NAME, "strict": true, "schema": prompt.schema() },
        });
    }
    body
}

pub fn read(body: &Value) -> Said {
    let usage = usage(body, &["prompt_tokens"], "completion_tokens");
    let choice = &body["choices"][0];
    let message = &choice["message"];
    let is_refused = message["refusal"].as_str().is_some_and(|refusal| !refusal.is_empty());
    let ended = match (choice["finish_reason"].as_str(), text_of(&message["content"])) {
        // Some servers add an `error` of null, or of the request before, to what they answer properly.
        (_, _) if is_error(body) && !choice.is_object() => Ended::Error,
        _ if is_refused => Ended::Refused,
        (Some("content_filter"), _) => Ended::Refused,
        (Some("length"), _) => Ended::CutOff,
        (_, Some(text)) => Ended::Finished(text),
        (_, None) => Ended::Nothing,
    };
    Said { ended, usage }
}

/// A text, or the texts of its parts.
fn text_of(content: &Value) -> Option<String> {
    let text = match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_servers_write_them() {
        let check = |choice: Value, ended: Ended| {
            assert_eq!(read(&json!({ "choices": [choice] })).ended, ended, "{choice}");
        };
        let finished = || Ended::Finished("la".to_owned());
        check(json!({ "finish_reason": "stop", "message": { "content": "la", "refusal": null } }), finished());
        check(json!({ "message": { "content": [{ "type": "text", "text": "la" }] } }), finished());
        check(json!({ "finish_reason": "stop", "message": { "content": null, "refusal": "No." } }), Ended::Refused);
        check(json!({ "finish_reason": "content_filter", "message": { "content": "l" } }), Ended::Refused);
        check(json!({ "finish_reason": "length", "message": { "content": "l" } }), Ended::CutOff);
        check(json!({ "finish_reason": "tool_calls", "message": { "content": null } }), Ended::Nothing);
        check(json!({ "finish_reason": "stop", "message": { "content": "" } }), Ended::Nothing);
        assert_eq!(read(&json!({ "error": { "message": "no" } })).ended, Ended::Error);
        assert_eq!(read(&json!({ "choices": [] })).ended, Ended::Nothing);
    }
}
