//! Webhooks of vendors: what is signed about now is a reason to look, once; everything else changes nothing.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use contracts::Envelope;
use domain::{JobId, OutsideCallId, kinds::melody_vocals};
use messaging::{Body, Consumer, Handler, Outcome, Queue};
use persistence::{Begun, NewCall};
use resilience::ids::random10;
use serde_json::{Value, json};
use vendor_standins::{Pace, Route, Run, Sent, Step, Vendor, Vendors, Webhook, signature};

use crate::{
    harness::Harness,
    wire::{self, Answer},
};

const BARK: &str = "b76242b40d67c76ab6742e987628a2a9ac019e11d56ab96c4e91ce03b79b2787";

/// Remembers which jobs are signalled.
struct Listens(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Handler for Listens {
    async fn handle(&self, message: Envelope) -> Outcome {
        if let Some(Body::SignalJob(signal)) = message.body {
            self.0.lock().unwrap().push(signal.job_id);
        }
        Outcome::Done
    }
}

struct Setting {
    vendors: Vendors,
    harness: Harness,
    signalled: Arc<Mutex<Vec<String>>>,
    _consumer: Consumer,
}

impl Setting {
    /// `secret` is the settings'; without one the vendor is asked.
    async fn new(secret: Option<&str>) -> Self {
        let vendors = Vendors::start().await;
        let base: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
        let mut more = vec![("providers.replicate.base_url", base), ("providers.replicate.api_key", "a-key")];
        if let Some(secret) = secret {
            more.push(("providers.replicate.webhook_secret", secret.to_owned().leak()));
        }
        let harness = Harness::with(&more).await;
        let signalled = Arc::<Mutex<Vec<String>>>::default();
        let bus = harness.deps.bus().unwrap();
        let listens = Arc::new(Listens(signalled.clone()));
        let _consumer = bus.consume(Queue::OrchestratorJobs, 1, listens).await.unwrap();
        Self { vendors, harness, signalled, _consumer }
    }

    /// A job that waits for a call, whose id with the vendor is known or not.
    async fn waiting(&self, provider: &str, outside_id: Option<&str>) -> (JobId, OutsideCallId) {
        let job = self.harness.running_job().await;
        let database = self.harness.deps.database().unwrap();
        let generation = database.jobs().get(job).await.unwrap().unwrap().generation;
        let id = OutsideCallId::new(Utc::now(), random10());
        let stage = melody_vocals::SPEC.stages[0].name;
        let new = NewCall::new(id, (job, generation), (stage, "sing"), (provider, "default"));
        let begun = database.outside_calls().begin(&new, Utc::now()).await.unwrap();
        assert!(matches!(begun, Begun::Fresh(_)), "{begun:?}");
        if let Some(outside_id) = outside_id {
            assert!(database.outside_calls().opened(id, outside_id, Utc::now()).await.unwrap());
        }
        (job, id)
    }

    fn key(&self) -> Vec<u8> {
        STANDARD.decode(self.vendors.webhook_secret().strip_prefix("whsec_").unwrap()).unwrap()
    }

    async fn hook(&self, path: &str, (id, at, signature): (&str, i64, &str), body: &str) -> Answer {
        let at = at.to_string();
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature),
            ("content-type", "application/json"),
        ];
        wire::ask(self.harness.address, "POST", &format!("/api/v1/hooks/{path}"), &headers, body.as_bytes()).await
    }

    /// One that is signed as it should be.
    async fn signed(&self, path: &str, id: &str, body: &str) -> Answer {
        let now = Utc::now().timestamp();
        self.hook(path, (id, now, &signature(&self.key(), id, now, body)), body).await
    }

    /// The jobs that were signalled, once they are so many; a later one shows that there were no more before it.
    async fn signals(&self, count: usize) -> Vec<String> {
        testbed::eventually("signals", Duration::from_secs(20), || async {
            let seen = self.signalled.lock().unwrap().clone();
            if seen.len() >= count { Ok(seen) } else { Err(seen) }
        })
        .await
    }

    /// Has the vendor create a prediction that tells of its end, and waits until it was told so often.
    async fn predicted(&self, webhooks: Vec<Webhook>, correlation: OutsideCallId, told: usize) -> Value {
        let run = Run { webhooks, pace: Some(Pace::Millis { starting: 1, processing: 1 }), ..Run::default() };
        self.vendors.script(Vendor::Replicate, Route::CreatePrediction, [Step::Run(run)]);
        let address = self.harness.url(&format!("/api/v1/hooks/replicate?correlation={correlation}"));
        let body = json!({"version": BARK, "input": {"prompt": "la"}, "webhook": address,
            "webhook_events_filter": ["start", "completed"]});
        let before = self.vendors.webhooks().len();
        let at = format!("{}/v1/predictions", self.vendors.url_of(Vendor::Replicate));
        let sent = reqwest::Client::new().post(at).bearer_auth("a-key").body(body.to_string()).send().await.unwrap();
        let made: Value = serde_json::from_str(&sent.text().await.unwrap()).unwrap();
        testbed::eventually("webhooks", Duration::from_secs(20), || async {
            let sent: Vec<Sent> = self.vendors.webhooks();
            if sent.len() >= before + told { Ok(()) } else { Err(sent) }
        })
        .await;
        made
    }

    fn answered(&self) -> Vec<Option<u16>> {
        self.vendors.webhooks().iter().map(|sent| sent.answered).collect()
    }
}

