//! The Messages API of Anthropic.

use serde_json::{Value, json};

use crate::{
    http::{Answer, key_is_good},
    prices,
    routes::Route,
    steps::{Fault, Retry, Stop, Words},
    verse,
    work::{Reply, Work},
};

/// A model: its name, and what it refuses to be told.
struct Model {
    name: &'static str,
    takes_sampling: bool,
    takes_prefill: bool,
}

const MODELS: [Model; 9] = [
    Model { name: "claude-haiku-4-5", takes_sampling: true, takes_prefill: true },
    Model { name: "claude-sonnet-4-5", takes_sampling: true, takes_prefill: true },
    Model { name: "claude-opus-4-5", takes_sampling: true, takes_prefill: true },
    Model { name: "claude-sonnet-4-6", takes_sampling: true, takes_prefill: false },
    Model { name: "claude-opus-4-6", takes_sampling: true, takes_prefill: false },
    Model { name: "claude-opus-4-7", takes_sampling: false, takes_prefill: false },
    Model { name: "claude-sonnet-5", takes_sampling: false, takes_prefill: false },
    Model { name: "claude-opus-5", takes_sampling: false, takes_prefill: false },
    Model { name: "claude-haiku-5-5", takes_sampling: false, takes_prefill: false },
];
/// Versions of the API; the later one takes no sampling parameters for any model.
const VERSION: &str = "2023-06-01";
const VERSION_WITHOUT_SAMPLING: &str = "2026-10-21";
const REQUEST_ID: &str = "req_standin";
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

fn error(status: u16, kind: &str, message: &str) -> Answer {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": REQUEST_ID});
    Answer::json(status, &body).with("request-id", REQUEST_ID)
}

/// An error of the table of the API's documentation.
pub fn fault(fault: Fault, retry: Retry) -> Answer {
    let wait = match retry {
        Retry::Text(seconds) => format!(" Try again in {seconds}s."),
        _ => String::new(),
    };
    let (status, kind, message) = match fault {
        Fault::RateLimited | Fault::SlowDown | Fault::TooManyConcurrent | Fault::SystemBusy => {
            (429, "rate_limit_error", "This request would exceed the rate limit of your organization.")
        }
        Fault::RequestTimeout => (408, "timeout_error", "The request took too long to arrive."),
        Fault::Conflict => (409, "conflict_error", "The resource is being changed by another request."),
        Fault::EdgeUnknown => return Answer::of_edge(520),
        Fault::EdgeTimeout => return Answer::of_edge(524),
        Fault::ServerError => (500, "api_error", "Internal server error"),
        Fault::BadGateway => (502, "api_error", "Bad gateway"),
        Fault::Unavailable => (503, "api_error", "Service unavailable"),
        Fault::GatewayTimeout => (504, "timeout_error", "The request timed out while it was processed."),
        Fault::Overloaded => (529, "overloaded_error", "Overloaded"),
        Fault::QuotaExceeded | Fault::CreditExhausted => {
            (402, "billing_error", "Your credit balance is too low to access the Anthropic API.")
        }
        Fault::SpendLimit => {
            let message = "You have reached your monthly spend limit.";
            let error = json!({"type": "rate_limit_error", "message": message,
                "details": {"error_code": "enforced_spend_limit_reached"}});
            let body = json!({"type": "error", "error": error, "request_id": REQUEST_ID});
            return Answer::json(429, &body).with("request-id", REQUEST_ID);
        }
        Fault::BadKey => (401, "authentication_error", "invalid x-api-key"),
        Fault::Forbidden | Fault::PlanTooSmall => {
            (403, "permission_error", "Your API key has no permission to use the resource.")
        }
        Fault::NotFound => (404, "not_found_error", "Not found"),
        Fault::TooLarge => (413, "request_too_large", "Request exceeds the maximum size"),
        Fault::Unprocessable => (422, "invalid_request_error", "The request cannot be processed."),
        Fault::BadRequest | Fault::BadPrompt | Fault::HarmfulPrompt | Fault::BadCompositionPlan => {
            (400, "invalid_request_error", "messages: the request is not valid")
        }
    };
    error(status, kind, &format!("{message}{wait}"))
}

/// Answers a call.
pub fn answer(work: &Work<'_>) -> Reply {
    match work.target.route {
        Route::Messages => messages(work),
        Route::Model => one_model(work).unwrap_or_else(|refused| refused).into(),
        _ => error(404, "not_found_error", "Not found").into(),
    }
}

fn admit<'w>(work: &'w Work<'_>) -> Result<&'w str, Answer> {
    let Some(key) = work.call.header("x-api-key").or_else(|| work.call.bearer()) else {
        return Err(error(401, "authentication_error", "x-api-key header is required"));
    };
    if !key_is_good(key) {
        return Err(error(401, "authentication_error", "invalid x-api-key"));
    }
    let version = work.call.header("anthropic-version").unwrap_or_default();
    if ![VERSION, VERSION_WITHOUT_SAMPLING].contains(&version) {
        let message = "anthropic-version: header is required and must be a known version";
        return Err(error(400, "invalid_request_error", message));
    }
    Ok(version)
}

fn model_of(name: &str) -> Result<&'static Model, Answer> {
    let known = |model: &&Model| {
        // A name may end in the date of its release.
        let date = name.strip_prefix(model.name).map(|rest| rest.trim_start_matches('-'));
        date.is_some_and(|date| date.is_empty() || date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
    };
    MODELS.iter().find(known).ok_or_else(|| error(404, "not_found_error", &format!("model: {name}")))
}

