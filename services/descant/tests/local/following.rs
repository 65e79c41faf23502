//! What the client commands tell of a job that they follow, and the code they end with.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, Said},
    front::{Front, JOB, Story},
};

fn event(seq: u64, kind: &str) -> Value {
    json!({ "seq": seq, "type": kind, "data": { "progress": 40, "error": "no singer" } })
}

fn status(word: &str) -> Value {
    json!({ "status": word, "state": word, "progress": 40, "error": "no singer", "result": { "title": "Home" } })
}

fn watch(story: Story, more: &[&str]) -> Said {
    let (desk, front) = (Desk::new(), Front::telling(story, Vec::new()));
    Said::of(desk.descant([more, &["watch", JOB][..]].concat()).env("DESCANT_SERVER", front.url()))
}

#[test]
fn a_job_that_is_tried_again_is_followed_to_its_new_end() {
    let (streams, statuses) = (["failed", "retry_requested", "started", "completed"], ["completed"]);
    let events: Vec<Value> = (1..).zip(streams).map(|(seq, kind)| event(seq, kind)).collect();
    let story = Story { streams: vec![events.clone()], statuses: statuses.map(status).to_vec() };
    let said = watch(story.clone(), &[]);
    said.expect(0);
    assert!(said.err.contains("it had failed and is tried again"), "{}", said.err);
    // The retry came between the end of the stream and the look at the job.
    let (first, rest) = events.split_at(1);
    let story =
        Story { streams: vec![first.to_vec(), rest.to_vec()], statuses: ["pending", "completed"].map(status).to_vec() };
    watch(story, &[]).expect(0);
}

#[test]
fn a_job_that_stays_failed_or_is_cancelled_has_its_code() {
    for kind in ["failed", "expired"] {
        let story = Story { streams: vec![vec![event(1, kind)]], statuses: vec![status("failed")] };
        watch(story, &[]).says(5, &["descant: no singer"]);
    }
    let events = ["failed", "retry_requested", "cancelled"];
    let events = (1..).zip(events).map(|(seq, kind)| event(seq, kind)).collect();
    watch(Story { streams: vec![events], statuses: vec![status("cancelled")] }, &[]).expect(6);
}

#[test]
fn a_wait_for_a_silent_worker_and_the_takeover_are_told() {
    let events: Vec<Value> =
        (1..).zip(["stalled", "resumed", "completed"]).map(|(seq, kind)| event(seq, kind)).collect();
    let story = Story { streams: vec![events], statuses: vec![status("completed")] };
    let told = "its worker is not heard of; waiting for another one to take over\nanother worker has taken over\n";
    let said = watch(story.clone(), &[]);
    assert!(said.expect(0).err.contains(told), "{}", said.err);
    let json = watch(story, &["--json"]);
    let out = String::from_utf8_lossy(&json.expect(0).out).into_owned();
    assert!(out.contains("\"stalled\"") && out.contains("\"resumed\""), "{out}");
}