#[tokio::test]
async fn what_is_not_signed_about_now_changes_nothing() {
    let setting = Setting::new(None).await;
    let (job, _) = setting.waiting("replicate", Some("p1")).await;
    let body = r#"{"id":"p1","status":"succeeded"}"#;
    let now = Utc::now().timestamp();
    let sign = |key: &[u8], id: &str, at: i64| signature(key, id, at, body);
    let key = setting.key();
    for (what, path, (id, at, signed)) in [
        ("a wrong signature", "replicate", ("m1", now, sign(b"another", "m1", now))),
        ("an old time", "replicate", ("m2", now - 3600, sign(&key, "m2", now - 3600))),
        ("a time to come", "replicate", ("m3", now + 3600, sign(&key, "m3", now + 3600))),
        ("another's id", "replicate", ("m4", now, sign(&key, "m5", now))),
        ("an id that cannot be signed", "replicate", ("m.6", now, sign(&key, "m.6", now))),
        ("no signature", "replicate", ("m7", now, String::new())),
        ("nobody's name", "nobody", ("m8", now, sign(&key, "m8", now))),
    ] {
        let answer = setting.hook(path, (id, at, &signed), body).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        answer.problem(401, "unauthenticated");
    }
    let bare = wire::ask(setting.harness.address, "POST", "/api/v1/hooks/replicate", &[], body.as_bytes()).await;
    bare.problem(401, "unauthenticated");
    setting.signed("replicate", "m9", "[]").await.problem(400, "invalid_body");
    let long = format!(r#"{{"id":"p1","logs":"{}"}}"#, "x".repeat(1024 * 1024));
    setting.signed("replicate", "m10", &long).await.problem(400, "invalid_body");
    assert_eq!(setting.signed("replicate", "m11", body).await.status, 204);
    assert_eq!(setting.signals(1).await, [job.to_string()], "only the last one was believed");
}

#[tokio::test]
async fn what_comes_again_changes_nothing() {
    let setting = Setting::new(None).await;
    let (first, _) = setting.waiting("replicate", Some("p1")).await;
    let (second, _) = setting.waiting("replicate", Some("p2")).await;
    for _ in 0..3 {
        assert_eq!(setting.signed("replicate", "m1", r#"{"id":"p1"}"#).await.status, 204);
    }
    // The same id over another body is no news either.
    assert_eq!(setting.signed("replicate", "m1", r#"{"id":"p2"}"#).await.status, 204);
    assert_eq!(setting.signed("replicate", "m2", r#"{"id":"p2"}"#).await.status, 204);
    assert_eq!(setting.signals(2).await, [first.to_string(), second.to_string()]);
}

#[tokio::test]
async fn the_job_is_found_by_what_the_vendor_was_given_or_by_its_id() {
    let setting = Setting::new(None).await;
    let (early, correlation) = setting.waiting("replicate", None).await;
    let (trains, _) = setting.waiting("replicate/trainings", Some("t1")).await;
    let (other, of_other) = setting.waiting("elsewhere", Some("e1")).await;
    let path = |correlation: &OutsideCallId| format!("replicate?correlation={correlation}");
    let told = async |path: &str, id: &str, body: &str| {
        assert_eq!(setting.signed(path, id, body).await.status, 204, "{path} {body}");
    };
    // Nobody's work, and another provider's job.
    told("replicate", "m1", r#"{"id":"unheard-of"}"#).await;
    told(&path(&of_other), "m2", r#"{"id":"e1"}"#).await;
    told("replicate?correlation=nonsense", "m3", r#"{"id":"unheard-of"}"#).await;
    told(&path(&correlation), "m4", r#"{"id":"p9"}"#).await;
    told("replicate", "m5", r#"{"id":"t1"}"#).await;
    assert_eq!(setting.signals(2).await, [early.to_string(), trains.to_string()], "and not {other}");
    assert_ne!(other, early);
}

#[tokio::test]
async fn the_vendors_own_webhooks_are_taken_early_twice_and_in_the_wrong_order() {
    let setting = Setting::new(None).await;
    let (job, correlation) = setting.waiting("replicate", None).await;
    // All of them before the request is answered: the id of the work is not known yet.
    setting.predicted(vec![Webhook::BeforeAnswer], correlation, 2).await;
    assert_eq!(setting.signals(2).await, [job.to_string(), job.to_string()]);
    setting.predicted(vec![Webhook::Duplicate], correlation, 4).await;
    assert_eq!(setting.signals(4).await.len(), 4, "each once");
    setting.predicted(vec![Webhook::OutOfOrder], correlation, 2).await;
    assert_eq!(setting.signals(6).await.len(), 6);
    assert!(setting.answered().iter().all(|status| *status == Some(204)), "{:?}", setting.answered());
}

#[tokio::test]
async fn the_vendors_forged_and_old_webhooks_are_refused() {
    let secret = Vendors::start().await.webhook_secret();
    let setting = Setting::new(Some(&secret)).await;
    let (job, correlation) = setting.waiting("replicate", None).await;
    setting.predicted(vec![Webhook::BadSignature], correlation, 2).await;
    setting.predicted(vec![Webhook::OldTimestamp], correlation, 2).await;
    assert_eq!(setting.answered(), vec![Some(401); 4]);
    setting.predicted(Vec::new(), correlation, 2).await;
    assert_eq!(setting.signals(2).await, [job.to_string(), job.to_string()]);
    assert_eq!(setting.vendors.asked(Vendor::Replicate, Route::WebhookSecret), 0, "the settings know it");
}

#[tokio::test]
async fn a_secret_that_is_not_known_is_asked_for_now_and_then() {
    let setting = Setting::new(None).await;
    setting.vendors.script(Vendor::Replicate, Route::WebhookSecret, [Step::Reset { after_work: false }]);
    for id in ["m1", "m2"] {
        setting.signed("replicate", id, r#"{"id":"p1"}"#).await.problem(503, "unavailable");
    }
    assert_eq!(setting.vendors.asked(Vendor::Replicate, Route::WebhookSecret), 1, "not for each that comes");
}
