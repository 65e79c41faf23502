//! How many jobs a user may have.

use crate::harness::{Flavour, Submission, User, hum, shared};

over_both!(the_eleventh_job_of_a_day_is_refused);

async fn the_eleventh_job_of_a_day_is_refused(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav());
    let mut jobs = Vec::new();
    for used in 1..=10 {
        let answer = user.submit(&submission).await;
        assert_eq!(answer.expect(202)["quota"]["dailyUsed"], used);
        jobs.push(User::accepted(&answer));
    }
    let refused = user.submit(&submission).await;
    let body = refused.problem(429, "quota_exceeded");
    let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("a number of seconds");
    assert!((1..=24 * 3600).contains(&wait), "until midnight: {wait}");
    assert_eq!(body["retry_after_seconds"], wait, "{body}");
    assert!(body["detail"].as_str().is_some_and(|text| text.contains("daily") && text.contains("10")), "{body}");
    assert_eq!(body["quota"]["dailyUsed"], 10, "older clients show these: {body}");
    assert_eq!(body["quota"]["dailyLimit"], 10, "{body}");
    let quota = user.quota().await;
    assert_eq!((&quota["allowed"], &quota["dailyRemaining"]), (&false.into(), &0.into()), "{quota}");
    assert_eq!(user.history("").await["pagination"]["total"], 10, "the refused one is no job");

    // A second user is not concerned, and a cancelled job gives its place back.
    assert_eq!(deployment.user().quota().await["allowed"], true);
    let last = jobs.pop().expect("there are ten");
    assert!(user.cancel(&last).await.status.is_success());
    assert_eq!(user.ended(&last).await["status"], "cancelled");
    assert_eq!(user.quota().await["dailyUsed"], 9);
    let again = User::accepted(&user.submit(&submission).await);
    jobs.push(again);
    for job in jobs {
        // Those that are done already answer 409; all others need not be sung.
        user.cancel(&job).await;
        user.ended(&job).await;
    }
}
