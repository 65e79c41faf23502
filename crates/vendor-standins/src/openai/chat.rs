//! `POST /v1/chat/completions`.

use serde_json::{Value, json};

use super::{CHAT_MODELS, REASONING, error, invalid, model};
use crate::{
    http::Answer,
    prices,
    steps::{Stop, Words},
    verse,
    work::{Reply, Work},
};

const ROLES: [&str; 4] = ["system", "developer", "user", "assistant"];
/// Longest name of a schema.
const LONGEST_NAME: usize = 64;

pub(super) fn answer(work: &Work<'_>, body: &Value) -> Reply {
    match checked(body) {
        Ok(model) => written(work, body, model),
        Err(refused) => refused,
    }
}

fn checked(body: &Value) -> Result<&str, Reply> {
    let name = model(body, &CHAT_MODELS)?;
    let Some(messages) = body["messages"].as_array().filter(|messages| !messages.is_empty()) else {
        return Err(invalid("messages", "Invalid type or empty array for 'messages': expected an array of objects."));
    };
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !ROLES.contains(&role) || text_of(&message["content"]).is_none() {
            return Err(invalid(&format!("messages[{index}]"), "a message needs a role and content"));
        }
    }
    let reasons = name.starts_with(REASONING);
    let unsupported = |parameter: &str, code: &str, message: &str| {
        Err(error(400, "invalid_request_error", Some(code), Some(parameter), message).into())
    };
    if reasons && body["temperature"].as_f64().is_some_and(|temperature| temperature != 1.0) {
        return unsupported(
            "temperature",
            "unsupported_value",
            "Only the default (1) value is supported with this model.",
        );
    }
    if reasons && !body["max_tokens"].is_null() {
        let message = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return unsupported("max_tokens", "unsupported_parameter", message);
    }
    if body["temperature"].as_f64().is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        return Err(invalid("temperature", "Expected a value from 0 to 2."));
    }
    if body["stream"] == true {
        let message = "the stand-in does not stream: leave stream out";
        return Err(error(501, "server_error", None, Some("stream"), message).into());
    }
    check_format(&body["response_format"])?;
    Ok(name)
}

fn check_format(format: &Value) -> Result<(), Reply> {
    match format["type"].as_str() {
        None if format.is_null() => Ok(()),
        Some("text" | "json_object") => Ok(()),
        Some("json_schema") => {
            let name = format["json_schema"]["name"].as_str().unwrap_or_default();
            let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if name.is_empty() || name.len() > LONGEST_NAME || !letters {
                return Err(invalid("response_format.json_schema.name", "needs 1 to 64 letters, digits, '_' or '-'."));
            }
            if !format["json_schema"]["schema"].is_object() {
                return Err(invalid("response_format.json_schema.schema", "Missing required parameter."));
            }
            Ok(())
        }
        _ => Err(invalid("response_format.type", "Supported values are: 'json_object', 'json_schema', and 'text'.")),
    }
}

fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) if !parts.is_empty() => {
            Some(parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}

fn written(work: &Work<'_>, body: &Value, model: &str) -> Reply {
    let messages = body["messages"].as_array().into_iter().flatten();
    let texts: Vec<String> = messages.filter_map(|message| text_of(&message["content"])).collect();
    let prompt = texts.join("\n");
    let format = &body["response_format"];
    let any_object = json!({"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}});
    let schema = match format["type"].as_str() {
        Some("json_schema") => Some(&format["json_schema"]["schema"]),
        Some("json_object") => Some(&any_object),
        _ => None,
    };
    let mut text = verse::write(&prompt, schema, work.words(), work.dice());
    let mut reason = "stop";
    let most = body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64()).unwrap_or(u64::MAX);
    if prices::tokens(&text) > most {
        text = text.chars().take(usize::try_from(most * 4).unwrap_or(usize::MAX)).collect();
        reason = "length";
    }
    let mut refusal = Value::Null;
    match work.stop() {
        None => {}
        Some(Stop::Refusal) => refusal = "I'm sorry, I can't help with that.".into(),
        Some(Stop::ContentFilter) => (reason, text) = ("content_filter", verse::half(&text)),
        Some(Stop::Length | Stop::PauseTurn | Stop::ContextWindow) => (reason, text) = ("length", verse::half(&text)),
        Some(Stop::Unknown) => reason = "stop_of_another_kind",
    }
    let (tokens_in, tokens_out) = (prices::tokens(&prompt), prices::tokens(&text));
    let content = if refusal.is_null() { Value::from(text) } else { Value::Null };
    let answer = json!({
        "id": format!("chatcmpl-{:016x}", work.dice()), "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{"index": 0, "finish_reason": reason, "logprobs": null,
            "message": {"role": "assistant", "content": content, "refusal": refusal, "annotations": []}}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    });
    let mut answer = Answer::json(200, &answer)
        .with("x-request-id", "req_standin")
        .with("x-ratelimit-limit-requests", 500)
        .with("x-ratelimit-remaining-requests", 499)
        .with("x-ratelimit-reset-requests", "120ms");
    if work.words() == Some(&Words::LoneSurrogateInBody) {
        answer.body = String::from_utf8_lossy(&answer.body).replace("\\\\ud800", "\\ud800").into_bytes().into();
    }
    Reply { answer, charge: Some(work.charge(prices::text_micros(model, tokens_in, tokens_out), None)) }
}
