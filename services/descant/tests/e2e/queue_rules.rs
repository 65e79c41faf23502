//! The rules of the queue and the words on the bus that clients of the older music-generator API know, over a real broker and in
//! real time: the only test that waits for half a minute. What one process does beside itself nobody outside can hear; that it keeps
//! the same rules is shown beside the orchestrator, by a clock that is turned.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use messaging::{Body, Event, EventStream};
use serde_json::{Value, json};
use testbed::{Manner, StandIn};

use crate::harness::{Flavour, PATIENCE, own, within};

/// What a judge answers who has nothing against a text.
const CLEAN: &str = r#"{"results":[{"flagged":false,"categories":{}}]}"#;

/// The next word on the bus about a song.
async fn announced(heard: &mut EventStream, music: &str) -> String {
    let next = async {
        loop {
            let event = heard.next().await.expect("the broker goes on");
            if let Event::Message(message) = event
                && let Some(Body::Announcement(told)) = message.body
                && told.job_id == music
            {
                assert_eq!(told.kind, "composition");
                return told.event;
            }
        }
    };
    within("a word on the bus", PATIENCE, next).await
}

fn at(body: &Value, field: &str) -> DateTime<Utc> {
    body[field].as_str().and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("no moment {field} in {body}"))
}

#[tokio::test]
async fn a_song_that_nobody_judges_is_tried_twice_half_a_minute_apart_and_its_end_announced() {
    let judge = StandIn::start([Manner::Answers(500, b"out of order".to_vec())]).await;
    let url = format!("{}/v1", judge.url());
    let settings = [
        ("DESCANT_MODERATION__OPENAI_API_KEY", "a key that only the judge is told"),
        ("DESCANT_MODERATION__OPENAI_URL", url.as_str()),
        ("DESCANT_MODERATION__FAIL_CLOSED", "true"),
    ];
    let deployment = own(Flavour::Distributed, &settings).await;
    let bus = deployment.bus().await;
    let mut heard = bus.subscribe_events(1024).await.expect("a subscription");
    let user = deployment.user();
    let ask = async || {
        let body = json!({ "prompt": "upbeat electronic music", "lengthMs": 3000 });
        let answer = user.post_json("/api/music-generator/generate", &body).await.expect(202);
        answer["data"]["musicId"].as_str().expect("an id").to_owned()
    };

    let music = ask().await;
    assert_eq!(announced(&mut heard, &music).await, "music.generation.requested");
    let mut events = user.events(&music, 0).await;
    let scheduled = events.until("another attempt", |event| event.kind == "retry_scheduled").await;
    let (over, again) = (at(&scheduled.body, "at"), at(&scheduled.body["data"], "retryAt"));
    // Counted from the moment of the decision, which is that of the event.
    assert!((again - over - TimeDelta::seconds(30)).abs() < TimeDelta::milliseconds(1), "{scheduled:?}");
    assert_eq!(judge.asked(), 1);
    let status = user.get(&format!("/api/music-generator/status/{music}")).await.expect(200);
    assert_eq!((&status["data"]["status"], status["data"].get("error")), (&json!("GENERATING"), None), "{status}");

    assert_eq!(announced(&mut heard, &music).await, "music.generation.failed");
    let rest = events.rest().await;
    let second = rest.iter().find(|event| event.kind == "stage_started").expect("another attempt");
    assert!(at(&second.body, "at") >= again, "not before its time: {second:?}");
    assert_eq!(judge.asked(), 2, "two attempts, and a question in each");
    assert_eq!(rest.last().map(|event| event.kind.as_str()), Some("failed"), "{rest:?}");
    let status = user.get(&format!("/api/music-generator/status/{music}")).await.expect(200);
    assert_eq!(status["data"]["status"], "FAILED", "{status}");
    assert!(status["data"]["error"].as_str().is_some_and(|error| error.contains("moderation")), "{status}");
    let job = user.get(&format!("/api/v1/jobs/{music}")).await.expect(200);
    assert_eq!((&job["attempts"], &job["errorType"]), (&json!(2), &json!("GENERATION_ERROR")), "{job}");
    // To the moment by the orchestrator's clock; here it was read twice.
    let kept = at(&job, "expiresAt") - at(&job, "completedAt");
    assert!((kept - TimeDelta::hours(24)).abs() < TimeDelta::minutes(1), "a failed one is kept for a day: {job}");

    judge.behave([Manner::Answers(200, CLEAN.as_bytes().to_vec())]);
    let music = ask().await;
    assert_eq!(announced(&mut heard, &music).await, "music.generation.requested");
    assert_eq!(announced(&mut heard, &music).await, "music.generation.completed");
    let ended = tokio::time::timeout(Duration::from_secs(5), bus.close()).await;
    assert!(ended.is_ok(), "the subscription ends");
}
