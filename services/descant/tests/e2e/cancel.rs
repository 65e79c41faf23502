//! Stopping a job, wherever it is.

use std::time::Duration;

use testbed::eventually;

use crate::harness::{Deployment, Flavour, ReceivedEvent, Submission, User, hum, long_hum, own};

over_both!(jobs_stop_wherever_they_are);

/// Long enough that it is still sung when the test gets to it.
const LONG_SECONDS: f64 = 150.0;

async fn jobs_stop_wherever_they_are(flavour: Flavour) {
    // One job at a time: the second one waits for certain.
    let deployment = own(flavour, &[("QUEUE_CONCURRENCY", "1")]).await;
    let user = deployment.user();
    let running = User::accepted(&user.submit(&Submission::of("long.wav", long_hum(LONG_SECONDS).wav())).await);
    let mut events = user.events(&running, 0).await;
    events.until("its start", |event| event.kind == "stage_started" && event.stage() == Some("pitch")).await;

    let queued = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    let status = user.status(&queued).await;
    assert_eq!((&status["status"], &status["state"]), (&"pending".into(), &"queued".into()), "{status}");
    assert_eq!(status["queuePosition"], 0, "next in line: {status}");
    assert_eq!(user.quota().await["dailyUsed"], 2);

    let mut waiting = user.events(&queued, 0).await;
    assert_eq!(waiting.next().await.map(|event| event.kind).as_deref(), Some("accepted"));
    waiting.keepalive().await;

    stop(&user, &queued).await;
    assert_eq!(kinds(&waiting.rest().await), ["cancelled"], "who waits is told");
    let told = user.events(&queued, 0).await.rest().await;
    assert_eq!(kinds(&told).last(), Some(&"cancelled"), "{told:?}");
    assert!(!kinds(&told).contains(&"stage_started"), "nothing was worked on: {told:?}");
    assert_eq!(user.quota().await["dailyUsed"], 1, "its place is given back");
    assert_eq!(user.status(&running).await["status"], "processing", "the other one goes on");

    stop(&user, &running).await;
    let rest = events.rest().await;
    assert_eq!(kinds(&rest)[rest.len() - 2..], ["cancelling", "cancelled"], "{rest:?}");
    assert_eq!(user.quota().await["dailyUsed"], 0);
    for job in [&queued, &running] {
        let again = user.cancel(job).await.expect(200);
        assert_eq!((&again["state"], &again["success"]), (&"cancelled".into(), &true.into()), "twice is no error");
        let status = user.status(job).await;
        assert!(status["result"].is_null() && status["error"].is_null(), "{status}");
        user.get(&format!("/api/v1/jobs/{job}/result")).await.problem(409, "job_state");
    }
    objects_go(&deployment, "those of cancelled jobs", |_| false).await;

    // The slot is free again; and what is done cannot be cancelled any more.
    let done = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    user.completed(&done).await;
    user.cancel(&done).await.problem(409, "job_state");
    assert_eq!(user.status(&done).await["status"], "completed");
    assert_eq!(user.quota().await["dailyUsed"], 1);
    let results = format!("jobs/{done}/result/");
    objects_go(&deployment, "upload and work of a finished job", |key| key.starts_with(&results)).await;
    assert!(!deployment.objects().await.is_empty(), "its results stay");
}

fn kinds(events: &[ReceivedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// Asks a job to stop; it must be so when the answer comes, or very soon after it said that it is on its way.
async fn stop(user: &User, job: &str) {
    let answer = user.cancel(job).await;
    assert!(matches!(answer.status.as_u16(), 200 | 202), "{}: {}", answer.status, answer.text());
    let body = answer.json();
    assert_eq!(body["success"], true, "{body}");
    eventually("the job to be cancelled", Duration::from_secs(5), || async {
        let status = user.status(job).await;
        if status["status"] == "cancelled" { Ok(()) } else { Err(status) }
    })
    .await;
}

/// Waits until no objects are left but those that may stay.
async fn objects_go(deployment: &Deployment, what: &str, may_stay: impl Fn(&str) -> bool) {
    eventually(&format!("objects to go: {what}"), Duration::from_secs(30), || async {
        let left: Vec<String> = deployment.objects().await.into_iter().filter(|key| !may_stay(key)).collect();
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}
