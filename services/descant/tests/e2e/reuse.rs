//! What an earlier job of the same user made of the same input is taken instead of being made again.

use crate::harness::{Flavour, ReceivedEvent, Submission, User, hum, own};

over_both!(finished_stages_are_reused_for_their_owner_unless_told_not_to);

/// The stages that somebody works on, of which each is kept for later jobs.
const KEPT: [&str; 3] = ["pitch", "lyrics", "vocals"];

/// Submits and follows to the end: the finished stages that were reused, and the result.
async fn sung(user: &User, submission: &Submission) -> (Vec<String>, serde_json::Value) {
    let job = User::accepted(&user.submit(submission).await);
    let status = user.completed(&job).await;
    let events = user.events(&job, 0).await.rest().await;
    let is_reused = |event: &&ReceivedEvent| event.kind == "stage_finished" && event.body["data"]["reused"] == true;
    let stages = events.iter().filter(is_reused).filter_map(|event| Some(event.stage()?.to_owned()));
    (stages.collect(), status["result"].clone())
}

async fn finished_stages_are_reused_for_their_owner_unless_told_not_to(flavour: Flavour) {
    let deployment = own(flavour, &[("DESCANT_RETENTION__STAGE_RESULTS_HOURS", "24")]).await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav()).with("seed", "3");
    let (reused, first) = sung(&user, &submission).await;
    assert_eq!(reused, [""; 0], "there was nothing to reuse");

    let (reused, second) = sung(&user, &submission).await;
    assert_eq!(reused, KEPT);
    for what in ["title", "lyrics", "quality"] {
        assert_eq!(second[what], first[what], "{what}");
    }
    let (reused, _) = sung(&user, &submission.clone().with("reuse", "false")).await;
    assert_eq!(reused, [""; 0], "it was to be made afresh");
    let (reused, _) = sung(&deployment.user(), &submission).await;
    assert_eq!(reused, [""; 0], "it is somebody else's");
    // The melody does not depend on the words.
    let (reused, _) = sung(&user, &submission.clone().with("prompt", "Another song about another river")).await;
    assert_eq!(reused, ["pitch"]);
    // Nor does it depend on the band; what is sung with one does.
    let with_band = submission.clone().with("backing", "band").with("genre", "folk");
    let (reused, _) = sung(&user, &with_band).await;
    assert_eq!(reused, ["pitch"]);
    let (reused, _) = sung(&user, &with_band.clone().with("stems", "true")).await;
    assert_eq!(reused, KEPT, "stems are of the same song");
    let (reused, _) = sung(&user, &with_band.with("beat", "steady")).await;
    assert_eq!(reused, ["pitch"], "another beat is another melody");
}
