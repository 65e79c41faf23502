//! Webhooks: signed, in order, and amiss.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use serde_json::{Value, json};
use testbed::{Heard, Manner, StandIn};
use vendor_standins::{End, Pace, Route, Run, Sent, Step, Vendor, Vendors, Webhook, signature};

use crate::client::{BARK, get, post};

struct Setting {
    vendors: Vendors,
    receiver: StandIn,
}

impl Setting {
    async fn new() -> Self {
        Self { vendors: Vendors::start().await, receiver: StandIn::start([Manner::Answers(200, Vec::new())]).await }
    }

    /// Creates a prediction whose webhooks go to the receiver.
    async fn create(&self, run: Run, events: &[&str]) -> Value {
        self.vendors.script(Vendor::Replicate, Route::CreatePrediction, [Step::Run(run)]);
        let body = json!({"version": BARK, "input": {"prompt": "la la"}, "webhook_events_filter": events,
            "webhook": format!("{}/hook?correlation=c1", self.receiver.url())});
        post(&self.vendors, Vendor::Replicate, "/v1/predictions", &body).await.json()
    }

    /// What the receiver got, once so many have been answered.
    async fn got(&self, count: usize) -> Vec<Heard> {
        testbed::eventually("webhooks", Duration::from_secs(20), || async {
            let sent: Vec<Sent> = self.vendors.webhooks();
            if sent.len() >= count { Ok(()) } else { Err(sent) }
        })
        .await;
        self.receiver.heard()
    }

    fn is_signed(&self, heard: &Heard) -> bool {
        let secret = self.vendors.webhook_secret();
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let timestamp = header(heard, "webhook-timestamp").parse().unwrap();
        let body = std::str::from_utf8(&heard.body).unwrap();
        signature(&key, header(heard, "webhook-id"), timestamp, body) == header(heard, "webhook-signature")
    }
}

fn header<'h>(heard: &'h Heard, wanted: &str) -> &'h str {
    let mut lines = heard.head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).unwrap().1
}

fn statuses(heard: &[Heard]) -> Vec<String> {
    let status =
        |heard: &Heard| serde_json::from_slice::<Value>(&heard.body).unwrap()["status"].as_str().unwrap().to_owned();
    heard.iter().map(status).collect()
}

const BOTH: [&str; 2] = ["start", "completed"];

#[tokio::test]
async fn they_are_signed_and_say_what_a_look_says() {
    let setting = Setting::new().await;
    let secret = get(&setting.vendors, Vendor::Replicate, "/v1/webhooks/default/secret").await.json();
    assert_eq!(secret["key"], setting.vendors.webhook_secret());
    let id = setting.create(Run::default(), &BOTH).await["id"].as_str().unwrap().to_owned();
    let heard = setting.got(2).await;
    assert_eq!(statuses(&heard), ["processing", "succeeded"]);
    assert!(heard.iter().all(|heard| setting.is_signed(heard)));
    assert!(heard[0].head.starts_with("POST /hook?correlation=c1 "));
    assert_ne!(header(&heard[0], "webhook-id"), header(&heard[1], "webhook-id"));
    let looked = get(&setting.vendors, Vendor::Replicate, &format!("/v1/predictions/{id}")).await.json();
    assert_eq!(serde_json::from_slice::<Value>(&heard[1].body).unwrap(), looked);
    assert_eq!(setting.vendors.ledger()[0].correlation.as_deref(), Some("c1"));
}

#[tokio::test]
async fn only_the_events_that_were_asked_for_are_told() {
    let setting = Setting::new().await;
    setting.create(Run::default(), &["output", "completed"]).await;
    assert_eq!(statuses(&setting.got(2).await), ["succeeded", "succeeded"]);
}

#[tokio::test]
async fn they_come_before_the_answer_twice_or_in_the_wrong_order() {
    let setting = Setting::new().await;
    let with = |webhooks: Vec<Webhook>| Run { webhooks, ..Run::default() };
    let created = setting.create(with(vec![Webhook::BeforeAnswer]), &BOTH).await;
    assert_eq!(created["status"], "succeeded");
    assert_eq!(statuses(&setting.receiver.heard()), ["processing", "succeeded"], "both came before the answer");
    setting.create(with(vec![Webhook::Duplicate]), &["completed"]).await;
    let heard = setting.got(4).await;
    assert_eq!(header(&heard[2], "webhook-id"), header(&heard[3], "webhook-id"));
    assert_eq!(heard[2].body, heard[3].body);
    setting.create(with(vec![Webhook::OutOfOrder]), &BOTH).await;
    assert_eq!(statuses(&setting.got(6).await[4..]), ["succeeded", "processing"]);
}

#[tokio::test]
async fn they_are_forged_or_old() {
    let setting = Setting::new().await;
    let with = |webhook| Run { webhooks: vec![webhook], ..Run::default() };
    setting.create(with(Webhook::BadSignature), &["completed"]).await;
    assert!(!setting.is_signed(&setting.got(1).await[0]));
    setting.create(with(Webhook::OldTimestamp), &["completed"]).await;
    let heard = setting.got(2).await;
    let age = Utc::now().timestamp() - header(&heard[1], "webhook-timestamp").parse::<i64>().unwrap();
    assert!(setting.is_signed(&heard[1]) && age >= 3_600, "{age}");
}

#[tokio::test]
async fn none_tells_of_an_abortion_or_when_it_is_lost() {
    let setting = Setting::new().await;
    for run in [
        Run { end: End::Aborted, ..Run::default() },
        Run { end: End::UnknownStatus, ..Run::default() },
        Run { webhooks: vec![Webhook::Missing], ..Run::default() },
    ] {
        setting.create(run, &["completed"]).await;
    }
    // One that is told comes last, so that the others had their time.
    let last = Run {
        end: End::Fails("E8765".to_owned()),
        pace: Some(Pace::Millis { starting: 200, processing: 200 }),
        webhooks: vec![],
    };
    setting.create(last, &["completed"]).await;
    assert_eq!(statuses(&setting.got(1).await), ["failed"]);
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_a_redirect_not_followed() {
    let setting = Setting::new().await;
    setting.receiver.behave([Manner::Answers(503, Vec::new()), Manner::Answers(302, Vec::new())]);
    setting.create(Run::default(), &["completed"]).await;
    assert_eq!(setting.got(1).await.len(), 2);
    assert_eq!(setting.vendors.webhooks()[0].answered, Some(302));
}
