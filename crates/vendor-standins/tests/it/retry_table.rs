//! Every error of the vendors with its status, its code and its time to wait.

use serde_json::{Value, json};
use vendor_standins::{Fault, Retry, Step, Vendor, Vendors};

use crate::client::{Got, ask, usual};

async fn failed(vendor: Vendor, fault: Fault, retry: Retry, after_work: bool) -> (Got, usize) {
    let vendors = Vendors::start().await;
    vendors.script(vendor, usual(vendor).0, [Step::Fail { fault, retry, after_work }]);
    let got = ask(&vendors, vendor).await.unwrap();
    let charges = vendors.ledger().len();
    (got, charges)
}

/// The status of an error and what stands at the pointer.
async fn code(vendor: Vendor, fault: Fault, pointer: &str) -> (u16, Value) {
    let (got, charges) = failed(vendor, fault, Retry::Absent, false).await;
    assert_eq!(charges, 0);
    (got.status, got.json().pointer(pointer).cloned().unwrap_or(Value::Null))
}

#[tokio::test]
async fn anthropic() {
    for (fault, status, kind) in [
        (Fault::BadRequest, 400, "invalid_request_error"),
        (Fault::BadKey, 401, "authentication_error"),
        (Fault::QuotaExceeded, 402, "billing_error"),
        (Fault::Forbidden, 403, "permission_error"),
        (Fault::NotFound, 404, "not_found_error"),
        (Fault::Conflict, 409, "conflict_error"),
        (Fault::TooLarge, 413, "request_too_large"),
        (Fault::RateLimited, 429, "rate_limit_error"),
        (Fault::ServerError, 500, "api_error"),
        (Fault::GatewayTimeout, 504, "timeout_error"),
        (Fault::Overloaded, 529, "overloaded_error"),
    ] {
        assert_eq!(code(Vendor::Anthropic, fault, "/error/type").await, (status, json!(kind)), "{fault:?}");
    }
    let (got, _) = failed(Vendor::Anthropic, Fault::SpendLimit, Retry::Seconds(5), false).await;
    assert_eq!((got.status, got.header("retry-after")), (429, ""), "a spend limit never says when to come again");
    assert_eq!(got.json()["request_id"], got.header("request-id"));
    assert_eq!(got.json()["error"]["details"]["error_code"], "enforced_spend_limit_reached");
}

#[tokio::test]
async fn openai() {
    for (fault, status, code_of) in [
        (Fault::RateLimited, 429, json!("rate_limit_exceeded")),
        (Fault::SlowDown, 429, json!("slow_down")),
        (Fault::QuotaExceeded, 429, json!("insufficient_quota")),
        (Fault::CreditExhausted, 429, json!("credit_balance_exhausted")),
        (Fault::Unavailable, 503, json!("server_is_overloaded")),
        (Fault::ServerError, 500, json!("server_error")),
        (Fault::BadPrompt, 400, json!("invalid_prompt")),
        (Fault::BadKey, 401, json!("invalid_api_key")),
        (Fault::NotFound, 404, json!("model_not_found")),
        (Fault::RequestTimeout, 408, Value::Null),
        (Fault::Conflict, 409, Value::Null),
        (Fault::TooLarge, 413, Value::Null),
        (Fault::Unprocessable, 422, Value::Null),
    ] {
        assert_eq!(code(Vendor::OpenAi, fault, "/error/code").await, (status, code_of), "{fault:?}");
    }
}

#[tokio::test]
async fn replicate() {
    for (fault, status) in [
        (Fault::BadRequest, 400),
        (Fault::BadKey, 401),
        (Fault::QuotaExceeded, 402),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::RequestTimeout, 408),
        (Fault::Conflict, 409),
        (Fault::Unprocessable, 422),
        (Fault::ServerError, 500),
        (Fault::BadGateway, 502),
        (Fault::Unavailable, 503),
        (Fault::GatewayTimeout, 504),
    ] {
        assert_eq!(code(Vendor::Replicate, fault, "/status").await, (status, json!(status)), "{fault:?}");
    }
    let (got, _) = failed(Vendor::Replicate, Fault::RateLimited, Retry::Text(30), false).await;
    assert_eq!((got.status, got.header("retry-after")), (429, ""));
    assert_eq!(got.json(), json!({"detail": "Request was throttled. Your rate limit resets in ~30s."}));
}

