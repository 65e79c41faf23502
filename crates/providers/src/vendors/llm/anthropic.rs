//! The form of Anthropic's Messages API.

use serde_json::{Value, json};

use super::{
    prompt::Prompt,
    said::{Ended, Said, is_error, usage},
};

pub const PATH: &str = "v1/messages";
pub const KEY_HEADER: &str = "x-api-key";
pub const VERSION_HEADER: &str = "anthropic-version";
/// The version that this client was made for. The later ones take less: no sampling parameters, which are not sent anyway.
pub const VERSION: &str = "2023-06-01";

/// `has_schema`: the form of the answer is told beside the prompt. Tools are no way to it: newer models take no forced choice
/// of one.
pub fn body(model: &str, max_tokens: u32, prompt: &Prompt, has_schema: bool) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": max_tokens,
        "system": prompt.system,
        "messages": [{ "role": "user", "content": prompt.user }],
    });
    if has_schema {
        body["output_config"] = json!({ "format": { "type": "json_schema", "schema": prompt.schema() } });
    }
    body
}

/// Blocks are told apart by their type: thinking may stand before the text.
pub fn read(body: &Value) -> Said {
    let usage =
        usage(body, &["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"], "output_tokens");
    let blocks = body["content"].as_array().map_or(&[][..], Vec::as_slice);
    let texts = blocks.iter().filter(|block| block["type"] == "text").filter_map(|block| block["text"].as_str());
    let text: String = texts.collect();
    let ended = match body["stop_reason"].as_str() {
        _ if is_error(body) => Ended::Error,
        Some("refusal") => Ended::Refused,
        Some("max_tokens" | "model_context_window_exceeded" | "pause_turn") => Ended::CutOff,
        // What nobody has documented is judged by what it says.
        _ if text.is_empty() => Ended::Nothing,
        _ => Ended::Finished(text),
    };
    Said { ended, usage }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &Value, ended: Ended) {
        assert_eq!(read(body).ended, ended, "{body}");
    }

    #[test]
    fn answers_are_read_by_their_types() {
        let text = json!({ "type": "text", "text": "la" });
        let thought = json!({ "type": "thinking", "thinking": "hm", "signature": "x" });
        let finished = || Ended::Finished("la".to_owned());
        check(&json!({ "content": [thought, text], "stop_reason": "end_turn" }), finished());
        check(&json!({ "content": [text], "stop_reason": "of_another_kind" }), finished());
        check(&json!({ "content": [text] }), finished());
        check(&json!({ "content": [text], "stop_reason": "refusal" }), Ended::Refused);
        check(&json!({ "content": [text], "stop_reason": "max_tokens" }), Ended::CutOff);
        check(&json!({ "content": [text], "stop_reason": "model_context_window_exceeded" }), Ended::CutOff);
        check(&json!({ "content": [thought], "stop_reason": "end_turn" }), Ended::Nothing);
        check(&json!({ "content": "la" }), Ended::Nothing);
        check(&json!({ "type": "error", "error": { "type": "overloaded_error" } }), Ended::Error);
        check(&json!([]), Ended::Nothing);
    }

    #[test]
    fn what_was_read_from_a_cache_is_read() {
        let told = json!({ "usage": { "input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 3 } });
        let usage = read(&told).usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (12, 3));
        assert_eq!(read(&json!({})).usage, None);
    }
}
