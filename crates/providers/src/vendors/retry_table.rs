//! What every vendor's errors ask of us: one table. Sources: the vendors' documented errors. The code in the body decides
//! before the status: a quota that is used up comes as 401 from one vendor and as 429 from another.

use std::time::Duration;

use domain::{Failure, FailureClass, FailureCode};
use outbound::StatusCode;
use serde_json::Value;
use settings::VendorKind;

use super::suggestion::{self, Room, SHORT, WHOLE};

/// Longest text of a vendor that goes into a message.
const MOST_DETAIL_CHARS: usize = 300;

/// An answer that is an error, as far as it says what to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VendorError {
    /// The vendor's own word, such as `quota_exceeded`.
    pub code: Option<String>,
    /// The vendor's own sentence.
    pub message: Option<String>,
    /// What it says would be accepted instead: as much as goes into a message, and all of it.
    pub suggestion: Option<String>,
    pub whole_suggestion: Option<String>,
    /// The status that a problem document (`title`, `detail`, `status`) names.
    pub problem: Option<u64>,
}

/// Codes by what they ask of us. Compared without case.
const CODES: &[(FailureClass, &[&str])] = &[
    (
        FailureClass::Money,
        &[
            "quota_exceeded",
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_error",
            "enforced_spend_limit_reached",
            "only_for_creator+",
            "paid_plan_required",
        ],
    ),
    (
        FailureClass::Content,
        &[
            "bad_prompt",
            "bad_composition_plan",
            "content_filter",
            "content_policy_violation",
            "copyright_violation",
            "refusal",
            "bio_policy",
        ],
    ),
    (FailureClass::Saturated, &["too_many_concurrent_requests"]),
    (FailureClass::RetryAfter, &["slow_down", "rate_limit_exceeded", "rate_limit_error"]),
    (
        FailureClass::Transient,
        &[
            "system_busy",
            "server_is_overloaded",
            "overloaded_error",
            "server_error",
            "api_error",
            "timeout_error",
            "conflict_error",
        ],
    ),
    (
        FailureClass::Config,
        &[
            "invalid_api_key",
            "authentication_error",
            "permission_error",
            "not_found_error",
            "model_not_found",
            "voice_not_found",
        ],
    ),
    (
        FailureClass::Caller,
        &[
            "invalid_prompt",
            "invalid_request_error",
            "request_too_large",
            "max_character_limit_exceeded",
            "context_length_exceeded",
        ],
    ),
];

/// Words by which vendors say that they take no work now. Compared without case.
const TAKES_NO_WORK: &[&str] = &[
    "overloaded",
    "overloaded_error",
    "rate_limit_error",
    "rate_limit_exceeded",
    "server_is_overloaded",
    "slow_down",
    "system_busy",
    "too_many_concurrent_requests",
];

/// What Anthropic's sentence says, in lower case, where its general word for a bad request stands for a limit of its own on
/// spending, or for a balance that is used up.
const SPENT: &[&str] = &["api usage limit", "credit balance is too low"];

/// What an answer that is no success asks of us. `retry_after` is what its headers say; `plan` is what was sent, where a vendor
/// may suggest another one.
pub fn failure(
    (vendor, kind): (&str, VendorKind),
    status: StatusCode,
    retry_after: Option<Duration>,
    (body, plan): (&[u8], Option<&Value>),
) -> Failure {
    let error = read_against(body, plan);
    let told = retry_after.or_else(|| error.message.as_deref().and_then(resets_in));
    let class = class(kind, status, told, &error);
    let code = match class {
        FailureClass::Money => FailureCode::ProviderQuota,
        FailureClass::Config => FailureCode::ProviderConfig,
        FailureClass::Content => FailureCode::ContentRejected,
        FailureClass::Caller => FailureCode::ProviderRejected,
        FailureClass::RetryAfter | FailureClass::Transient | FailureClass::Saturated => {
            FailureCode::ProviderUnavailable
        }
    };
    let failure = Failure::new(class, code, message(vendor, status, class, &error));
    // What a vendor says of a refusal is for whoever asked.
    let is_theirs = matches!(class, FailureClass::Caller | FailureClass::Content);
    let failure = failure.with_suggestion(error.whole_suggestion.filter(|_| is_theirs));
    match (class, told) {
        (FailureClass::RetryAfter | FailureClass::Saturated, Some(wait)) => failure.with_retry_after(wait),
        _ => failure,
    }
}

