//! A failure as it is stored with a job or a stage.

use domain::{Failure, FailureClass, FailureCode};
use serde_json::Value;

pub fn encode_failure(failure: &Failure) -> Value {
    let Failure { class, code, message, retry_after, suggestion: _ } = failure;
    let mut stored = serde_json::json!({
        "class": class.as_str(),
        "code": code.as_str(),
        "message": message,
        "retry_after_ms": retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
    });
    if let Some(words) = failure.suggested() {
        stored["suggestion"] = words.into();
    }
    stored
}

/// Words that only a newer version knows read as a defect of ours: the sentence is kept, nothing is retried on it.
pub fn decode_failure(stored: Value) -> Failure {
    let word = |name: &str| stored.get(name).and_then(Value::as_str).unwrap_or_default();
    let suggested = stored.get("suggestion").and_then(Value::as_str).map(str::to_owned);
    let failure = Failure {
        class: word("class").parse().unwrap_or(FailureClass::Config),
        code: word("code").parse().unwrap_or(FailureCode::Internal),
        message: word("message").to_owned(),
        retry_after: stored.get("retry_after_ms").and_then(Value::as_u64).map(std::time::Duration::from_millis),
        suggestion: None,
    };
    failure.with_suggestion(suggested)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_survives_its_row_and_unknown_words_do_not_break_it() {
        let failure = Failure::new(FailureClass::RetryAfter, FailureCode::ProviderUnavailable, "busy")
            .with_retry_after(Duration::from_millis(1500))
            .with_suggestion(Some("a calm song".to_owned()));
        assert_eq!(decode_failure(encode_failure(&failure)), failure);
        for class in FailureClass::ALL {
            for code in FailureCode::ALL {
                let failure = Failure::new(class, code, "why");
                assert_eq!(decode_failure(encode_failure(&failure)), failure);
            }
        }
        let newer = serde_json::json!({"class": "cosmic", "code": "ray", "message": "a flipped bit"});
        let read = decode_failure(newer);
        assert_eq!((read.code, read.message.as_str()), (FailureCode::Internal, "a flipped bit"));
        assert!(!read.class.is_retryable());
    }
}
