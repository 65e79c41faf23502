//! A blend's life: whose it is, how it is stopped, what a crash and a removal of its songs do to it, and how many there may be.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::eventually;

use super::{NAMES, accepted, begun, cancelled, completed, form, sample_songs, stocked, submit};
use crate::{
    harness::{Answer, Deployment, Flavour, Part, User, own},
    refusals::no_upload_remains,
    songs,
};

over_both!(
    a_blend_is_its_owners_and_stops_when_asked,
    a_blend_survives_a_crash,
    blends_count_against_the_quota,
    a_song_that_is_removed_meanwhile_is_blended_all_the_same,
);

/// Options of a blend that is still played when a test gets to it.
const LONG: [(&str, &str); 3] = [("bars", "250"), ("seed", "1"), ("tempo", "120")];

/// Long enough to be killed while it is played, and to be played twice on a busy machine.
const TWICE: [(&str, &str); 3] = [("bars", "100"), ("seed", "1"), ("tempo", "120")];

/// Waits until no object is left but those that may stay.
async fn objects_go(deployment: &Deployment, may_stay: impl Fn(&str) -> bool) {
    eventually("objects to go", Duration::from_secs(30), || async {
        let left: Vec<String> = deployment.objects().await.into_iter().filter(|key| !may_stay(key)).collect();
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

/// The part that works on jobs.
fn worker(flavour: Flavour) -> Part {
    match flavour {
        Flavour::Embedded => Part::Descant,
        Flavour::Distributed => Part::Orchestrator,
    }
}

/// The same user after a restart: an embedded deployment has a new address then.
fn again(deployment: &Deployment, user: &User) -> User {
    User::new(deployment.front_url(), user.claims.clone())
}

async fn a_blend_is_its_owners_and_stops_when_asked(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let mut own_songs = sample_songs();
    own_songs[0].0 = "A Tune of My Own.mid";
    let submitted = Answer::of(user.posting(super::BLEND).multipart(form(&own_songs, &LONG))).await;
    let job = User::accepted(&submitted);
    let stranger = deployment.user();
    for path in [
        format!("/api/v1/jobs/{job}"),
        format!("/api/v1/jobs/{job}/events"),
        format!("/api/v1/jobs/{job}/result"),
        format!("/api/status/{job}"),
        format!("/api/download/{job}"),
    ] {
        stranger.get(&path).await.problem(404, "not_found");
    }
    stranger.post(&format!("/api/v1/jobs/{job}/cancel")).await.problem(404, "not_found");
    assert_eq!(stranger.get("/api/jobs").await.expect(200)["total"], 0);
    // What comes with a request is nobody else's, nor the catalogue's.
    let found = stranger.get("/api/v1/songs?q=a%20tune%20of%20my%20own").await.expect(200);
    assert_eq!(found["songs"], json!([]));
    let by_name = json!({ "songs": ["A Tune of My Own", "A Tune of My Own", "A Tune of My Own"] });
    stranger.post_json("/api/generate", &by_name).await.problem(404, "song_unknown");

    begun(&user, &job, "rendering").await;
    cancelled(&user, &job).await;
    let status = user.get(&format!("/api/status/{job}")).await.expect(200);
    assert_eq!((&status["status"], &status["error"]), (&json!("failed"), &json!("cancelled")), "{status}");
    objects_go(&deployment, |_| false).await;
    no_upload_remains(&deployment).await;
    assert_eq!(user.quota().await["dailyUsed"], 0, "its place is given back");
}

async fn a_blend_survives_a_crash(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let job = accepted(&user, &TWICE).await;
    begun(&user, &job, "rendering").await;
    deployment.kill(worker(flavour));
    deployment.launch(worker(flavour)).await;
    let user = again(&deployment, &user);
    completed(&user, &job).await;
    let events = user.events(&job, 0).await.rest().await;
    let started = |stage: &str| events.iter().filter(|e| e.kind == "stage_started" && e.stage() == Some(stage)).count();
    assert_eq!((started("blending"), started("rendering")), (1, 2), "what was finished is not done again: {events:?}");
    let results = format!("jobs/{job}/result/");
    objects_go(&deployment, |key| key.starts_with(&results)).await;
}

async fn blends_count_against_the_quota(flavour: Flavour) {
    let deployment = own(flavour, &[("DESCANT_QUOTA__FREE__DAILY", "2"), ("QUEUE_CONCURRENCY", "1")]).await;
    stocked(&deployment, NAMES).await;
    let user = deployment.user();
    let running = accepted(&user, &LONG).await;
    begun(&user, &running, "rendering").await;
    let waiting = accepted(&user, &[]).await;
    let is_upload = |key: &String| key.starts_with("uploads/");
    let uploads = deployment.objects().await.into_iter().filter(is_upload).count();
    let titles = json!({ "songs": ["Harbour Morning", "Tin Roof Reel", "Lantern Walk"] });
    for refused in [submit(&user, &[]).await, user.post_json("/api/generate", &titles).await] {
        let body = refused.problem(429, "quota_exceeded");
        assert_eq!(body["quota"]["dailyUsed"], 2, "{body}");
        assert!(refused.header("retry-after").is_some());
    }
    assert_eq!(deployment.objects().await.into_iter().filter(is_upload).count(), uploads, "nothing of them is kept");
    no_upload_remains(&deployment).await;
    assert_eq!(user.get("/api/jobs").await.expect(200)["total"], 2);

    cancelled(&user, &waiting).await;
    let other = user.post_json("/api/generate", &titles).await.expect(202);
    let other = other["jobId"].as_str().expect("an id");
    for job in [other, &running] {
        cancelled(&user, job).await;
    }
    assert_eq!(user.quota().await["dailyUsed"], 0);
    objects_go(&deployment, |key| key.starts_with("songs/")).await;
}

async fn a_song_that_is_removed_meanwhile_is_blended_all_the_same(flavour: Flavour) {
    // One at a time: the second one waits for certain.
    let deployment = own(flavour, &[("QUEUE_CONCURRENCY", "1")]).await;
    stocked(&deployment, NAMES).await;
    let user = deployment.user();
    let operator = songs::operator_of(&user);
    let listed = user.get("/api/v1/songs").await.expect(200);
    let id = |title: &str| {
        let songs = listed["songs"].as_array().expect("songs");
        songs
            .iter()
            .find(|song| song["title"] == title)
            .and_then(|song| song["id"].as_str())
            .expect("the song")
            .to_owned()
    };
    let running = accepted(&user, &LONG).await;
    begun(&user, &running, "rendering").await;
    let titles = json!({ "songs": ["Harbour Morning", "Tin Roof Reel", "Lantern Walk"], "bars": 16 });
    let job = user.post_json("/api/generate", &titles).await.expect(202)["jobId"].as_str().expect("an id").to_owned();

    // One goes while the job waits, another while it works.
    songs::remove(&operator, &id("Harbour Morning")).await.expect(200);
    cancelled(&user, &running).await;
    begun(&user, &job, "analysis").await;
    songs::remove(&operator, &id("Lantern Walk")).await.expect(200);
    let done = completed(&user, &job).await;
    let names: Vec<_> = done["result"]["songs"].as_array().expect("three").iter().map(|song| &song["title"]).collect();
    assert_eq!(names, ["Harbour Morning - Ada", "Tin Roof Reel - Ben", "Lantern Walk - Cleo"], "{done}");

    // For whoever comes later they are gone.
    let body = user.post_json("/api/generate", &titles).await.problem(404, "song_unknown");
    let is_removed = |choice: &Value| choice["title"] == "Harbour Morning";
    assert!(!body["choices"].as_array().into_iter().flatten().any(is_removed), "{body}");
    let results = format!("jobs/{job}/result/");
    objects_go(&deployment, |key| key.starts_with(&results) || key.starts_with("songs/")).await;
    let left = deployment.objects().await.into_iter().filter(|key| key.starts_with("songs/")).count();
    assert_eq!(left, 1, "of the removed songs nothing is kept");
    no_upload_remains(&deployment).await;
}