/// Whether work may have been begun behind an answer that is no success, and may be paid for. Of what breaks on the vendor's
/// side nobody can say, nor of what a proxy in between answers in its place (520, 522, 524, a 503 in a form of its own ...). Only
/// where a vendor says in a known word, or Replicate in its documented form, that it takes no work now (503, 529), none was begun.
pub fn may_have_begun(kind: VendorKind, status: StatusCode, error: &VendorError) -> bool {
    match status.as_u16() {
        503 | 529 => {
            let is_known = |code: &String| TAKES_NO_WORK.iter().any(|word| word.eq_ignore_ascii_case(code));
            let is_problem = kind == VendorKind::Replicate && error.problem == Some(u64::from(status.as_u16()));
            !is_problem && !error.code.as_ref().is_some_and(is_known)
        }
        408 | 500..=599 => true,
        _ => false,
    }
}

fn class(kind: VendorKind, status: StatusCode, told: Option<Duration>, error: &VendorError) -> FailureClass {
    let by_code = error.code.as_deref().and_then(|code| {
        let is_it = |known: &&str| known.eq_ignore_ascii_case(code);
        CODES.iter().find(|(_, codes)| codes.iter().any(is_it)).map(|(class, _)| *class)
    });
    match by_code {
        // Too many requests without a word on when to come back.
        Some(FailureClass::RetryAfter) if told.is_none() && status != StatusCode::TOO_MANY_REQUESTS => {
            FailureClass::Transient
        }
        // Its own general word for whatever is wrong with a request says less than the status.
        Some(FailureClass::Caller)
            if error.code.as_deref() == Some("invalid_request_error")
                && (status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN) =>
        {
            FailureClass::Config
        }
        Some(FailureClass::Caller)
            if kind == VendorKind::Anthropic && status == StatusCode::BAD_REQUEST && says_that_all_is_spent(error) =>
        {
            FailureClass::Money
        }
        Some(class) => class,
        None => by_status(kind, status),
    }
}

/// Of a message that is bounded already.
fn says_that_all_is_spent(error: &VendorError) -> bool {
    let message = error.message.as_deref().unwrap_or_default().to_lowercase();
    error.code.as_deref() == Some("invalid_request_error") && SPENT.iter().any(|words| message.contains(words))
}

fn by_status(kind: VendorKind, status: StatusCode) -> FailureClass {
    match status.as_u16() {
        402 => FailureClass::Money,
        401 | 403 | 404 | 405 | 410 => FailureClass::Config,
        429 => FailureClass::RetryAfter,
        // Cog answers so when all of its slots are in use.
        409 if kind == VendorKind::Replicate => FailureClass::Saturated,
        408 | 409 | 425 => FailureClass::Transient,
        400..=499 => FailureClass::Caller,
        _ => FailureClass::Transient,
    }
}

fn message(vendor: &str, status: StatusCode, class: FailureClass, error: &VendorError) -> String {
    let what = match class {
        FailureClass::RetryAfter => "asks to come back later",
        FailureClass::Transient => "failed",
        FailureClass::Saturated => "works on as much as it takes at once",
        FailureClass::Money => "has no credit left for this key",
        FailureClass::Caller => "does not take the request",
        FailureClass::Content => "refused the words or the music",
        FailureClass::Config => "refused the key, the address or the model",
    };
    let mut message = format!("{vendor} {what} ({}", status.as_u16());
    if let Some(code) = &error.code {
        message += &format!(" {code}");
    }
    message.push(')');
    // What a vendor says of a refusal is for whoever asked; of the rest, for the operator, in the log.
    if matches!(class, FailureClass::Caller | FailureClass::Content) {
        if let Some(detail) = &error.message {
            message += &format!(": {detail}");
        }
        if let Some(suggestion) = &error.suggestion {
            message += &format!(" It would take: {suggestion}");
        }
    }
    message
}

/// Reads the shapes in which vendors put errors: an `error` object (`type`, `code`, `message`, `details.error_code`), a
/// `detail` that is a text, an object (`status`, `message`, `data`) or a list of fields, and problem documents (`title`).
pub fn read(body: &[u8]) -> VendorError {
    read_against(body, None)
}

