//! Following a job: resuming, the two transports, and jobs that have ended.

use crate::{
    harness::{Answer, Flavour, Submission, User, hum, read_socket, shared},
    song::events_tell_the_whole_story,
};

over_both!(
    a_follower_resumes_without_loss,
    both_transports_tell_the_same,
    a_live_socket_is_told_everything,
    nobody_follows_what_is_not_theirs,
);

async fn a_follower_resumes_without_loss(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    // Three connections in a row, each cut off in the middle.
    let mut all = Vec::new();
    for _ in 0..3 {
        let mut stream = user.events(&job, all.len() as u64).await;
        for _ in 0..4 {
            all.push(stream.next().await.expect("a job has more events than this"));
        }
    }
    all.extend(user.events(&job, all.len() as u64).await.rest().await);
    events_tell_the_whole_story(&job, &all);

    let mut again = user.events(&job, 0).await;
    assert_eq!(again.rest().await, all, "a finished job tells its whole story and ends");
    // Nothing behind the last one, nor behind a number that never was: a browser is told to ask no more.
    for after in [all.len() as u64, 1_000_000] {
        let request = user.getting(&format!("/api/v1/jobs/{job}/events")).header("Last-Event-ID", after);
        assert_eq!(Answer::of(request).await.status, 204, "{after}");
    }
}

async fn both_transports_tell_the_same(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    user.completed(&job).await;
    let streamed = user.events(&job, 0).await.rest().await;
    assert_eq!(read_socket(&user, &job, 0).await, streamed);
    assert_eq!(read_socket(&user, &job, 3).await, streamed[3..]);
}

async fn a_live_socket_is_told_everything(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    let told = read_socket(&user, &job, 0).await;
    events_tell_the_whole_story(&job, &told);
}

async fn nobody_follows_what_is_not_theirs(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let (owner, other) = (deployment.user(), deployment.user());
    let job = User::accepted(&owner.submit(&Submission::of("hum.wav", hum().wav())).await);
    let unknown = uuid::Uuid::now_v7().to_string();
    for id in [job.as_str(), unknown.as_str(), "not-an-id", "..%2f..%2fetc%2fpasswd"] {
        for path in ["events", "ws", "result"] {
            other.get(&format!("/api/v1/jobs/{id}/{path}")).await.problem(404, "not_found");
        }
        other.get(&format!("/api/v1/melody-vocals/status/{id}")).await.problem(404, "not_found");
        other.cancel(id).await.problem(404, "not_found");
        let feedback = serde_json::json!({ "rating": 3 });
        other.post_json(&format!("/api/v1/melody-vocals/feedback/{id}"), &feedback).await.problem(404, "not_found");
    }
    assert_eq!(other.history("").await["pagination"]["total"], 0);
    // Nothing of all that has touched the job.
    owner.completed(&job).await;
}