#[tokio::test]
async fn elevenlabs() {
    for (fault, status, code_of) in [
        (Fault::TooManyConcurrent, 429, "too_many_concurrent_requests"),
        (Fault::SystemBusy, 429, "system_busy"),
        (Fault::Unavailable, 503, "system_busy"),
        (Fault::QuotaExceeded, 401, "quota_exceeded"),
        (Fault::BadKey, 401, "invalid_api_key"),
        (Fault::PlanTooSmall, 403, "only_for_creator+"),
        (Fault::BadPrompt, 400, "bad_prompt"),
        (Fault::HarmfulPrompt, 400, "bad_prompt"),
        (Fault::BadCompositionPlan, 400, "bad_composition_plan"),
        (Fault::ServerError, 500, "internal_server_error"),
    ] {
        assert_eq!(code(Vendor::ElevenLabs, fault, "/detail/status").await, (status, json!(code_of)), "{fault:?}");
    }
    assert!(code(Vendor::ElevenLabs, Fault::BadPrompt, "/detail/data/prompt_suggestion").await.1.is_string());
    assert!(code(Vendor::ElevenLabs, Fault::HarmfulPrompt, "/detail/data").await.1.is_null());
    let plan = code(Vendor::ElevenLabs, Fault::BadCompositionPlan, "/detail/data/composition_plan_suggestion/sections")
        .await
        .1;
    assert!(plan.is_array());
    assert_eq!(code(Vendor::ElevenLabs, Fault::Unprocessable, "/detail/0/type").await, (422, json!("value_error")));
}

#[tokio::test]
async fn a_proxy_in_front_of_a_vendor_has_a_page_for_what_it_does_not_know() {
    for vendor in Vendor::ALL {
        for (fault, status) in [(Fault::EdgeUnknown, 520), (Fault::EdgeTimeout, 524)] {
            let (got, charges) = failed(vendor, fault, Retry::Absent, true).await;
            assert_eq!((got.status, charges), (status, 1), "{vendor:?}");
            assert!(got.bytes.starts_with(b"<html>"), "{vendor:?}");
        }
    }
}

#[tokio::test]
async fn errors_say_when_to_come_again_in_every_form() {
    for vendor in Vendor::ALL {
        let with = async |retry| failed(vendor, Fault::RateLimited, retry, false).await.0;
        let absent = with(Retry::Absent).await;
        assert_eq!((absent.status, absent.header("retry-after"), absent.header("retry-after-ms")), (429, "", ""));
        assert_eq!(with(Retry::Seconds(7)).await.header("retry-after"), "7");
        assert_eq!(with(Retry::Millis(1_500)).await.header("retry-after-ms"), "1500");
        let date = with(Retry::Date(90)).await;
        let moment =
            chrono::NaiveDateTime::parse_from_str(date.header("retry-after"), "%a, %d %b %Y %H:%M:%S GMT").unwrap();
        let seconds = moment.and_utc().signed_duration_since(chrono::Utc::now()).num_seconds();
        assert!(seconds <= 90 && moment.and_utc() > chrono::Utc::now(), "{seconds}");
        let text = with(Retry::Text(30)).await;
        assert_eq!(text.header("retry-after"), "");
        assert!(String::from_utf8(text.bytes).unwrap().contains("30s"));
    }
}

#[tokio::test]
async fn an_error_after_the_work_is_charged() {
    for vendor in Vendor::ALL {
        let (got, charges) = failed(vendor, Fault::ServerError, Retry::Absent, true).await;
        assert_eq!((got.status, charges), (500, 1), "{vendor:?}");
    }
}