fn read_against(body: &[u8], sent: Option<&Value>) -> VendorError {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return VendorError::default() };
    let text = |value: &Value| value.as_str().map(clean).filter(|text| !text.is_empty());
    let word = |value: &Value| {
        let is_word = |text: &&str| {
            !text.is_empty() && text.len() <= 60 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"')
        };
        value.as_str().filter(is_word).map(str::to_owned)
    };
    let error = &body["error"];
    let detail = &body["detail"];
    let code = word(&error["details"]["error_code"])
        .or_else(|| word(&error["code"]))
        .or_else(|| word(&error["type"]))
        .or_else(|| word(&detail["status"]))
        .or_else(|| word(&detail["code"]))
        .or_else(|| word(&detail["type"]))
        .or_else(|| word(&body["code"]));
    let message = text(&error["message"])
        .or_else(|| text(&detail["message"]))
        .or_else(|| text(detail))
        .or_else(|| fields(detail))
        .or_else(|| text(error))
        .or_else(|| text(&body["message"]))
        .or_else(|| text(&body["title"]));
    let prompts = [&detail["data"]["prompt_suggestion"], &detail["prompt_suggestion"]];
    let prompt = || prompts.into_iter().filter_map(Value::as_str).find(|prompt| !clean(prompt).is_empty());
    let plans = [&detail["data"]["composition_plan_suggestion"], &detail["composition_plan_suggestion"]];
    let plan = || plans.into_iter().find(|plan| plan.is_object());
    let told = |room: Room| {
        let of_prompt = prompt().map(|prompt| cleaned(prompt, room.chars));
        of_prompt.or_else(|| plan().map(|plan| suggestion::in_words(plan, sent, room)))
    };
    let is_problem = body["title"].is_string() && detail.is_string();
    let problem = body["status"].as_u64().filter(|_| is_problem);
    VendorError { code, message, suggestion: told(SHORT), whole_suggestion: told(WHOLE), problem }
}

/// The fields that a vendor has something against, from a list of `{loc, msg}`.
fn fields(detail: &Value) -> Option<String> {
    let field = |entry: &Value| {
        let at: Vec<String> = entry["loc"]
            .as_array()?
            .iter()
            .filter_map(|part| part.as_str().map(str::to_owned).or_else(|| part.as_u64().map(|n| n.to_string())))
            .filter(|part| part != "body")
            .collect();
        Some(format!("{}: {}", at.join("."), entry["msg"].as_str()?))
    };
    let all: Vec<String> = detail.as_array()?.iter().filter_map(field).take(5).collect();
    (!all.is_empty()).then(|| clean(&all.join("; ")))
}

/// A text of a stranger for our own messages: one line, bounded, without what terminals and logs would act on.
pub fn clean(text: &str) -> String {
    cleaned(text, MOST_DETAIL_CHARS)
}

fn cleaned(text: &str, most_chars: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !c.is_control()).take(most_chars).collect()
}

