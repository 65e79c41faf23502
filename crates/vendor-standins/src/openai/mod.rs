//! The side of OpenAI that is used here: chat completions, speech, models and moderations.

mod chat;
mod moderations;
mod speech;

use serde_json::{Value, json};

use crate::{
    http::{Answer, key_is_good},
    routes::Route,
    steps::{Fault, Retry},
    work::{Reply, Work},
};

/// Models that write. Those that begin with [`REASONING`] think first.
const CHAT_MODELS: [&str; 9] =
    ["gpt-4", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-5.4", "gpt-5.4-mini", "gpt-5.5", "gpt-5.6"];
const REASONING: &str = "gpt-5";
/// Models that speak; the last is one that others serve by the same contract.
const SPEECH_MODELS: [&str; 4] = ["tts-1", "tts-1-hd", "gpt-4o-mini-tts", "kokoro"];
const MODERATION_MODELS: [&str; 2] = ["omni-moderation-latest", "text-moderation-latest"];

fn error(status: u16, kind: &str, code: Option<&str>, parameter: Option<&str>, message: &str) -> Answer {
    let error = json!({"message": message, "type": kind, "param": parameter, "code": code});
    Answer::json(status, &json!({ "error": error })).with("x-request-id", "req_standin")
}

fn invalid(parameter: &str, message: &str) -> Reply {
    error(400, "invalid_request_error", None, Some(parameter), message).into()
}

/// An error that is told apart by `error.code`.
pub fn fault(fault: Fault, retry: Retry) -> Answer {
    let wait = match retry {
        Retry::Text(seconds) => format!(" Please try again in {seconds}s."),
        _ => String::new(),
    };
    let (status, kind, code, message) = match fault {
        Fault::RateLimited | Fault::TooManyConcurrent | Fault::SystemBusy => {
            (429, "requests", Some("rate_limit_exceeded"), "Rate limit reached for requests per minute.")
        }
        Fault::SlowDown => (429, "requests", Some("slow_down"), "Your rate of requests grew too fast. Slow down."),
        Fault::QuotaExceeded | Fault::SpendLimit => (
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        Fault::CreditExhausted => {
            (429, "insufficient_quota", Some("credit_balance_exhausted"), "Your credit balance is used up.")
        }
        Fault::RequestTimeout => (408, "invalid_request_error", None, "The request took too long to arrive."),
        Fault::Conflict => (409, "invalid_request_error", None, "The resource was changed by another request."),
        Fault::EdgeUnknown => return Answer::of_edge(520),
        Fault::EdgeTimeout => return Answer::of_edge(524),
        Fault::ServerError => (500, "server_error", Some("server_error"), "The server had an error."),
        Fault::BadGateway => (502, "server_error", None, "Bad gateway."),
        Fault::Unavailable | Fault::Overloaded => {
            (503, "server_error", Some("server_is_overloaded"), "The engine is currently overloaded.")
        }
        Fault::GatewayTimeout => (504, "server_error", None, "Gateway timeout."),
        Fault::BadKey => (401, "invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided."),
        Fault::Forbidden | Fault::PlanTooSmall => {
            (403, "invalid_request_error", Some("unsupported_country_region_territory"), "Not available to you.")
        }
        Fault::NotFound => (404, "invalid_request_error", Some("model_not_found"), "The model does not exist."),
        Fault::TooLarge => (413, "invalid_request_error", None, "The request is too large."),
        Fault::Unprocessable => (422, "invalid_request_error", None, "The request cannot be processed."),
        Fault::BadRequest => (400, "invalid_request_error", None, "The request is not valid."),
        Fault::BadPrompt | Fault::HarmfulPrompt | Fault::BadCompositionPlan => {
            (400, "invalid_request_error", Some("invalid_prompt"), "Your prompt was flagged as against the policy.")
        }
    };
    error(status, kind, code, None, &format!("{message}{wait}"))
}

/// Answers a call.
pub fn answer(work: &Work<'_>) -> Reply {
    match work.call.bearer() {
        None => return error(401, "invalid_request_error", None, None, "You didn't provide an API key.").into(),
        Some(key) if !key_is_good(key) => return fault(Fault::BadKey, Retry::Absent).into(),
        Some(_) => {}
    }
    match work.target.route {
        Route::Models => return models().into(),
        Route::Voices => return Answer::json(200, &json!({"voices": speech::KOKORO_VOICES})).into(),
        _ => {}
    }
    let Some(body) = work.call.object() else {
        let message = "We could not parse the JSON body of your request.";
        return error(400, "invalid_request_error", None, None, message).into();
    };
    match work.target.route {
        Route::Chat => chat::answer(work, &body),
        Route::Speech => speech::answer(work, &body),
        Route::Moderations => moderations::answer(work, &body),
        _ => error(404, "invalid_request_error", None, None, "Invalid URL").into(),
    }
}

fn models() -> Answer {
    let all = CHAT_MODELS.iter().chain(&SPEECH_MODELS).chain(&MODERATION_MODELS);
    let data: Vec<Value> =
        all.map(|id| json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "system"})).collect();
    Answer::json(200, &json!({"object": "list", "data": data}))
}

/// The model that a body names, one of these.
fn model<'b>(body: &'b Value, known: &[&str]) -> Result<&'b str, Reply> {
    let Some(name) = body["model"].as_str() else { return Err(invalid("model", "you must provide a model parameter")) };
    if known.contains(&name) {
        return Ok(name);
    }
    let message = format!("The model `{name}` does not exist or you do not have access to it.");
    Err(error(404, "invalid_request_error", Some("model_not_found"), None, &message).into())
}
