//! The same request twice is one job.

use crate::harness::{Flavour, Submission, User, hum, shared};

over_both!(a_repeat_gives_the_same_job, repeats_at_once_make_one_job, a_refusal_does_not_use_the_key_up);

async fn a_repeat_gives_the_same_job(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav()).with("seed", "3").keyed("the first key");
    let first = user.submit(&submission).await;
    let job = User::accepted(&first);
    assert_eq!(first.header("idempotent-replayed"), None);
    let second = user.submit(&submission).await;
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(second.expect(202), first.expect(202), "the same answer, word for word");

    for other in [
        submission.clone().with("prompt", "Another song about another river"),
        submission.clone().with("genre", "jazz"),
        Submission {
            audio: Submission::of("hum.wav", crate::harness::long_hum(9.0).wav()).audio,
            ..submission.clone()
        },
    ] {
        user.submit(&other).await.problem(422, "idempotency_mismatch");
    }
    // Keys belong to their user.
    let somebody = deployment.user();
    let theirs = somebody.submit(&submission).await;
    assert_eq!(theirs.header("idempotent-replayed"), None);
    assert_ne!(User::accepted(&theirs), job);

    user.completed(&job).await;
    assert_eq!(User::accepted(&user.submit(&submission).await), job, "also when it is done");
    assert_eq!(user.quota().await["dailyUsed"], 1);
    assert_eq!(user.history("").await["pagination"]["total"], 1);
    let theirs = User::accepted(&theirs);
    somebody.cancel(&theirs).await;
    somebody.ended(&theirs).await;
}

async fn repeats_at_once_make_one_job(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav()).with("seed", "3").keyed("at once");
    let answers = futures_util::future::join_all((0..5).map(|_| user.submit(&submission))).await;
    let mut jobs = std::collections::BTreeSet::new();
    for answer in answers {
        if answer.status == 409 {
            answer.problem(409, "idempotency_in_flight");
            assert!(answer.header("retry-after").is_some());
        } else {
            jobs.insert(User::accepted(&answer));
        }
    }
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(user.history("").await["pagination"]["total"], 1);
    for job in jobs {
        user.cancel(&job).await;
        user.ended(&job).await;
    }
}

async fn a_refusal_does_not_use_the_key_up(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let key = "a key with a second chance";
    let silent = crate::harness::wav(&vec![0.0; 3 * 44_100], 44_100);
    user.submit(&Submission::of("hum.wav", silent).keyed(key)).await.problem(400, "audio_refused");
    let good = user.submit(&Submission::of("hum.wav", hum().wav()).keyed(key)).await;
    let job = User::accepted(&good);
    user.cancel(&job).await;
    user.ended(&job).await;
}
