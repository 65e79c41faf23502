//! Signatures of webhooks by the scheme of Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use settings::Secret;
use sha2::Sha256;

/// How far a webhook's time may be from ours, to either side.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// Longest id, in bytes.
const LONGEST_ID: usize = 255;
/// Most signatures of one webhook: two while a secret is changed.
const MOST_SIGNATURES: usize = 8;
const SECRET_PREFIX: &str = "whsec_";
/// Of signatures with a shared secret; others are passed over.
const SCHEME: &str = "v1,";

/// What stands in the headers of a webhook.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The same for each try to deliver the same.
    pub id: &'a str,
    /// Seconds since 1970.
    pub timestamp: &'a str,
    /// One or more, with a blank between.
    pub signature: &'a str,
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("a header of the signature cannot be read")]
    Malformed,
    #[error("it was signed too long ago, or in the future")]
    OutOfTime,
    #[error("it is not signed with the secret")]
    WrongSignature,
    /// Ours, not the sender's.
    #[error("the secret is not whsec_ and base64")]
    Secret,
}

/// Whether a webhook comes from whoever has the secret, and was signed about now. Whether it came before is for the caller to
/// know, by its id.
///
/// # Errors
/// When it is not to be believed.
pub fn verify(
    secret: &Secret<String>,
    signed: Signed<'_>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), WebhookError> {
    check_form(signed, now)?;
    let key = secret.expose().strip_prefix(SECRET_PREFIX).and_then(|key| STANDARD.decode(key).ok());
    let key = key.filter(|key| !key.is_empty()).ok_or(WebhookError::Secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| WebhookError::Secret)?;
    mac.update(signed.id.as_bytes());
    mac.update(b".");
    mac.update(signed.timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut is_signed = false;
    for given in signed.signature.split(' ').take(MOST_SIGNATURES) {
        let Some(given) = given.strip_prefix(SCHEME).and_then(|given| STANDARD.decode(given).ok()) else { continue };
        // In the same time wherever it differs.
        is_signed |= mac.clone().verify_slice(&given).is_ok();
    }
    if is_signed { Ok(()) } else { Err(WebhookError::WrongSignature) }
}

/// What is known before the body has been read.
///
/// # Errors
/// As [`verify`].
pub fn check_form(signed: Signed<'_>, now: DateTime<Utc>) -> Result<(), WebhookError> {
    let is_id =
        (1..=LONGEST_ID).contains(&signed.id.len()) && signed.id.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
    let is_number = !signed.timestamp.is_empty() && signed.timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let at = signed.timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let at = at.filter(|_| is_id && is_number).ok_or(WebhookError::Malformed)?;
    if (now - at).abs() > TOLERANCE { Err(WebhookError::OutOfTime) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn check_with(
        secret: &str,
        id: &str,
        timestamp: &str,
        signature: &str,
        age: i64,
        expected: Result<(), WebhookError>,
    ) {
        let now = DateTime::from_timestamp(AT + age, 0).unwrap();
        let verified = verify(&Secret::new(secret.to_owned()), Signed { id, timestamp, signature }, BODY, now);
        assert_eq!(verified, expected, "{secret} {id} {timestamp} {signature} {age}");
    }

    #[test]
    fn what_the_secret_signed_is_believed_and_nothing_else() {
        let at = AT.to_string();
        let check = |signature: &str, expected| check_with(SECRET, ID, &at, signature, 0, expected);
        let wrong = Err(WebhookError::WrongSignature);
        check(GOOD, Ok(()));
        check(&format!("v1,AAAA {GOOD}"), Ok(()));
        check(&format!("v1a,xx v2,{} {GOOD}", &GOOD[3..]), Ok(()));
        check(&GOOD.replace("g0hM", "g0hN"), wrong);
        check(&GOOD[..20], wrong);
        check(&GOOD.replace("v1,", "v2,"), wrong);
        check("v1,", wrong);
        check("", wrong);
        check(&format!("{}{GOOD}", "v1,AAAA ".repeat(MOST_SIGNATURES)), wrong);
        check_with(SECRET, "msg_another", &at, GOOD, 0, wrong);
        check_with(SECRET, ID, &(AT + 1).to_string(), GOOD, 0, wrong);
        check_with("whsec_b3RoZXI=", ID, &at, GOOD, 0, wrong);
        check_with("b3RoZXI=", ID, &at, GOOD, 0, Err(WebhookError::Secret));
        check_with("whsec_", ID, &at, GOOD, 0, Err(WebhookError::Secret));
    }

    #[test]
    fn a_body_that_was_changed_is_refused() {
        let signed = Signed { id: ID, timestamp: "1614265330", signature: GOOD };
        let now = DateTime::from_timestamp(AT, 0).unwrap();
        let secret = Secret::new(SECRET.to_owned());
        assert_eq!(verify(&secret, signed, br#"{"test": 2432232315}"#, now), Err(WebhookError::WrongSignature));
    }

    #[test]
    fn only_about_now_is_taken() {
        let at = AT.to_string();
        let check = |age: i64, expected| check_with(SECRET, ID, &at, GOOD, age, expected);
        check(300, Ok(()));
        check(301, Err(WebhookError::OutOfTime));
        check(-300, Ok(()));
        check(-301, Err(WebhookError::OutOfTime));
    }

    #[test]
    fn headers_that_are_none_are_refused() {
        let malformed = Err(WebhookError::Malformed);
        let at = AT.to_string();
        for id in ["", "a.b", "a b", "a\n", &"x".repeat(LONGEST_ID + 1)] {
            check_with(SECRET, id, &at, GOOD, 0, malformed);
        }
        for timestamp in ["", "+1614265330", "-1", "1614265330.0", "now", "99999999999999999999"] {
            check_with(SECRET, ID, timestamp, GOOD, 0, malformed);
        }
    }
}