/// `GET /v1/models/{id}`.
fn one_model(work: &Work<'_>) -> Result<Answer, Answer> {
    admit(work)?;
    let name = work.id(0);
    model_of(name)?;
    let model = json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"});
    Ok(Answer::json(200, &model).with("request-id", REQUEST_ID))
}

fn messages(work: &Work<'_>) -> Reply {
    let invalid = |message: &str| Reply::from(error(400, "invalid_request_error", message));
    let version = match admit(work) {
        Ok(version) => version,
        Err(refused) => return refused.into(),
    };
    let Some(body) = work.call.object() else { return invalid("the request body is not a JSON object") };
    let Some(name) = body["model"].as_str() else { return invalid("model: Field required") };
    let model = match model_of(name) {
        Ok(model) => model,
        Err(refused) => return refused.into(),
    };
    let Some(most) = body["max_tokens"].as_u64().filter(|most| *most > 0) else {
        return invalid("max_tokens: Field required, greater than or equal to 1");
    };
    let Some(messages) = body["messages"].as_array().filter(|messages| !messages.is_empty()) else {
        return invalid("messages: at least one message is required");
    };
    let roles = |message: &Value| ["user", "assistant"].contains(&message["role"].as_str().unwrap_or_default());
    if !messages.iter().all(|message| roles(message) && text_of(&message["content"]).is_some()) {
        return invalid("messages: each needs a role (user or assistant) and content");
    }
    let sampled = SAMPLING.iter().find(|name| body.get(**name).is_some_and(|value| !value.is_null()));
    if let Some(parameter) = sampled.filter(|_| !model.takes_sampling || version == VERSION_WITHOUT_SAMPLING) {
        return invalid(&format!("{parameter}: is not supported for this model and version"));
    }
    let temperature = body["temperature"].as_f64();
    if temperature.is_some_and(|temperature| !(0.0..=1.0).contains(&temperature)) {
        return invalid("temperature: range: 0..1");
    }
    if messages.last().is_some_and(|last| last["role"] == "assistant") && !model.takes_prefill {
        return invalid("This model does not support assistant message prefill: the last message must be of the user");
    }
    if body["stream"] == true {
        return error(501, "api_error", "the stand-in does not stream: leave stream out").into();
    }
    let format = &body["output_config"]["format"];
    if !format.is_null() && (format["type"] != "json_schema" || !format["schema"].is_object()) {
        return invalid("output_config.format: needs type json_schema and a schema");
    }
    written(work, &body, name, most)
}

/// The text of a content: a string, or blocks of which those with text count.
fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(blocks) => {
            let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
            (!blocks.is_empty()).then(|| texts.join("\n"))
        }
        _ => None,
    }
}

fn written(work: &Work<'_>, body: &Value, model: &str, most: u64) -> Reply {
    let system = text_of(&body["system"]).unwrap_or_default();
    let said = body["messages"].as_array().into_iter().flatten().filter(|message| message["role"] == "user");
    let asked: Vec<String> = said.filter_map(|message| text_of(&message["content"])).collect();
    let prompt = format!("{system}\n{}", asked.join("\n"));
    let forced = forced_tool(body);
    let schema = forced.map(|tool| &tool["input_schema"]).or_else(|| body.pointer("/output_config/format/schema"));
    let mut text = verse::write(&prompt, schema, work.words(), work.dice());
    let (mut reason, tokens_in) = (if forced.is_some() { "tool_use" } else { "end_turn" }, prices::tokens(&prompt));
    if prices::tokens(&text) > most {
        text = text.chars().take(usize::try_from(most * 4).unwrap_or(usize::MAX)).collect();
        reason = "max_tokens";
    }
    if let Some(stop) = work.stop() {
        (reason, text) = match stop {
            Stop::Refusal | Stop::ContentFilter => ("refusal", "I cannot help with that.".to_owned()),
            Stop::Length => ("max_tokens", verse::half(&text)),
            Stop::PauseTurn => ("pause_turn", verse::half(&text)),
            Stop::ContextWindow => ("model_context_window_exceeded", verse::half(&text)),
            Stop::Unknown => ("stop_of_another_kind", text),
        };
    }
    let tokens_out = prices::tokens(&text);
    let content = match (forced, serde_json::from_str::<Value>(&text)) {
        (Some(tool), Ok(input)) => {
            json!({"type": "tool_use", "id": "toolu_standin", "name": tool["name"], "input": input})
        }
        _ => json!({"type": "text", "text": text}),
    };
    let answer = json!({
        "id": format!("msg_{:016x}", work.dice()), "type": "message", "role": "assistant", "model": model,
        "content": [content], "stop_reason": reason, "stop_sequence": null,
        "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    });
    let mut answer = Answer::json(200, &answer).with("request-id", REQUEST_ID);
    if work.words() == Some(&Words::LoneSurrogateInBody) {
        answer.body = String::from_utf8_lossy(&answer.body).replace("\\\\ud800", "\\ud800").into_bytes().into();
    }
    for (name, value) in [("limit", "1000"), ("remaining", "999"), ("reset", "2030-01-01T00:00:00Z")] {
        answer = answer.with(&format!("anthropic-ratelimit-requests-{name}"), value);
    }
    Reply { answer, charge: Some(work.charge(prices::text_micros(model, tokens_in, tokens_out), None)) }
}

/// The tool that the model must use.
fn forced_tool(body: &Value) -> Option<&Value> {
    let choice = &body["tool_choice"];
    let tools = body["tools"].as_array()?;
    match choice["type"].as_str()? {
        "any" => tools.first(),
        "tool" => tools.iter().find(|tool| tool["name"] == choice["name"]),
        _ => None,
    }
}