/// The seconds in "Your rate limit resets in ~30s."
fn resets_in(message: &str) -> Option<Duration> {
    let (_, after) = message.split_once("resets in ")?;
    let digits: String = after.trim_start_matches('~').chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(row: &str, kind: VendorKind, status: u16, wait: Option<u64>, body: &str, class: FailureClass) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        let failure = failure(("vendor", kind), status, wait.map(Duration::from_secs), (body.as_bytes(), None));
        assert_eq!(failure.class, class, "{row}: {failure}");
        failure
    }

    #[test]
    fn row_wait_told() {
        use FailureClass::RetryAfter;
        let told = check("429 with Retry-After", VendorKind::OpenAi, 429, Some(7), "{}", RetryAfter);
        assert_eq!(told.retry_after, Some(Duration::from_secs(7)));
        let throttled = r#"{"detail":"Request was throttled. Your rate limit resets in ~30s."}"#;
        let told = check("resets in ~30s", VendorKind::Replicate, 429, None, throttled, RetryAfter);
        assert_eq!(told.retry_after, Some(Duration::from_secs(30)));
        let slow = r#"{"error":{"message":"slow","type":"requests","param":null,"code":"slow_down"}}"#;
        check("slow_down", VendorKind::OpenAi, 429, Some(3), slow, RetryAfter);
        check("slow_down as 503", VendorKind::OpenAi, 503, Some(3), slow, RetryAfter);
        let limited = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#;
        let untold = check("429 that does not say when", VendorKind::Anthropic, 429, None, limited, RetryAfter);
        assert_eq!(untold.retry_after, None);
    }

    #[test]
    fn row_transient() {
        use FailureClass::Transient;
        for status in [408, 500, 502, 503, 504, 520, 524, 529] {
            check("by status", VendorKind::Anthropic, status, None, "<html>", Transient);
        }
        check("409 lock", VendorKind::OpenAi, 409, None, "{}", Transient);
        let busy = r#"{"detail":{"status":"system_busy","message":"m"}}"#;
        check("system_busy", VendorKind::ElevenLabs, 429, None, busy, Transient);
        let overloaded = r#"{"error":{"message":"m","type":"x","param":null,"code":"server_is_overloaded"}}"#;
        check("server_is_overloaded", VendorKind::OpenAi, 503, None, overloaded, Transient);
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
        check("overloaded_error", VendorKind::Anthropic, 529, None, overloaded, Transient);
    }

    #[test]
    fn what_broke_may_have_been_begun_unless_the_vendor_says_that_it_was_not() {
        let by = |kind: VendorKind, status: u16, body: &str, expected: bool| {
            let begun = may_have_begun(kind, StatusCode::from_u16(status).unwrap(), &read(body.as_bytes()));
            assert_eq!(begun, expected, "{kind:?} {status} {body}");
        };
        let check = |status: u16, body: &str, expected: bool| by(VendorKind::OpenAi, status, body, expected);
        for status in [408, 500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529, 530, 599] {
            check(status, "<html>", true);
            check(status, "", true);
        }
        check(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, false);
        check(
            503,
            r#"{"error":{"message":"m","type":"server_error","param":null,"code":"server_is_overloaded"}}"#,
            false,
        );
        check(503, r#"{"error":{"message":"m","type":"requests","param":null,"code":"slow_down"}}"#, false);
        check(503, r#"{"detail":{"status":"system_busy","message":"m"}}"#, false);
        // What a proxy answers in the vendor's place.
        for body in [
            r#"{"message":"Service Unavailable"}"#,
            r#"{"error":"no healthy upstream"}"#,
            r#"{"error":{"code":"upstream_timeout","message":"m"}}"#,
            r#"{"code":"service_unavailable","message":"m"}"#,
        ] {
            for kind in VendorKind::ALL {
                by(kind, 503, body, true);
            }
        }
        let problem = r#"{"title":"Service unavailable","status":503,"detail":"Please try again."}"#;
        by(VendorKind::Replicate, 503, problem, false);
        by(VendorKind::Replicate, 503, r#"{"detail":"Service unavailable"}"#, true);
        by(VendorKind::Replicate, 502, problem, true);
        check(503, problem, true);
        check(503, r#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#, true);
        check(503, r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#, true);
        check(502, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, true);
        for status in [400, 401, 402, 404, 409, 413, 422, 425, 429] {
            check(status, "<html>", false);
        }
    }

    #[test]
    fn row_saturated() {
        let many = r#"{"detail":{"status":"too_many_concurrent_requests","message":"m"}}"#;
        check("too_many_concurrent_requests", VendorKind::ElevenLabs, 429, None, many, FailureClass::Saturated);
        check("Cog's 409", VendorKind::Replicate, 409, None, "{}", FailureClass::Saturated);
    }

    #[test]
    fn row_money() {
        use FailureClass::Money;
        let quota = r#"{"detail":{"status":"quota_exceeded","message":"m"}}"#;
        check("a quota as 401", VendorKind::ElevenLabs, 401, None, quota, Money);
        for code in ["insufficient_quota", "credit_balance_exhausted"] {
            let body = format!(r#"{{"error":{{"message":"m","type":"x","param":null,"code":"{code}"}}}}"#);
            check(code, VendorKind::OpenAi, 429, Some(5), &body, Money);
        }
        let billing = r#"{"type":"error","error":{"type":"billing_error","message":"m"}}"#;
        check("402 billing_error", VendorKind::Anthropic, 402, None, billing, Money);
        check("402 alone", VendorKind::Replicate, 402, None, "", Money);
        let spend = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m",
            "details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        check("enforced_spend_limit_reached", VendorKind::Anthropic, 429, None, spend, Money);
        let bad = |message: &str| {
            format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}}}}"#)
        };
        for message in [
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            "Your CREDIT BALANCE is too low to access the Anthropic API.",
        ] {
            let failure = check("a spend limit as 400", VendorKind::Anthropic, 400, None, &bad(message), Money);
            assert_eq!(failure.code, FailureCode::ProviderQuota);
            check("another vendor's words", VendorKind::OpenAi, 400, None, &bad(message), FailureClass::Caller);
        }
        let other = bad("messages.0: the limits of usage are no credit");
        check("a bad request", VendorKind::Anthropic, 400, None, &other, FailureClass::Caller);
    }

    #[test]
    fn row_caller() {
        use FailureClass::Caller;
        for status in [400, 413, 422] {
            check("by status", VendorKind::Replicate, status, None, "{}", Caller);
        }
        let fields = r#"{"detail":[{"loc":["body","music_length_ms"],"msg":"too long","type":"v"}]}"#;
        let failure = check("422 fields", VendorKind::ElevenLabs, 422, None, fields, Caller);
        assert!(failure.message.contains("music_length_ms: too long"), "{failure}");
        let long = r#"{"detail":{"status":"max_character_limit_exceeded","message":"m"}}"#;
        check("max_character_limit_exceeded as 401", VendorKind::ElevenLabs, 401, None, long, Caller);
        let prompt = r#"{"error":{"message":"m","type":"x","param":null,"code":"invalid_prompt"}}"#;
        check("invalid_prompt", VendorKind::OpenAi, 400, None, prompt, Caller);
        let schema = r#"{"title":"Input validation failed","detail":"- input: duration: must be <= 30","status":422}"#;
        let failure = check("input schema", VendorKind::Replicate, 422, None, schema, Caller);
        assert!(failure.message.contains("duration"), "{failure}");
    }

    #[test]
    fn row_content() {
        use FailureClass::Content;
        let bad = r#"{"detail":{"status":"bad_prompt","message":"names an artist",
            "data":{"prompt_suggestion":"a calm song"}}}"#;
        let failure = check("bad_prompt", VendorKind::ElevenLabs, 400, None, bad, Content);
        assert_eq!(failure.code, FailureCode::ContentRejected);
        assert!(failure.message.contains("It would take: a calm song"), "{failure}");
        assert_eq!(failure.suggested(), Some("a calm song"));
        let (most, long) = ("y".repeat(4_100), "y".repeat(9_000));
        let bad = json!({"detail": {"status": "bad_prompt", "message": "m", "data": {"prompt_suggestion": long}}});
        let failure = check("a long one", VendorKind::ElevenLabs, 400, None, &bad.to_string(), Content);
        assert_eq!((failure.suggested(), failure.message.len() < 800), (Some(most.as_str()), true));
        let plan = r#"{"detail":{"status":"bad_composition_plan","message":"m"}}"#;
        check("bad_composition_plan", VendorKind::ElevenLabs, 400, None, plan, Content);
        let plan = r#"{"detail":{"status":"bad_composition_plan","message":"m",
            "data":{"composition_plan_suggestion":{"positive_global_styles":["folk"]}}}}"#;
        let failure = check("another plan", VendorKind::ElevenLabs, 400, None, plan, Content);
        assert!(failure.message.ends_with("It would take: styles with “folk”"), "{failure}");
        let filter = r#"{"error":{"message":"m","type":"x","param":null,"code":"content_filter"}}"#;
        check("content_filter", VendorKind::OpenAi, 400, None, filter, Content);
        let copyright = r#"{"detail":{"status":"copyright_violation","message":"m"}}"#;
        check("copyright_violation", VendorKind::ElevenLabs, 400, None, copyright, Content);
    }

    #[test]
    fn row_config() {
        use FailureClass::Config;
        let key = r#"{"detail":{"status":"invalid_api_key","message":"m"}}"#;
        check("401 bad key", VendorKind::ElevenLabs, 401, None, key, Config);
        check("401 alone", VendorKind::OpenAi, 401, None, "{}", Config);
        check("403", VendorKind::Replicate, 403, None, "{}", Config);
        check("404 model", VendorKind::Replicate, 404, None, r#"{"detail":"not found"}"#, Config);
        let unknown = r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#;
        check("404 not_found_error", VendorKind::Anthropic, 404, None, unknown, Config);
        let general = r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":null}}"#;
        check("a general word with a 401", VendorKind::OpenAi, 401, None, general, Config);
    }

    #[test]
    fn a_strangers_words_are_bounded_and_on_one_line() {
        let body = format!(r#"{{"detail":"a\u0000b\n\u001b[31m{}"}}"#, "x".repeat(9000));
        let failure = check("long", VendorKind::Replicate, 422, None, &body, FailureClass::Caller);
        assert!(failure.message.len() < 400 && !failure.message.contains(char::is_control), "{failure}");
        let secret = r#"{"detail":"the key r8_abc is unknown"}"#;
        let failure = check("its words on our key", VendorKind::Replicate, 401, None, secret, FailureClass::Config);
        assert!(!failure.message.contains("r8_abc"), "{failure}");
    }
}
