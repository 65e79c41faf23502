//! Webhooks, signed by the scheme of Standard Webhooks and really sent.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::steps::Webhook;

/// Times that one webhook is tried, and the wait behind the first; each further one doubles.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(50);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most webhooks that are remembered: the newest.
const MOST_REMEMBERED: usize = 20_000;
/// How old the stamp of an old one is, in seconds.
const OLD_SECONDS: i64 = 3_600;

/// A webhook that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sent {
    pub webhook_id: String,
    pub url: String,
    /// The run's id and its status then.
    pub run: String,
    pub status: String,
    /// What the receiver answered; nothing when it could not be reached.
    pub answered: Option<u16>,
}

/// Sends webhooks and remembers them.
pub struct Courier {
    key: Vec<u8>,
    /// Does not follow redirects, as the vendor does not.
    client: OnceLock<Option<reqwest::Client>>,
    sent: Mutex<VecDeque<Sent>>,
}

/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
pub fn signature(key: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    format!("v1,{}", STANDARD.encode(hmac_sha256(key, format!("{id}.{timestamp}.{body}").as_bytes())))
}

/// HMAC-SHA256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length is one; there is no other error.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

impl Courier {
    pub fn new(key: Vec<u8>) -> Self {
        Self { key, client: OnceLock::new(), sent: Mutex::default() }
    }

    /// As the vendor tells it to its customers.
    pub fn secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.key))
    }

    pub fn key(&self) -> &[u8] {
        &self.key
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub fn clear(&self) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Sends what comes for one run, one after the other, until there will be no more.
    pub async fn deliver(self: Arc<Self>, url: String, faults: Vec<Webhook>, mut notices: UnboundedReceiver<Value>) {
        let mut held = Vec::new();
        let mut number = 0;
        while let Some(notice) = notices.recv().await {
            if faults.contains(&Webhook::Missing) {
                continue;
            }
            if faults.contains(&Webhook::OutOfOrder) {
                held.push(notice);
                continue;
            }
            number += 1;
            self.notify(&url, &faults, &notice, number).await;
        }
        while let Some(notice) = held.pop() {
            number += 1;
            self.notify(&url, &faults, &notice, number).await;
        }
    }

    async fn notify(&self, url: &str, faults: &[Webhook], notice: &Value, number: u32) {
        let run = notice["id"].as_str().unwrap_or_default();
        let id = format!("msg_{run}{number}");
        for _ in 0..if faults.contains(&Webhook::Duplicate) { 2 } else { 1 } {
            let answered = self.post(url, faults, &id, &notice.to_string()).await;
            let status = notice["status"].as_str().unwrap_or_default().to_owned();
            let sent = Sent { webhook_id: id.clone(), url: url.to_owned(), run: run.to_owned(), status, answered };
            let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MOST_REMEMBERED {
                all.pop_front();
            }
            all.push_back(sent);
        }
    }

    async fn post(&self, url: &str, faults: &[Webhook], id: &str, body: &str) -> Option<u16> {
        let make = || {
            reqwest::Client::builder()
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .ok()
        };
        let client = self.client.get_or_init(make).as_ref()?;
        let mut wait = FIRST_WAIT;
        let mut answered = None;
        for attempt in 1..=TRIES {
            let now = Utc::now().timestamp();
            let timestamp = if faults.contains(&Webhook::OldTimestamp) { now - OLD_SECONDS } else { now };
            let key = if faults.contains(&Webhook::BadSignature) { b"another key" } else { self.key.as_slice() };
            let request = client
                .post(url)
                .header("content-type", "application/json")
                .header("webhook-id", id)
                .header("webhook-timestamp", timestamp)
                .header("webhook-signature", signature(key, id, timestamp, body))
                .body(body.to_owned());
            answered = request.send().await.ok().map(|answer| answer.status().as_u16());
            if answered.is_some_and(|status| status < 500 && status != 429) || attempt == TRIES {
                break;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn signed_as_the_specification_shows() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
